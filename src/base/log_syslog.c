/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log_syslog.h"

#include "base/sys.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* SIGPIPE is ignored anyhow, for the systems that lack the flag. */
#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = MSG_DONTWAIT };
#endif

/* The facility of daemons, LOG_DAEMON, in a priority. */
enum { FACILITY = 3 << 3 };

/* The least time between two attempts to connect, in ms. */
enum { AGAIN_MS = 1000 };

/* A send that is interrupted by this many signals in a row is given up. */
enum { INTERRUPTIONS = 16 };

/* Room for the priority, and for the program and the process. */
enum { PRIORITY_MAX = 8, TAG_MAX = 64 };

const char *const log_syslog_paths[] = {"/dev/log", "/var/run/log", NULL};

static int syslog_fd = -1;
static const char *const *readers = log_syslog_paths;
static char tag[TAG_MAX];

/* Who finds it in use leaves it to the other, and its line out. */
static atomic_flag connects = ATOMIC_FLAG_INIT;
static uint64_t next; /* when to connect again at the earliest */

int
log_syslog_open(const char *program, const char *const *paths)
{
	syslog_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (syslog_fd == -1)
		return -1;
	if (sys_adopt(syslog_fd) == -1) {
		int saved = errno;
		log_syslog_close();
		errno = saved;
		return -1;
	}
	readers = paths;
	next = 0;
	(void)snprintf(
	    tag, sizeof tag, "%.32s[%ld]: ", program, (long)getpid());
	return 0;
}

void
log_syslog_close(void)
{
	(void)sys_close(syslog_fd);
	syslog_fd = -1;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length + 1);
	return connect(
	    syslog_fd, (const struct sockaddr *)&address, sizeof address);
}

int
log_syslog_connect(void)
{
	int error = ENOENT;
	next = sys_now() + AGAIN_MS;
	for (size_t i = 0; readers[i] != NULL; i++) {
		if (connect_to(readers[i]) == 0)
			return 0;
		/* A file that is not there says less than another error. */
		if (errno != ENOENT)
			error = errno;
	}
	errno = error;
	return -1;
}

/* The same, unless another thread does it or it is too early. */
static bool
connect_again(void)
{
	if (atomic_flag_test_and_set(&connects))
		return false;
	bool done = sys_now() >= next && log_syslog_connect() == 0;
	atomic_flag_clear(&connects);
	return done;
}

/* True for the errors that mean that nobody reads there any more. */
static bool
is_gone(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN ||
	       error == ECONNRESET || error == EDESTADDRREQ || error == EPIPE;
}

static bool
send_all(const struct msghdr *message)
{
	ssize_t sent;
	int interruptions = 0;
	do
		sent = sendmsg(syslog_fd, message, SEND_FLAGS);
	while (sent == -1 && errno == EINTR && ++interruptions < INTERRUPTIONS);
	return sent != -1;
}

/* A piece of a message; it is not written to, but the member is not const. */
static struct iovec
piece_of(const void *bytes, size_t n)
{
	struct iovec piece = {.iov_len = n};
	memcpy(&piece.iov_base, &bytes, sizeof bytes);
	return piece;
}

bool
log_syslog_write(int severity, const char *text, size_t n)
{
	char priority[PRIORITY_MAX];
	(void)snprintf(
	    priority, sizeof priority, "<%d>", FACILITY | (severity & 7));
	struct iovec pieces[] = {
	    piece_of(priority, strlen(priority)),
	    piece_of(tag, strlen(tag)),
	    piece_of(text, n),
	};
	const struct msghdr message = {
	    .msg_iov = pieces,
	    .msg_iovlen = sizeof pieces / sizeof pieces[0],
	};
	return send_all(&message) ||
	       (is_gone(errno) && connect_again() && send_all(&message));
}
