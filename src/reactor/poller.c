/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/poller.h"

#include "reactor/poller_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The best first. */
static const struct poller_ops *const backends[] = {
#ifdef HAVE_EPOLL
    &poller_epoll,
#endif
#ifdef HAVE_KQUEUE
    &poller_kqueue,
#endif
    &poller_poll,
};

enum { NBACKENDS = sizeof backends / sizeof backends[0] };

const char *
poller_backend(size_t i)
{
	return i < NBACKENDS ? backends[i]->name : NULL;
}

static const struct poller_ops *
find_backend(const char *name)
{
	if (name == NULL)
		return backends[0];
	for (size_t i = 0; i < NBACKENDS; i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	return NULL;
}

struct poller *
poller_open(const char *backend)
{
	const struct poller_ops *ops = find_backend(backend);
	if (ops == NULL) {
		errno = EINVAL;
		return NULL;
	}
	struct poller *poller = calloc(1, ops->size);
	if (poller == NULL)
		return NULL;
	poller->ops = ops;
	if (ops->open(poller) == -1) {
		int saved = errno;
		free(poller);
		errno = saved;
		return NULL;
	}
	return poller;
}

void
poller_close(struct poller *poller)
{
	if (poller == NULL)
		return;
	poller->ops->close(poller);
	free(poller);
}

const char *
poller_name(const struct poller *poller)
{
	return poller->ops->name;
}

int
poller_set(struct poller *poller, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner)
{
	assert(fd >= 0);
	if (had == wants)
		return 0;
	return poller->ops->set(poller, fd, had, wants, owner);
}

void
poller_forget(struct poller *poller, int fd, enum poller_interest had)
{
	if (had != POLLER_NOTHING)
		poller->ops->forget(poller, fd, had);
}

int
poller_wait(struct poller *poller, void **ready, int nready, int timeout_ms)
{
	assert(nready > 0);
	if (nready > POLLER_BATCH)
		nready = POLLER_BATCH;
	return poller->ops->wait(poller, ready, nready, timeout_ms);
}
