/* SPDX-License-Identifier: ISC */
/*
 * A worker: connections with a loop of their own in a thread of their own.  If
 * there is only one worker, it has neither, and shares the loop of the thread
 * that accepts.
 *
 * The accepting thread stores an order, or hands a socket over, and then wakes
 * the worker; a worker without a thread obeys at once.  The worker counts the
 * connections that have ended, and wakes the accepting thread if that has asked
 * for it.
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

/* How the workers wake the accepting thread, which owns this. */
struct worker_wake {
	struct bell bell;
	atomic_bool wanted; /* at the next end of a connection */
};

struct worker {
	struct loop *loop;
	struct shard shard;
	struct counters counters;
	size_t nhanded;      /* connections; for the accepting thread only */
	atomic_size_t ngone; /* connections that have ended */

	struct handover handover;
	/* The orders of the accepting thread. */
	_Atomic(const struct settings *) settings;
	atomic_bool drain, cut, stop;
	/* The settings that the worker has come to. */
	_Atomic(const struct settings *) followed;
	/* The number of the last probe, and of the last that it has seen. */
	atomic_uint probe, seen_probe;
	atomic_bool reports; /* until its next activity, which it tells of */

	bool has_thread;
	/* Only with a thread. */
	struct bell bell;
	struct worker_wake *wake;
	pthread_t thread;
};

/*
 * Opens a worker for at most nslots connections and nblocks of pending output,
 * which uses the given loop.  -1 with errno.
 */
int worker_open(struct worker *, struct loop *, const struct settings *,
    size_t nslots, size_t nblocks);

/* The same for a worker with a thread, and a loop of its own. */
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

/* What it has done since it started, and has now. */
struct worker_figures {
	size_t connections;
	size_t turns, longest_ms;    /* of its loop */
	size_t held, blocks;         /* of its pool: those in use, and all */
	size_t states[CONN_NSTATES]; /* connections in each */
};

struct worker_figures worker_figures(struct worker *);

/*
 * These settings hold from now on, at once for a connection that is handed over
 * later.  The next ones may be set, and the last ones go, when they are
 * followed.
 */
void worker_set(struct worker *, const struct settings *);
bool worker_follows(const struct worker *);

/*
 * Does what was ordered, and takes what was handed over, when the worker has no
 * thread, or none any longer.
 */
void worker_obey(struct worker *);

/* All its connections have left, for another server. */
void worker_forget_all(struct worker *);

/* As the functions of a service. */
void worker_drain(struct worker *);
void worker_cut(struct worker *);

/*
 * True if it has turned since the last probe, or has no thread that could fail
 * to.  Makes it turn once more, for the next probe to find out.
 */
bool worker_probe(struct worker *);

/* Rings worker_wake's bell once, when it has something to do; with a thread. */
void worker_report_activity(struct worker *);

/* Ends the thread and waits for it; it can be started again. */
void worker_stop(struct worker *);

#endif
