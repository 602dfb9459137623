/* SPDX-License-Identifier: ISC */
/*
 * How the thread that accepts and the workers tell each other what they have to
 * say, and the worker's side of it: a part of accept.pml, which has the
 * other side.
 *
 * Each operation on an atomic and on a pipe is a step, and the other threads
 * come between any two.  What a thread does with variables that are no atomics
 * belongs to the step before or after.  Above each piece stand the lines of C
 * that it models.  The test finds them in the source in this order, and finds
 * there no operation on an atomic, a bell or a ring that is not quoted.
 *
 * Weak memory.  What both sides must see in one order (wanted and ngone, rung
 * and the pipe, the orders) is sequentially consistent in the code and so here.
 * Only the rings use less.  Each of their counts is written by one thread, which
 * may read it relaxed; it is released there and acquired by the other, which
 * so sees the socket behind the count.  That the other sees a count late is
 * the same as that the writer is late, and that is modelled.
 *
 * With ALONE there are no threads: the one worker shares the loop of the thread
 * that accepts.
 */

#ifdef ALONE
#define NWORKERS 1
#else
#define NWORKERS 2
#endif
#if LIMIT > 2
#define SIZE 4 /* of a ring: a power of two, at least LIMIT */
#else
#define SIZE 2
#endif
#define WRAP    (2 * SIZE)
#define REPORTS NWORKERS /* the bell that the workers ring */
#define NBELLS  (NWORKERS + 1)
#define NOBODY  255

/* What the threads share. */
bool rung[NBELLS];
byte pipe[NBELLS]; /* bytes in it */
bool wanted;
byte load[NWORKERS]; /* nhanded - ngone: only the accepting thread adds */
bool drain[NWORKERS], cut[NWORKERS], stop[NWORKERS];
byte nput[NWORKERS], ntaken[NWORKERS]; /* they wrap at WRAP */
byte ring[NWORKERS * SIZE];

/* What happens in this run. */
bool drain_comes, sticks;
bool served[NCONNS];

/*
 * [bell.c bell_ring]
 *	if (atomic_exchange(&bell->rung, true))
 *	return;
 *	if (sys_write(bell->ringing_end, "", 1) == -1)
 *	atomic_store(&bell->rung, false);
 */
/* No write fails here: the pipe took its memory when it was opened. */
inline bell_ring(bell)
{
	if
	:: atomic { rung[bell] -> skip }
	:: atomic { !rung[bell] -> rung[bell] = true };
		d_step { pipe[bell]++; assert(pipe[bell] == 1) }
	fi
}

/*
 * [bell.c hear]
 *	while (sys_read(watch->fd, bytes, sizeof bytes) > 0)
 *	(void)atomic_exchange(&bell->rung, false);
 *	bell->heard(bell);
 */
#ifdef BUG_BELL_CLEARED_BEFORE_READ
#define HEARS(bell) atomic { pipe[bell] > 0 -> rung[bell] = false }; \
		pipe[bell] = 0
#else
#ifdef BUG_BELL_CLEARED_AFTER
#define HEARS(bell) atomic { pipe[bell] > 0 -> pipe[bell] = 0 }
#else
#define HEARS(bell) atomic { pipe[bell] > 0 -> pipe[bell] = 0 }; \
		rung[bell] = false
#endif
#endif

/*
 * [handover.c handover_put]
 *	size_t nput = atomic_load_explicit(&handover->nput,
 *	    memory_order_relaxed);
 *	assert(nput - atomic_load(&handover->ntaken) < handover->size);
 *	memcpy(place_at(handover, nput), handoff, handover->stride);
 *	atomic_store_explicit(&handover->nput, nput + 1,
 *	    memory_order_release);
 */
inline handover_put(r, c)
{
#ifdef BUG_COUNT_BEFORE_SOCKET
	nput[r] = (nput[r] + 1) % WRAP;
	ring[(r) * SIZE + (nput[r] + WRAP - 1) % SIZE] = c
#else
	d_step {
		assert((nput[r] + WRAP - ntaken[r]) % WRAP < SIZE);
		ring[(r) * SIZE + nput[r] % SIZE] = c;
		nput[r] = (nput[r] + 1) % WRAP
	}
#endif
}

/*
 * [handover.c handover_take]
 *	size_t ntaken = atomic_load_explicit(&handover->ntaken,
 *	    memory_order_relaxed);
 *	if (ntaken == atomic_load_explicit(&handover->nput,
 *	    memory_order_acquire))
 *	memcpy(handoff, place_at(handover, ntaken), handover->stride);
 *	atomic_store_explicit( &handover->ntaken, ntaken + 1,
 *	    memory_order_release);
 */
#define NONE_TO_TAKE(r) ntaken[r] == nput[r]
#define TAKE(r, c) atomic { ntaken[r] != nput[r] -> \
			c = ring[(r) * SIZE + ntaken[r] % SIZE]; \
			ring[(r) * SIZE + ntaken[r] % SIZE] = NOBODY }
