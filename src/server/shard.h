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
#include "server/conn_state.h"
#include "server/counters.h"
#include "server/kernel_buffers.h"
#include "server/pool.h"
#include "server/record.h"
#include "server/settings.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The most that one recv asks for, in bytes, which bounds the turn of a
 * connection: about 0.2 ms for bulk, in which the others wait.  A quarter of it
 * takes 46 system calls for a MB of bulk instead of 12, and a tenth more
 * processor time; four times as much takes no less.
 */
#define SHARD_INPUT ((size_t)262144)

/*
 * The least that one recv asks for, in bytes.  The pool can hold the answer to
 * that while it has one free block; when it has none, the owner of the
 * costliest output is evicted.
 */
#define SHARD_INPUT_MIN ((size_t)4096)

_Static_assert(UPCASE_BOUND(SHARD_INPUT_MIN) <= POOL_BLOCK_OUTPUT,
    "one free block holds the answer to the least input");

/* How many times between two looks at a delivery there are: see shard.c. */
#define SHARD_LOOKS 4

/* The deadlines of a connection. */
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
	/* How many connections are in each state; any thread may read it. */
	atomic_size_t states[CONN_NSTATES];

	/* Scratch buffers: what is in them is void when a step returns. */
	unsigned char *input;  /* SHARD_INPUT bytes */
	unsigned char *output; /* UPCASE_BOUND(SHARD_INPUT) bytes */
	struct pool pool;
	struct kernel_buffers buffers;

	struct timer_queue deadlines[SHARD_NDEADLINES];
	void (*evict)(struct conn *, enum counter cause);

	/* The array never moves; slots are first used in their order. */
	struct conn *slots;
	size_t nslots, nfresh;
	struct list free;       /* slots that were used before, by timer.link */
	struct list closed;     /* to be released after the turn, likewise */
	struct record *records; /* one for each slot; NULL: nobody asks */
	struct record_limit lines;
	struct timer_queue tellings;
	struct timer telling; /* armed while lines were left out */

	struct timer_queue trims, steps;
	struct timer trim; /* armed while there may be memory to give back */
	bool has_bulk;     /* bulk was received since the last trim */

	struct log_limit ends[NCOUNTERS]; /* by their cause */
	struct log_limit failures;
};

/*
 * Takes the memory for at most nslots connections and nblocks of pending
 * output; no more is taken later.  Expired is called for the timer of a
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
 * Other settings hold from now on.  Deadlines whose span changes are met so
 * much earlier or later, as timer_queue_set_span says.
 */
void shard_set(struct shard *, const struct settings *);

/* The spans of a drain hold from now on. */
void shard_drain(struct shard *);

/* What is kept of a connection for the log, if shard.records is there. */
static inline struct record *
shard_record(const struct shard *shard, const struct conn *conn)
{
	return &shard->records[conn - shard->slots];
}

/* One more is in that state, or one fewer; for CLOSED this means nothing. */
static inline void
shard_count_state(struct shard *shard, enum conn_state state, bool enters)
{
	atomic_size_t *count = &shard->states[state];
	size_t n = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(
	    count, enters ? n + 1 : n - 1, memory_order_relaxed);
}

/* How many connections are in that state; for any thread. */
static inline size_t
shard_in_state(const struct shard *shard, enum conn_state state)
{
	return atomic_load_explicit(
	    &shard->states[state], memory_order_relaxed);
}

/* Memory for one more connection; fewer than nslots may have some. */
struct conn *shard_take_slot(struct shard *);

/* Takes over a connection that has ended, to be released after the turn. */
void shard_retire(struct shard *, struct conn *);

/* Takes a slot back at once, of a connection whose socket is another's now. */
void shard_forget(struct shard *, struct conn *);

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

/* Notes that memory is used which may have to be given back later. */
static inline void
shard_note_use(struct shard *shard)
{
	if (!timer_is_armed(&shard->trim))
		timer_arm(&shard->trims, &shard->trim, loop_now(shard->loop));
}

/* Notes that a connection received bulk by one recv. */
void shard_note_bulk(struct shard *, struct conn *);

/* How many bytes a recv may ask for, while the pool is not full. */
static inline size_t
shard_room(const struct shard *shard)
{
	size_t room = pool_room(&shard->pool) / UPCASE_EXPANSION - UPCASE_CARRY;
	return room < SHARD_INPUT ? room : SHARD_INPUT;
}

/* Evicts the owners of the costliest outputs until the pool is not full. */
void shard_make_room(struct shard *);

/* Logs that the system does not let us serve; errno says why. */
void shard_warn(struct shard *);

#endif
