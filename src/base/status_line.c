/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/status_line.h"

#include "base/sys.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Of a terminal that does not say how wide it is. */
	COLUMNS = 80,
	/* What a terminal shows behind the line of Ctrl-C: two characters. */
	ECHOED = 2
};

/* By these a line could be left behind, since they end or stop a program. */
static const int endings[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP,
    SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

enum { NENDINGS = sizeof endings / sizeof endings[0] };

/* The line that stands on a terminal, for the handler; of width 0: none does.
 */
static volatile sig_atomic_t row_fd = -1;
static volatile sig_atomic_t row_width;

/* The signals of the list, and the one for a write in the background. */
static void
fill_set(sigset_t *set)
{
	(void)sigemptyset(set);
	for (int i = 0; i < NENDINGS; i++)
		(void)sigaddset(set, endings[i]);
	(void)sigaddset(set, SIGTTOU);
}

/*
 * True unless the terminal is that of another job now.  One that is not ours to
 * be controlled by has no jobs.
 */
static bool
is_foreground(int fd)
{
	pid_t foreground = tcgetpgrp(fd);
	return foreground == -1 || foreground == getpgrp();
}

/* True if a write would not wait.  On macOS devices are POLLNVAL. */
static bool
has_room(int fd)
{
	struct pollfd terminal = {.fd = fd, .events = POLLOUT};
	return poll(&terminal, 1, 0) == 1 &&
	       (terminal.revents & (POLLOUT | POLLNVAL)) != 0;
}

/* The last column stays free: what is written there may begin a new row. */
static size_t
room_in_row(int fd)
{
	struct winsize size;
	size_t columns = COLUMNS;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
		columns = size.ws_col;
	return columns - 1;
}

/*
 * Writes the text over what stands there, and blanks over the rest of that, and
 * puts the cursor at the beginning where there is no text.  A handler may make
 * all of these calls.  What the terminal does not take is no loss.
 */
static void
show(int fd, const char *text)
{
	char bytes[STATUS_LINE_MAX + 1];
	size_t room = room_in_row(fd);
	size_t length = strlen(text), old = (size_t)row_width;
	if (room > STATUS_LINE_MAX - 1)
		room = STATUS_LINE_MAX - 1;
	if (length > room)
		length = room;
	if (old > room)
		old = room;
	size_t width = length > old ? length : old;
	bytes[0] = '\r';
	for (size_t i = 0; i < width; i++)
		bytes[1 + i] = ' ';
	for (size_t i = 0; i < length; i++)
		bytes[1 + i] = text[i];
	bytes[1 + width] = '\r';
	if (width > 0)
		(void)sys_write(fd, bytes, 1 + width + (length == 0));
	row_fd = fd;
	row_width = (sig_atomic_t)length;
}

/* The signals that could come between are held, or this is the handler. */
static void
erase(void)
{
	int fd = row_fd;
	if (row_width > 0 && is_foreground(fd) && has_room(fd)) {
		row_width += ECHOED;
		show(fd, "");
	}
	row_width = 0;
}

/* Erases the line, and lets the signal do what it does by default. */
static void
obey(int signo)
{
	int saved = errno;
	struct sigaction by_default = {.sa_handler = SIG_DFL}, ours;
	sigset_t this, before;
	erase();
	(void)sigemptyset(&by_default.sa_mask);
	(void)sigemptyset(&this);
	(void)sigaddset(&this, signo);
	(void)sigaction(signo, &by_default, &ours);
	(void)kill(getpid(), signo);
	(void)pthread_sigmask(SIG_UNBLOCK, &this, &before);
	/* It was a stop, and the program goes on. */
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)sigaction(signo, &ours, NULL);
	errno = saved;
}

static void
catch_endings(void)
{
	struct sigaction action = {.sa_handler = obey, .sa_flags = SA_RESTART};
	fill_set(&action.sa_mask);
	for (int i = 0; i < NENDINGS; i++) {
		struct sigaction before;
		if (sigaction(endings[i], NULL, &before) == 0 &&
		    (before.sa_flags & SA_SIGINFO) == 0 &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(endings[i], &action, NULL);
	}
}

void
status_line_start(struct status_line *line, int fd, unsigned first_ms,
    unsigned interval_ms, uint64_t now)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
	const char *type = getenv("TERM");
	if (type != NULL && strcmp(type, "dumb") == 0)
		fd = -1;
	*line = (struct status_line){
	    .fd = fd,
	    .due = now + first_ms,
	    .interval = interval_ms,
	};
	if (fd != -1)
		catch_endings();
}

bool
status_line_is_due(const struct status_line *line, uint64_t now)
{
	return line->fd != -1 && now >= line->due;
}

int
status_line_wait(const struct status_line *line, uint64_t now)
{
	if (line->fd == -1)
		return -1;
	return now < line->due ? (int)(line->due - now) : 0;
}

void
status_line_draw(struct status_line *line, const char *text, uint64_t now)
{
	sigset_t held, before;
	line->due = now + line->interval;
	fill_set(&held);
	(void)pthread_sigmask(SIG_BLOCK, &held, &before);
	if (is_foreground(line->fd) && has_room(line->fd))
		show(line->fd, text);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
status_line_erase(struct status_line *line)
{
	if (line->fd != -1)
		status_line_clear();
}

void
status_line_clear(void)
{
	sigset_t held, before;
	if (row_width == 0)
		return;
	fill_set(&held);
	(void)pthread_sigmask(SIG_BLOCK, &held, &before);
	erase();
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
