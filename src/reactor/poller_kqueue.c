/* SPDX-License-Identifier: ISC */
/*
 * kqueue(2), the BSDs and macOS.
 *
 * Interest is one filter a descriptor, so an event needs no merging, and
 * EV_EOF needs no look: it may come while there is still input, and recv says
 * the rest.  A change is a call of its own, since an error in a list of
 * changes leaves open which of them were made.  That costs nothing that
 * counts: a connection changes its interest when a peer stops reading, and when
 * it goes to another worker, and else never.
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
	/* Changes are made before a signal is noticed, and bear repetition. */
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
	/* At most POLLER_BATCH; NetBSD takes a size_t here and others an int.
	 */
	unsigned short room = (unsigned short)nready;
	int n = kevent(self->fd, NULL, 0, self->events, room,
	    timeout_ms < 0 ? NULL : &timeout);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		/* On older NetBSD this is an integer: the cast suits both. */
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
