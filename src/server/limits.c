/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/limits.h"

#include "server/handover.h"
#include "server/metrics.h"
#include "server/shard.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

/* Kept free for what the C library may open, such as a name service. */
enum { SPARE_DESCRIPTORS = 4 };

/* What a worker with a thread of its own opens: its poller and its bell. */
enum { WORKER_DESCRIPTORS = 3 };

/*
 * Bounds, in bytes, of the memory_limit that follows from the connections.  The
 * least gives few connections room for long turns: for 0.5 GB, two streams of a
 * server for 4 take 1,900 calls of recv, and 23,000 with a block for each.  The
 * most is what a server may take unasked.
 */
#define MEMORY_LEAST ((size_t)1 << 20)
#define MEMORY_MOST  ((size_t)256 << 20)

static size_t
pending_memory(const struct settings *settings, size_t connections)
{
	if (settings->memory_limit != 0)
		return settings->memory_limit;
	/* A block for each connection is enough for a burst of slow readers. */
	if (connections > MEMORY_MOST / POOL_BLOCK)
		return MEMORY_MOST;
	size_t memory = connections * POOL_BLOCK;
	return memory < MEMORY_LEAST ? MEMORY_LEAST : memory;
}

static size_t
backlog_for(size_t connections)
{
	if (connections > LIMITS_BACKLOG_MAX)
		return LIMITS_BACKLOG_MAX;
	return connections < LIMITS_BACKLOG_MIN ? LIMITS_BACKLOG_MIN
						: connections;
}

int
limits_compute(struct limits *limits, const struct settings *settings,
    const struct sys_descriptors *descriptors)
{
	size_t used = descriptors->open + SPARE_DESCRIPTORS;
	size_t possible = 0;
	if (descriptors->limit > used)
		possible = descriptors->limit - used;
	size_t wanted = settings->max_connections;
	if (wanted == 0)
		wanted = possible < LIMITS_CONNECTIONS_DEFAULT
			     ? possible
			     : LIMITS_CONNECTIONS_DEFAULT;
	limits->connections = wanted;
	limits->possible = possible;
	limits->backlog = backlog_for(wanted);
	if (wanted == 0 || wanted > possible) {
		limits->connections = possible;
		errno = EMFILE;
		return -1;
	}
	size_t pending = pending_memory(settings, wanted);
	size_t least = SETTINGS_MEMORY_MIN * (size_t)settings->workers;
	if (pending < least)
		pending = least;
	assert(settings->workers > 0);
	limits->blocks = pending / settings->workers / POOL_BLOCK;
	/* Any worker may get all connections, so each has all the slots. */
	uint64_t slots = (uint64_t)wanted * sizeof(struct conn);
	if (settings->log_connections)
		slots += (uint64_t)wanted * sizeof(struct record);
	/* A worker with a thread has a ring with a place for each as well. */
	if (settings->workers > 1)
		slots += handover_memory(wanted, settings->log_connections);
	uint64_t each = (uint64_t)limits->blocks * POOL_COST + slots +
			SHARD_INPUT + UPCASE_BOUND(SHARD_INPUT);
	limits->memory = settings->workers * each + metrics_memory(settings);
	return 0;
}

int
limits_decide(struct limits *limits, const struct settings *settings,
    size_t nconns, struct sys_descriptors *descriptors)
{
	sys_count_descriptors(descriptors);
	descriptors->open -=
	    nconns < descriptors->open ? nconns : descriptors->open;
	if (settings->workers > 1)
		descriptors->open +=
		    WORKER_DESCRIPTORS * (size_t)settings->workers;
	descriptors->open += metrics_descriptors(settings);
	return limits_compute(limits, settings, descriptors);
}
