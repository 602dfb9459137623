/* SPDX-License-Identifier: ISC */
/* What a back end is.  Only poller.c and the back ends include this. */
#ifndef POLLER_IMPL_H
#define POLLER_IMPL_H

#include "reactor/poller_interest.h"

#include <stddef.h>

struct poller {
	const struct poller_ops *ops;
};

/*
 * One object for each back end.  Its state is a structure of the given size
 * that starts with a struct poller; poller.c allocates it, zeroed.  The calls
 * have the contracts of their namesakes in poller.h.
 */
struct poller_ops {
	const char *name;
	size_t size;
	int (*open)(struct poller *);
	void (*close)(struct poller *);
	int (*set)(struct poller *, int fd, enum poller_interest had,
	    enum poller_interest wants, void *owner);
	void (*forget)(struct poller *, int fd, enum poller_interest had);
	int (*wait)(struct poller *, void **ready, int nready, int timeout_ms);
};

extern const struct poller_ops poller_epoll, poller_kqueue, poller_poll;

#endif
