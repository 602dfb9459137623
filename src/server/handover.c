/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/handover.h"

#include <assert.h>
#include <stdlib.h>

int
handover_open(struct handover *handover, size_t size)
{
	atomic_init(&handover->nput, 0);
	atomic_init(&handover->ntaken, 0);
	/* A power of two, so that the counts may wrap. */
	handover->size = 1;
	while (handover->size < size)
		handover->size *= 2;
	handover->fds = calloc(handover->size, sizeof *handover->fds);
	return handover->fds == NULL ? -1 : 0;
}

void
handover_close(struct handover *handover)
{
	free(handover->fds);
}

void
handover_put(struct handover *handover, int fd)
{
	size_t nput =
	    atomic_load_explicit(&handover->nput, memory_order_relaxed);
	assert(nput - atomic_load(&handover->ntaken) < handover->size);
	handover->fds[nput % handover->size] = fd;
	/* Released: who sees the count sees the socket. */
	atomic_store_explicit(&handover->nput, nput + 1, memory_order_release);
}

int
handover_take(struct handover *handover)
{
	size_t ntaken =
	    atomic_load_explicit(&handover->ntaken, memory_order_relaxed);
	if (ntaken ==
	    atomic_load_explicit(&handover->nput, memory_order_acquire))
		return -1;
	int fd = handover->fds[ntaken % handover->size];
	atomic_store_explicit(
	    &handover->ntaken, ntaken + 1, memory_order_release);
	return fd;
}
