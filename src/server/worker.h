/* SPDX-License-Identifier: ISC */
/*
 * A worker: connections with a loop of their own in a thread of their own.
 * Alone, it has neither: it shares the loop of the thread that accepts.
 *
 * What the accepting thread tells a worker goes through the hand-over and a
 * few orders, and a bell that wakes it.  What the worker tells it is how many
 * connections have ended, and a bell in return when that was asked for.
 */
#ifndef WORKER_H
#define WORKER_H

#include "reactor/bell.h"
#include "reactor/loop.h"
#include "server/conns.h"
#include "server/counters.h"
#include "server/handover.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How the workers wake the accepting thread; it belongs to the server. */
struct worker_reports {
	struct bell bell;
	atomic_bool wanted; /* ring at the next end of a connection */
};

struct worker {
	struct loop *loop;
	struct conns conns;
	struct counters counters;
	size_t nhanded;      /* connections; of the accepting thread */
	atomic_size_t ngone; /* those of them that have ended */

	/* Only with a thread of its own. */
	struct worker_reports *reports; /* NULL without */
	struct handover handover;
	struct bell bell;
	atomic_bool drain, cut, stop; /* orders */
	pthread_t thread;
};

/*
 * Opens a worker for at most nslots connections and nblocks of pending
 * output.  Without reports it uses the given loop, else one of its own with
 * the same back end.  -1 with errno.
 */
int worker_open(struct worker *, struct loop *, struct worker_reports *,
    const struct server_settings *, size_t nslots, size_t nblocks);
void worker_close(struct worker *);

/* Starts the thread, with all signals blocked; -1 with errno. */
int worker_start(struct worker *);

/*
 * One turn of a loop.  If even waiting fails, that is logged and counted, and
 * the next turn comes a second later: the daemon must not end or spin.
 */
void worker_turn(struct loop *, struct counters *);

/* For worker_release: so many of its connections have ended. */
void worker_note_ends(struct worker *, size_t n);

/* To be called after each turn of the loop that the worker uses. */
static inline void
worker_release(struct worker *worker)
{
	size_t n = conns_release(&worker->conns);
	if (n > 0)
		worker_note_ends(worker, n);
}

/* The rest is for the accepting thread. */

/* Serves one more connection, which belongs to the worker from now on. */
void worker_hand(struct worker *, int fd);

/* How many connections it has. */
size_t worker_load(struct worker *);

/* As conns_drain and conns_cut. */
void worker_drain(struct worker *);
void worker_cut(struct worker *);

/* Ends the thread and waits for it. */
void worker_stop(struct worker *);

#endif
