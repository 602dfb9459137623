/* SPDX-License-Identifier: ISC */
/*
 * The connections of one worker, and what they share: the loop, the buffers,
 * the pool, the deadlines and the counters.  All of it belongs to one thread.
 */
#ifndef CONNS_H
#define CONNS_H

#include "base/log.h"
#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/buffers.h"
#include "server/conn.h"
#include "server/counters.h"
#include "server/handover.h"
#include "server/pool.h"
#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The most that one recv asks for, in bytes, and so the length of a turn.  Long
 * turns make bulk faster, but others wait for their end: they are short if one
 * that sends little, and so waits for each answer, had to share a turn just
 * now.
 */
#define CONNS_INPUT        ((size_t)1048576)
#define CONNS_INPUT_SHARED ((size_t)65536)

/* For how long, in ms, turns stay short after one was shared. */
enum { CONNS_SHARED_MS = 10 };

/*
 * The least: when the pool cannot hold the answer to that much, whoever holds
 * most of it for longest, without any progress, makes room.
 */
#define CONNS_INPUT_MIN ((size_t)4096)

_Static_assert(UPCASE_BOUND(CONNS_INPUT_MIN) <= POOL_BLOCK_OUTPUT,
    "one free block holds the answer to the least input");

/* The steps in which the time between two looks at a delivery grows. */
#define CONNS_LOOKS 4

/* What a connection can be late with; CONNS_NEVER: it has no deadline. */
enum conns_deadline {
	CONNS_IDLE,
	CONNS_STALL,
	CONNS_LINGER,
	CONNS_LOOK, /* the first of CONNS_LOOKS */
	CONNS_NEVER = CONNS_LOOK + CONNS_LOOKS
};

struct conns {
	struct loop *loop;
	const struct server_settings *settings;
	struct counters *counters;
	enum upcase_invalid invalid;
	bool draining;

	/* Scratch buffers: what is in them is over when a step returns. */
	unsigned char *input;  /* CONNS_INPUT bytes */
	unsigned char *output; /* UPCASE_BOUND(CONNS_INPUT) bytes */
	struct pool pool;
	struct buffers buffers; /* the kernel's */
	uint64_t shared;        /* when one with little shared, of loop_now */

	struct timer_queue deadlines[CONNS_NEVER];
	uint32_t quiet_ms; /* in a drain the span of idle and linger */

	/* The slab never moves; slots are first used in their order. */
	struct conn *slots;
	size_t nslots, nfresh;
	struct list free;   /* slots that were used before, by timer.link */
	struct list closed; /* to be released after the turn, likewise */

	struct timer_queue trims, steps;
	struct timer trim; /* armed while there may be memory to give back */
	bool has_bulk;     /* since the last trim much was received at once */

	struct log_limit ends[NCOUNTERS]; /* by their cause */
	struct log_limit failures;
};

/*
 * Takes the memory for at most nslots connections and nblocks of pending
 * output; they need no more later.  -1 with ENOMEM.
 */
int conns_open(struct conns *, struct loop *, const struct server_settings *,
    struct counters *, size_t nslots, size_t nblocks);

/* No connection may be open. */
void conns_close(struct conns *);

/* Serves the socket; when that fails it is reset, and counted as such. */
void conns_adopt(struct conns *, int fd);

/* From now on connections end when they are quiet. */
void conns_drain(struct conns *);

/* Resets all connections, as at the end of a drain. */
void conns_cut(struct conns *);

/* Does what conns_release does when there is something to do. */
size_t conns_release_closed(struct conns *);

/*
 * To be called after each turn of the loop: closes the sockets of connections
 * that ended in it, and returns how many there were, mostly none.
 */
static inline size_t
conns_release(struct conns *conns)
{
	return list_is_empty(&conns->closed) ? 0 : conns_release_closed(conns);
}

/* For conn.c: memory is used that may have to be given back later. */
static inline void
conns_note_use(struct conns *conns)
{
	if (!timer_is_armed(&conns->trim))
		timer_arm(&conns->trims, &conns->trim, loop_now(conns->loop));
}

/* For conn.c: logs that the system does not let us serve; errno says why. */
void conns_warn(struct conns *);

/* Does what conns_note_received does for much at once. */
void conns_note_bulk(struct conns *, struct conn *);

/* For conn.c: notes that a connection received so many bytes by one recv. */
static inline void
conns_note_received(struct conns *conns, struct conn *conn, size_t n)
{
	if (n >= BUFFERS_BULK)
		conns_note_bulk(conns, conn);
	else if (loop_ready(conns->loop) > 1)
		conns->shared = loop_now(conns->loop);
}

/* Does what conns_make_room does when there is no room for the most. */
size_t conns_evict(struct conns *, size_t most);

/*
 * For conn.c.  Evicts until there is room for the answer to CONNS_INPUT_MIN
 * bytes, and returns how many bytes may be received.
 */
static inline size_t
conns_make_room(struct conns *conns)
{
	uint64_t ago = loop_now(conns->loop) - conns->shared;
	size_t most = ago < CONNS_SHARED_MS ? CONNS_INPUT_SHARED : CONNS_INPUT;
	if (pool_room(&conns->pool) >= UPCASE_BOUND(most))
		return most;
	return conns_evict(conns, most);
}

/* For conn.c: takes a closed connection until it is released. */
void conns_retire(struct conns *, struct conn *);

#endif
