/* SPDX-License-Identifier: ISC */
/*
 * What the connections of one worker share: the loop, the buffers, the pool,
 * the deadlines, the counters and the memory of the connections themselves.
 * All of it belongs to one thread.
 */
#ifndef SHARD_H
#define SHARD_H

#include "base/log.h"
#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/conn.h"
#include "server/counters.h"
#include "server/kernel_buffers.h"
#include "server/pool.h"
#include "server/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The most that one recv asks for, in bytes, and so the length of a turn.  Long
 * turns make bulk faster, but others wait for their end: they are short if one
 * that sends little, and so waits for each answer, had to share a turn just
 * now.
 */
#define SHARD_INPUT        ((size_t)1048576)
#define SHARD_INPUT_SHARED ((size_t)65536)

/* For how long, in ms, turns stay short after one was shared. */
enum { SHARD_SHARED_MS = 10 };

/*
 * The least: when the pool cannot hold the answer to that much, whoever holds
 * most of it for longest, without any progress, makes room.
 */
#define SHARD_INPUT_MIN ((size_t)4096)

_Static_assert(UPCASE_BOUND(SHARD_INPUT_MIN) <= POOL_BLOCK_OUTPUT,
    "one free block holds the answer to the least input");

/* The steps in which the time between two looks at a delivery grows. */
#define SHARD_LOOKS 4

/* What a connection can be late with. */
enum shard_deadline {
	SHARD_IDLE,
	SHARD_STALL,
	SHARD_LINGER,
	SHARD_LOOK, /* the first of SHARD_LOOKS */
	SHARD_NDEADLINES = SHARD_LOOK + SHARD_LOOKS
};

struct shard {
	struct loop *loop;
	const struct settings *settings;
	struct counters *counters;
	bool draining;

	/* Scratch buffers: what is in them is over when a step returns. */
	unsigned char *input;  /* SHARD_INPUT bytes */
	unsigned char *output; /* UPCASE_BOUND(SHARD_INPUT) bytes */
	struct pool pool;
	struct kernel_buffers buffers;
	uint64_t shared_at; /* loop_now of the last turn that was shared */

	struct timer_queue deadlines[SHARD_NDEADLINES];
	void (*evict)(struct conn *, enum counter cause);

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
 * output; they need no more later.  Expired is called for the timer of a
 * connection whose deadline has passed, and evict for one that has to make
 * room.  -1 with ENOMEM.
 */
int shard_open(struct shard *, struct loop *, const struct settings *,
    struct counters *, size_t nslots, size_t nblocks,
    void (*expired)(struct timer *),
    void (*evict)(struct conn *, enum counter cause));

/* No connection may be open. */
void shard_close(struct shard *);

/*
 * Other settings hold from now on: where the time of a deadline changes, those
 * that are armed count anew.
 */
void shard_set(struct shard *, const struct settings *);

/* The spans of a drain hold from now on. */
void shard_drain(struct shard *);

/* Memory for a connection, of which there must be less than nslots. */
struct conn *shard_take_slot(struct shard *);

/* Takes a closed connection until it is released. */
void shard_retire(struct shard *, struct conn *);

/* Does what shard_release does when there is something to do. */
size_t shard_release_closed(struct shard *);

/*
 * To be called after each turn of the loop: closes the sockets of connections
 * that ended in it, and returns how many there were, mostly none.
 */
static inline size_t
shard_release(struct shard *shard)
{
	return list_is_empty(&shard->closed) ? 0 : shard_release_closed(shard);
}

/* Memory is used that may have to be given back later. */
static inline void
shard_note_use(struct shard *shard)
{
	if (!timer_is_armed(&shard->trim))
		timer_arm(&shard->trims, &shard->trim, loop_now(shard->loop));
}

/* Does what shard_note_received does for much at once. */
void shard_note_bulk(struct shard *, struct conn *);

/* Notes that a connection received n bytes by one recv. */
static inline void
shard_note_received(struct shard *shard, struct conn *conn, size_t n)
{
	if (n >= KERNEL_BUFFERS_BULK)
		shard_note_bulk(shard, conn);
	else if (loop_ready(shard->loop) > 1)
		shard->shared_at = loop_now(shard->loop);
}

/* The most bytes that a recv asks for now, if the pool has room. */
static inline size_t
shard_turn(const struct shard *shard)
{
	uint64_t ago = loop_now(shard->loop) - shard->shared_at;
	return ago < SHARD_SHARED_MS ? SHARD_INPUT_SHARED : SHARD_INPUT;
}

/* Does what shard_room does where the pool has no room for the most. */
size_t shard_room_left(const struct shard *);

/* How many bytes a recv may ask for, while the pool is not full. */
static inline size_t
shard_room(const struct shard *shard)
{
	if (pool_room(&shard->pool) >= UPCASE_BOUND(SHARD_INPUT))
		return shard_turn(shard);
	return shard_room_left(shard);
}

/* Evicts who costs most, until the pool is not full any more. */
void shard_make_room(struct shard *);

/* Logs that the system does not let us serve; errno says why. */
void shard_warn(struct shard *);

#endif