/* An empty ring begins anew, which leaves nothing out and saves states. */
#define COUNT_TAKEN(r) ntaken[r] = (ntaken[r] + 1) % WRAP; \
		if \
		:: NONE_TO_TAKE(r) -> ntaken[r] = 0; nput[r] = 0 \
		:: else \
		fi

/*
 * [service_text.c start]
 *	struct conn *conn = shard_take_slot(shard);
 *	if (conn_start(conn, shard, fd, handoff->is_proxied) == -1)
 *	turn_away(shard, conn, fd, COUNTER_FAILED);
 */
inline conns_adopt(c)
{
	assert(c != NOBODY && !served[c]);
	served[c] = true;
	assert(nopen + nclosed < LIMIT);
	if
	:: nopen++
#ifdef BUG_COUNT_NOT_GIVEN_BACK
	:: skip
#else
	:: nclosed++
#endif
	fi
}

/*
 * [service_text.c cut]
 *	conn_evict(&shard->slots[i], COUNTER_CUT);
 */
#define CONNS_CUT d_step { nclosed = nclosed + nopen; nopen = 0 }

/* A connection ends: its client does, or in a drain it is quiet. */
#define ENDS atomic { nopen > 0 && !(drains && sticks) -> \
		nopen--; nclosed++ }

/*
 * [service_text.c drain]
 *	shard_drain(shard);
 *	conn_expired(&conn->timer);
 */
/*
 * A drain ends those at once that only have to be delivered.  With a thread, the
 * turn that obeys may end one anyway.
 */
#define CONNS_DRAIN drains = true; if :: ENDS :: true fi

/*
 * [worker.h worker_release]
 *	size_t n = shard_release(&worker->shard);
 *	if (n > 0) worker_note_ends(worker, n);
 */
/*
 * [worker.c worker_note_ends]
 *	atomic_fetch_add(&worker->ngone, n);
 *	if (worker->has_thread &&
 *	    atomic_exchange(&worker->wake->wanted, false))
 *	bell_ring(&worker->wake->bell);
 */
#define COUNT_GONE(w) d_step { load[w] = load[w] - nclosed; nclosed = 0 }
#define LOOK_AT_WISH  d_step { was_wanted = wanted; wanted = false }
inline worker_release(w)
{
	if
	:: nclosed == 0
	:: else ->
#ifdef ALONE
		COUNT_GONE(w)
#else
#ifdef BUG_WISH_BEFORE_COUNT
		LOOK_AT_WISH;
		COUNT_GONE(w);
#else
		COUNT_GONE(w);
		LOOK_AT_WISH;
#endif
		if :: was_wanted -> bell_ring(REPORTS) :: else fi
#endif
	fi
}

#ifndef ALONE
inline take_all(w)
{
	do
	:: atomic { NONE_TO_TAKE(w) -> break }
	:: TAKE(w, c);
		atomic { COUNT_TAKEN(w);
#ifdef BUG_COUNTED_WHEN_TAKEN
			load[w]++;
#endif
			conns_adopt(c) }
	od
}

/*
 * [worker.c worker_obey]
 *	bool drain = atomic_load(&worker->drain);
 *	bool cut = atomic_load(&worker->cut);
 *	while (handover_take(&worker->handover, &handoff))
 *	services[handoff.service]->start(shard, &handoff);
 *	bool drains = drain && !shard->draining;
 *	services[i]->drain(shard);
 *	services[i]->cut(shard);
 */
inline obey(w)
{
	drain_seen = drain[w];
	cut_seen = cut[w];
#ifdef BUG_ORDER_BEFORE_HANDOVER
	if :: cut_seen -> CONNS_CUT :: else fi;
	take_all(w);
#else
	take_all(w);
	if :: cut_seen -> CONNS_CUT :: else fi;
#endif
	drains = drains || drain_seen
}

/*
 * [worker.c serve_on]
 *	while (!atomic_load(&worker->stop))
 *	worker_turn(worker);
 */
/*
 * [worker.c worker_turn]
 *	if (loop_turn_or_pause(worker->loop) == -1)
 *	worker_release(worker);
 */
proctype worker(byte w, nopen)
{
	bool drain_seen, cut_seen, drains, was_wanted;
	byte c, nclosed;
	do
	:: stop[w] -> break
	:: !stop[w] ->
		/* The wait, and the events of the turn. */
end:		if
		:: HEARS(w); obey(w);
#ifdef BUG_BELL_CLEARED_AFTER
			rung[w] = false;
#endif
			if :: ENDS :: true fi
		:: ENDS
		fi;
		worker_release(w)
	od;
	assert(nput[w] == ntaken[w] && nopen == 0 && nclosed == 0)
}
#endif

/*
 * [worker.c worker_load]
 *	return worker->nhanded - atomic_load(&worker->ngone);
 */
/*
 * [server.c server_count_open]
 *	sum += worker_load(&server->workers[i]);
 */
inline add_up()
{
	sum = load[0];
#ifndef ALONE
	sum = sum + load[1]
#endif
}

