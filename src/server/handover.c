/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/handover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A power of two, so that the counts may wrap. */
static size_t
count_places(size_t size)
{
	size_t places = 1;
	while (places < size)
		places *= 2;
	return places;
}

/* All of a handoff, or all but the address of the peer. */
static size_t
stride_of(bool has_peers)
{
	return has_peers ? sizeof(struct handoff)
			 : offsetof(struct handoff, peer);
}

size_t
handover_memory(size_t size, bool has_peers)
{
	return count_places(size) * stride_of(has_peers);
}

int
handover_open(struct handover *handover, size_t size, bool has_peers)
{
	atomic_init(&handover->nput, 0);
	atomic_init(&handover->ntaken, 0);
	handover->size = count_places(size);
	handover->stride = stride_of(has_peers);
	handover->places = calloc(handover->size, handover->stride);
	return handover->places == NULL ? -1 : 0;
}

void
handover_close(struct handover *handover)
{
	free(handover->places);
}

static unsigned char *
place_at(const struct handover *handover, size_t number)
{
	return handover->places + number % handover->size * handover->stride;
}

void
handover_put(struct handover *handover, const struct handoff *handoff)
{
	size_t nput =
	    atomic_load_explicit(&handover->nput, memory_order_relaxed);
	assert(nput - atomic_load(&handover->ntaken) < handover->size);
	memcpy(place_at(handover, nput), handoff, handover->stride);
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
	memcpy(handoff, place_at(handover, ntaken), handover->stride);
	atomic_store_explicit(
	    &handover->ntaken, ntaken + 1, memory_order_release);
	return true;
}
