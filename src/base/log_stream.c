/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log_stream.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* SIGPIPE is ignored anyhow, for the systems that lack the flag. */
#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = MSG_DONTWAIT };
#endif

/*
 * What a terminal takes without blocking when poll(2) calls it writable, in
 * bytes.  Linux has room for 256 in a pseudoterminal then, and a newline may
 * become two.
 */
enum { PIECE = 128 };

/*
 * How often a thread tries to claim the stream while another writes: YIELDS
 * times with a yield after each, and then SLEEPS times with a sleep of 1 ms,
 * which makes about a second in all.
 */
enum { YIELDS = 100, SLEEPS = 1000 };

/* A write that is interrupted by this many signals in a row is given up. */
enum { INTERRUPTIONS = 16 };

static enum {
	ASKED, /* asked by poll(2) first */
	OWN,   /* opened again by us, and does not block */
	SOCKET,
	PLAIN, /* takes what it is given */
} kind;

static bool is_terminal;
static pthread_mutex_t claim = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_stuck;

/* The rest of a line of which the stream took the beginning. */
static char rest[LOG_STREAM_MAX];
static size_t nrest;

/* True if the descriptor does not block, and is the same file as that. */
static bool
is_the_same(int fd, const struct stat *inherited)
{
	struct stat status;
	int flags = fcntl(fd, F_GETFL);
	if (flags == -1 || (flags & O_NONBLOCK) == 0 ||
	    fstat(fd, &status) == -1)
		return false;
	if (!is_terminal)
		return status.st_dev == inherited->st_dev &&
		       status.st_ino == inherited->st_ino;
	if (isatty(fd) != 1)
		return false;
	/* /dev/tty is another device, but a session has only one terminal. */
	pid_t session = tcgetsid(STDERR_FILENO);
	return status.st_rdev == inherited->st_rdev ||
	       (session != -1 && tcgetsid(fd) == session);
}

/* Opens the file at path, and puts it in the place of standard error. */
static bool
open_again(const char *path, const struct stat *inherited)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return false;
	bool done = is_the_same(fd, inherited) &&
		    dup2(fd, STDERR_FILENO) == STDERR_FILENO;
	(void)close(fd);
	return done;
}

static bool
open_terminal_again(const struct stat *inherited)
{
	char name[64];
	/* Any account can open /dev/tty, the terminal of our session. */
	return (ttyname_r(STDERR_FILENO, name, sizeof name) == 0 &&
		   open_again(name, inherited)) ||
	       open_again("/dev/tty", inherited);
}

static bool
is_master(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	return ptsname(STDERR_FILENO) != NULL;
}

void
log_stream_open(void)
{
	struct stat inherited;
	kind = ASKED;
	is_terminal = false;
	nrest = 0;
	if (fstat(STDERR_FILENO, &inherited) == -1)
		return;
	mode_t mode = inherited.st_mode;
	is_terminal = S_ISCHR(mode) && isatty(STDERR_FILENO) == 1;
	if (S_ISSOCK(mode))
		kind = SOCKET;
	else if (S_ISREG(mode) || S_ISBLK(mode) ||
		 (S_ISCHR(mode) && !is_terminal))
		kind = PLAIN;
	/* To open a master would make another terminal. */
	else if ((S_ISFIFO(mode) || (is_terminal && !is_master())) &&
		 (open_again("/proc/self/fd/2", &inherited) ||
		     (is_terminal && open_terminal_again(&inherited))))
		kind = OWN;
}

bool
log_stream_is_terminal(void)
{
	return is_terminal;
}

bool
log_stream_claim(void)
{
	for (int tries = 0; pthread_mutex_trylock(&claim) != 0; tries++) {
		if (tries == YIELDS + SLEEPS)
			atomic_store(&is_stuck, true);
		if (atomic_load(&is_stuck))
			return false;
		if (tries < YIELDS)
			(void)sched_yield();
		else
			(void)poll(NULL, 0, 1);
	}
	atomic_store(&is_stuck, false);
	return true;
}

void
log_stream_release(void)
{
	(void)pthread_mutex_unlock(&claim);
}

/* True if a write would not wait.  On macOS devices are POLLNVAL. */
static bool
has_room(void)
{
	struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT};
	return poll(&stream, 1, 0) == 1 &&
	       (stream.revents & (POLLOUT | POLLNVAL)) != 0;
}

/* How much of the text a stream that has some room takes. */
static size_t
piece_of(const char *text, size_t length)
{
	if (!is_terminal)
		return length < PIPE_BUF ? length : PIPE_BUF;
	size_t piece = 0;
	while (piece < length && piece < PIECE && text[piece] != '\n')
		piece++;
	return piece > 0 ? piece : 1;
}

/* Returns how much of the text was taken now, or -1. */
static ssize_t
write_some(const char *text, size_t length)
{
	if (kind == SOCKET)
		return send(STDERR_FILENO, text, length, SEND_FLAGS);
	if (kind == ASKED) {
		errno = EAGAIN;
		if (!has_room())
			return -1;
		length = piece_of(text, length);
	}
	return write(STDERR_FILENO, text, length);
}

/* Returns how much of the text the stream has taken. */
static size_t
write_all(const char *text, size_t length)
{
	size_t done = 0;
	for (int interruptions = 0; done < length;) {
		ssize_t n = write_some(text + done, length - done);
		if (n > 0) {
			done += (size_t)n;
			interruptions = 0;
		} else if (n == 0 || errno != EINTR ||
			   ++interruptions == INTERRUPTIONS) {
			break;
		}
	}
	return done;
}

/* Removes the last bytes of a file, unless somebody wrote behind them. */
static bool
take_back(size_t length)
{
	struct stat status;
	off_t end = lseek(STDERR_FILENO, 0, SEEK_CUR);
	if (kind != PLAIN || end < (off_t)length ||
	    fstat(STDERR_FILENO, &status) == -1 || !S_ISREG(status.st_mode) ||
	    status.st_size != end)
		return false;
	off_t begin = end - (off_t)length;
	return ftruncate(STDERR_FILENO, begin) == 0 &&
	       lseek(STDERR_FILENO, begin, SEEK_SET) == begin;
}

bool
log_stream_write(const char *lines, size_t length)
{
	if (nrest > 0) {
		size_t done = write_all(rest, nrest);
		nrest -= done;
		memmove(rest, rest + done, nrest);
		if (nrest > 0)
			return false;
	}
	size_t done = write_all(lines, length);
	if (done == length)
		return true;
	if (done == 0 || take_back(done))
		return false;
	nrest = length - done;
	memcpy(rest, lines + done, nrest);
	return true;
}