/*
 * [server.c has_at_most]
 *	if (server_count_open(server) <= n)
 *	atomic_store(&server->wake.wanted, true);
 *	return server_count_open(server) <= n;
 */
inline has_at_most(n)
{
	add_up();
	if
	:: sum <= n
	:: else ->
#ifdef BUG_NO_RELOOK
		wanted = true
#else
#ifdef BUG_WANTED_AFTER_LOOK
		add_up();
		if :: sum > n -> wanted = true :: else fi
#else
		wanted = true;
		add_up()
#endif
#endif
	fi
}

/*
 * [server.c find_least]
 *	if (worker_load(worker) < worker_load(least))
 */
/*
 * [worker.c post]
 *	if (worker->has_thread)
 *	bell_ring(&worker->bell);
 *	else
 *	worker_obey(worker);
 */
/*
 * Probes, which only count, and a report of activity, which rings the
 * bell of the accepting thread once more, change nothing here.
 *
 * [worker.c report_activity]
 *	atomic_store_explicit(&worker->reports, false, memory_order_relaxed);
 *	bell_ring(&worker->wake->bell);
 * [worker.c hear]
 *	atomic_store_explicit(&worker->seen_probe,
 *	    atomic_load_explicit(&worker->probe, memory_order_relaxed),
 *	    memory_order_relaxed);
 *	if (atomic_load_explicit(&worker->reports, memory_order_relaxed))
 *	worker_obey(worker);
 * [worker.c worker_probe]
 *	atomic_load_explicit(&worker->probe, memory_order_relaxed);
 *	atomic_load_explicit(&worker->seen_probe, memory_order_relaxed);
 *	atomic_store_explicit(&worker->probe, probe + 1, memory_order_relaxed);
 *	post(worker);
 * [worker.c worker_report_activity]
 *	if (atomic_load_explicit(&worker->reports, memory_order_relaxed))
 *	atomic_store_explicit(&worker->reports, true, memory_order_relaxed);
 *	post(worker);
 */
/*
 * Other settings change nothing here, but come with the orders.
 *
 * [worker.c follow_settings]
 *	const struct settings *settings = atomic_load(&worker->settings);
 *	atomic_store(&worker->followed, settings);
 * [worker.c worker_follows]
 *	return atomic_load(&worker->followed) ==
 *	    atomic_load(&worker->settings);
 * [worker.c worker_open]
 *	atomic_store(&worker->settings, settings);
 *	atomic_store(&worker->followed, settings);
 * [worker.c worker_set]
 *	atomic_store(&worker->settings, settings);
 *	post(worker);
 */
/*
 * These are done while the worker has no thread: the first before one starts,
 * the second by an upgrade, which is left out, when it has packed all.  A byte
 * that a thread left in the pipe of its bell is heard by the next thread.
 *
 * [worker.c worker_start]
 *	atomic_store(&worker->stop, false);
 *	return sys_thread_start(&worker->thread, serve_on, worker);
 * [worker.c worker_forget_all]
 *	worker->nhanded = atomic_load(&worker->ngone);
 */
/*
 * [worker.c worker_hand]
 *	worker->nhanded++;
 *	handover_put(&worker->handover, handoff);
 *	post(worker);
 */
inline worker_hand(c)
{
#ifdef ALONE
	atomic { load[0]++; conns_adopt(c) }
#else
	sum = load[0];
	atomic {
		least = (load[1] < sum -> 1 : 0);
#ifndef BUG_COUNTED_WHEN_TAKEN
		load[least]++
#endif
	}
#ifdef BUG_RUNG_BEFORE_PUT
	bell_ring(least);
	handover_put(least, c)
#else
	handover_put(least, c);
	bell_ring(least)
#endif
#endif
}

/*
 * [worker.c worker_drain]
 *	atomic_store(&worker->drain, true);
 *	post(worker);
 */
/*
 * [worker.c worker_cut]
 *	atomic_store(&worker->cut, true);
 *	post(worker);
 */
/*
 * [worker.c worker_stop]
 *	atomic_store(&worker->stop, true);
 *	post(worker);
 *	sys_thread_join(worker->thread);
 */
#ifdef BUG_ORDER_WITHOUT_BELL
#define ORDER(order) order[0] = true; order[1] = true
#else
#define ORDER(order) order[0] = true; bell_ring(0); \
		order[1] = true; bell_ring(1)
#endif

/* A signal, perhaps a second one with it. */
#define DRAIN_IS_ASKED_FOR atomic { drain_comes && !drain_due -> \
		drain_due = true; if :: cut_due = sticks :: true fi }
/* A second signal later, or the limit of the drain. */
#define CUT_IS_DUE atomic { draining && sticks && !cut_due -> cut_due = true }

/* In each run a drain comes or does not, and is ended by a cut or not. */
inline draw()
{
	if :: drain_comes = true :: true fi;
	if :: sticks = drain_comes :: true fi;
	for (i : 0 .. NWORKERS * SIZE - 1) {
		ring[i] = NOBODY
	}
	i = 0
}
