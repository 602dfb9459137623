/* SPDX-License-Identifier: ISC */
/*
 * A worker: connections with a loop of their own in a thread of their own.
 * Alone, it has neither: it shares the loop of the thread that accepts.
 *
 * What the accepting thread tells a worker is stored as an order, or handed
 * over, and then it is woken; alone it does at once what was ordered.  What the
 * worker tells is how many connections have ended, and it wakes the accepting
 * thread when that was asked for.
 */
#ifndef WORKER_H
#define WORKER_H

#include "reactor/bell.h"
#include "reactor/loop.h"
#include "server/counters.h"
#include "server/handover.h"
#include "server/settings.h"
#include "server/shard.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How the workers wake the accepting thread, whose it is. */
struct worker_wake {
	struct bell bell;
	atomic_bool wanted; /* at the next end of a connection */
};

struct worker {
	struct loop *loop;
	struct shard shard;
	struct counters counters;
	size_t nhanded;      /* connections; of the accepting thread */
	atomic_size_t ngone; /* those of them that have ended */

	struct handover handover;
	_Atomic(const struct settings *) settings; /* an order, as these: */
	atomic_bool drain, cut, stop;

	bool has_thread;
	struct bell bell; /* only with a thread, as what follows */
	struct worker_wake *wake;
	pthread_t thread;
};

/*
 * Opens a worker for at most nslots connections and nblocks of pending output,
 * which uses the given loop.  -1 with errno.
 */
int worker_open(struct worker *, struct loop *, const struct settings *,
    size_t nslots, size_t nblocks);

/* The same for one with a thread, and a loop with that back end. */
int worker_open_thread(struct worker *, const char *backend,
    struct worker_wake *, const struct settings *, size_t nslots,
    size_t nblocks);

void worker_close(struct worker *);

/* Starts the thread, with all signals blocked; -1 with errno. */
int worker_start(struct worker *);

/* One turn of its loop, and the release that has to follow it. */
void worker_turn(struct worker *);

/* For worker_release: n of its connections have ended. */
void worker_note_ends(struct worker *, size_t n);

/* To be called after each turn of the loop that the worker uses. */
static inline void
worker_release(struct worker *worker)
{
	size_t n = shard_release(&worker->shard);
	if (n > 0)
		worker_note_ends(worker, n);
}

/* The rest is for the accepting thread. */

/* Serves one more connection, which belongs to the worker from now on. */
void worker_hand(struct worker *, const struct handoff *);

/* How many connections it has. */
size_t worker_load(struct worker *);

/* These settings hold from now on; they must outlive the worker's next turn. */
void worker_set(struct worker *, const struct settings *);

/* As the functions of a service. */
void worker_drain(struct worker *);
void worker_cut(struct worker *);

/* Ends the thread and waits for it. */
void worker_stop(struct worker *);

#endif
