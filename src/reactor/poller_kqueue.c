/* SPDX-License-Identifier: ISC */
/*
 * kqueue(2), the BSDs and macOS.
 *
 * A descriptor has one filter at most, so events need no merging.  EV_EOF is
 * not looked at: it may come while there is still input, and recv says the
 * rest.  Each change is a call of its own, since an error in a list of changes
 * does not say which of them were made.  That costs little: a connection
 * changes its interest only when its peer stops reading or begins again, and at
 * its end.
 */
#include "config.h"

#include "reactor/poller_impl.h"

#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

struct poller_kqueue {
	struct poller poller;
	int fd;
	struct kevent events[POLLER_BATCH];
};

static int
kqueue_open(struct poller *poller)
{
	struct poller_kqueue *self = (struct poller_kqueue *)poller;
	self->fd = kqueue();
	if (self->fd == -1)
		return -1;
	if (fcntl(self->fd, F_SETFD, FD_CLOEXEC) != -1)
		return 0;
	int saved = errno;
	(void)close(self->fd);
	errno = saved;
	return -1;
}

static void
kqueue_close(struct poller *poller)
{
	struct poller_kqueue *self = (struct poller_kqueue *)poller;
	(void)close(self->fd);
}

/* Adds or deletes the filter for an interest. */
static int
change_filter(struct poller_kqueue *self, int fd, enum poller_interest interest,
    int action, void *owner)
{
	struct kevent change;
	EV_SET(&change, (uintptr_t)fd,
	    interest == POLLER_INPUT ? EVFILT_READ : EVFILT_WRITE,
	    (unsigned short)action, 0, 0, owner);
	int result;
	/* A change is made before a signal is noticed, and can be repeated. */
	do
		result = kevent(self->fd, &change, 1, NULL, 0, NULL);
	while (result == -1 && errno == EINTR);
	return result;
}

static int
kqueue_set(struct poller *poller, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner)
{
	struct poller_kqueue *self = (struct poller_kqueue *)poller;
	/* The new filter comes first: if it fails, the old one still stands. */
	if (wants != POLLER_NOTHING &&
	    change_filter(self, fd, wants, EV_ADD, owner) == -1)
		return -1;
	if (had == POLLER_NOTHING)
		return 0;
	/* A deletion that a signal interrupted finds nothing the next time. */
	if (change_filter(self, fd, had, EV_DELETE, NULL) == 0 ||
	    errno == ENOENT)
		return 0;
	int saved = errno;
	if (wants != POLLER_NOTHING)
		(void)change_filter(self, fd, wants, EV_DELETE, NULL);
	errno = saved;
	return -1;
}

static void
kqueue_forget(struct poller *poller, int fd, enum poller_interest had)
{
	/* The close deletes the filter: kqueue(2). */
	(void)poller;
	(void)fd;
	(void)had;
}

static int
kqueue_wait(struct poller *poller, void **ready, int nready, int timeout_ms)
{
	struct poller_kqueue *self = (struct poller_kqueue *)poller;
	struct timespec timeout = {
	    .tv_sec = timeout_ms / 1000,
	    .tv_nsec = (long)(timeout_ms % 1000) * 1000000,
	};
	/* NetBSD takes a size_t here, and others an int: this suits both. */
	unsigned short room = (unsigned short)nready;
	int n = kevent(self->fd, NULL, 0, self->events, room,
	    timeout_ms < 0 ? NULL : &timeout);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		/* On older NetBSD udata is an integer, hence the cast. */
		ready[i] = (void *)self->events[i].udata;
	return n;
}

const struct poller_ops poller_kqueue = {
    .name = "kqueue",
    .size = sizeof(struct poller_kqueue),
    .open = kqueue_open,
    .close = kqueue_close,
    .set = kqueue_set,
    .forget = kqueue_forget,
    .wait = kqueue_wait,
};
