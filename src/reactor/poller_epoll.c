/* SPDX-License-Identifier: ISC */
/* epoll(7), Linux. */
#include "config.h"

#include "reactor/poller_impl.h"

#include <sys/epoll.h>

#include <errno.h>
#include <unistd.h>

struct poller_epoll {
	struct poller poller;
	int fd;
	struct epoll_event events[POLLER_BATCH];
};

static int
epoll_open(struct poller *poller)
{
	struct poller_epoll *self = (struct poller_epoll *)poller;
	self->fd = epoll_create1(EPOLL_CLOEXEC);
	return self->fd == -1 ? -1 : 0;
}

static void
epoll_close(struct poller *poller)
{
	struct poller_epoll *self = (struct poller_epoll *)poller;
	(void)close(self->fd);
}

static int
epoll_set(struct poller *poller, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner)
{
	struct poller_epoll *self = (struct poller_epoll *)poller;
	struct epoll_event event = {
	    .events = wants == POLLER_INPUT ? EPOLLIN : EPOLLOUT,
	    .data.ptr = owner,
	};
	/*
	 * A descriptor that is wanted for nothing must leave the set: epoll
	 * reports hang-ups whether asked or not, and the loop would spin.
	 */
	if (wants == POLLER_NOTHING)
		return epoll_ctl(self->fd, EPOLL_CTL_DEL, fd, &event);
	if (had == POLLER_NOTHING)
		return epoll_ctl(self->fd, EPOLL_CTL_ADD, fd, &event);
	return epoll_ctl(self->fd, EPOLL_CTL_MOD, fd, &event);
}

static void
epoll_forget(struct poller *poller, int fd, enum poller_interest had)
{
	/* It has no duplicate, so its close does that: epoll(7). */
	(void)poller;
	(void)fd;
	(void)had;
}

static int
epoll_wait_ready(
    struct poller *poller, void **ready, int nready, int timeout_ms)
{
	struct poller_epoll *self = (struct poller_epoll *)poller;
	int n = epoll_wait(self->fd, self->events, nready, timeout_ms);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		ready[i] = self->events[i].data.ptr;
	return n;
}

const struct poller_ops poller_epoll = {
    .name = "epoll",
    .size = sizeof(struct poller_epoll),
    .open = epoll_open,
    .close = epoll_close,
    .set = epoll_set,
    .forget = epoll_forget,
    .wait = epoll_wait_ready,
};
