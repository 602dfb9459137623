/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/handover.h"

#include <assert.h>
#include <stdlib.h>

/* A power of two, so that the counts may wrap. */
size_t
handover_places(size_t size)
{
	size_t places = 1;
	while (places < size)
		places *= 2;
	return places;
}

int
handover_open(struct handover *handover, size_t size)
{
	atomic_init(&handover->nput, 0);
	atomic_init(&handover->ntaken, 0);
	handover->size = handover_places(size);
	handover->places = calloc(handover->size, sizeof *handover->places);
	return handover->places == NULL ? -1 : 0;
}

void
handover_close(struct handover *handover)
{
	free(handover->places);
}

void
handover_put(struct handover *handover, const struct handoff *handoff)
{
	size_t nput =
	    atomic_load_explicit(&handover->nput, memory_order_relaxed);
	assert(nput - atomic_load(&handover->ntaken) < handover->size);
	handover->places[nput % handover->size] = *handoff;
	/* Release: a reader that sees the count sees the socket too. */
	atomic_store_explicit(&handover->nput, nput + 1, memory_order_release);
}

bool
handover_take(struct handover *handover, struct handoff *handoff)
{
	size_t ntaken =
	    atomic_load_explicit(&handover->ntaken, memory_order_relaxed);
	if (ntaken ==
	    atomic_load_explicit(&handover->nput, memory_order_acquire))
		return false;
	*handoff = handover->places[ntaken % handover->size];
	atomic_store_explicit(
	    &handover->ntaken, ntaken + 1, memory_order_release);
	return true;
}
