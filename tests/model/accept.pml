/* SPDX-License-Identifier: ISC */
/*
 * The thread that accepts, the workers that serve, and all that they tell
 * each other; a model for spin(1), run by tests/system/test_model.py.
 *
 * What is modelled.  NCONNS clients wait for a server that serves LIMIT at
 * once.  The accepting thread takes them from the kernel's queue, chooses a
 * worker, and hands them over through a ring and a bell.  At the limit the
 * listeners pause until a worker reports the end of a connection; after a
 * failure of accept, or of the poller when they resume, until a timer is due.
 * Adopting a connection may fail.  A drain may come at any time or never, and
 * with it or later the cut; then come the orders: drain, cut, stop.  With ALONE
 * there are no threads: the one worker shares the loop of the thread that
 * accepts.
 *
 * Each operation on an atomic and on a pipe is a step, and the other threads
 * come between any two.  What a thread does with variables that are no atomics
 * belongs to the step before or after.  Above each piece stand the lines of C
 * that it models.  The test finds them in the source in this order, and finds
 * there no operation on an atomic, a bell or the ring that is not quoted.
 *
 * What is left out.  What a connection does while it is open, which is in
 * connection.pml: here it stays, ends, or in a drain sticks until the cut.
 * Several listeners: all pause and resume together.  How many are accepted in
 * a turn: it may stop after each.  Time: a deadline comes early or late, but
 * it comes.  The log, the counters, failures of the wait.
 *
 * Weak memory.  What both sides must see in one order (wanted and ngone, rung
 * and the pipe, the orders) is sequentially consistent in the code and so here.
 * Only the ring uses less.  Each of its counts is written by one thread, which
 * may read it relaxed; it is released there and acquired by the other, which
 * so sees the socket behind the count.  That the other sees a count late is
 * the same as that the writer is late, and that is modelled.
 *
 * What is proved, for every order of the steps within these bounds:
 *
 *   every_pause_ends  listeners that pause while there is a place resume
 *   all_are_served    what was handed over is taken out of the ring
 *   the_drain_ends    server_run returns: when all are gone, or by the cut
 *   assertions        a connection is taken once, and whole; the ring and the
 *                     slots never overflow; a pipe never holds two bytes; a
 *                     worker that stops has nothing left; all are counted
 *   no deadlock       when everybody waits, there is nothing left to do
 *
 * Fairness is weak: a thread that can go on does so at some time.  Each
 * BUG_... below plants an error, and the test fails unless spin finds it.
 */

#ifndef NCONNS
#define NCONNS 2
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifdef ALONE
#define NWORKERS 1
#else
#define NWORKERS 2
#endif
#if LIMIT > 2
#define SIZE 4 /* of the ring: a power of two, at least LIMIT */
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

/* What the claims see of the accepting thread, which has its own of each. */
bool is_paused, is_draining, has_returned;

/* What happens in this run. */
bool drain_comes, sticks;
bool served[NCONNS];

#ifdef ALONE
#define LOAD   load[0]
#define ON_WAY (nput[0] != ntaken[0])
#else
#define LOAD   (load[0] + load[1])
#define ON_WAY (nput[0] != ntaken[0] || nput[1] != ntaken[1])
#endif
#define PAUSED_FOR_NOTHING (is_paused && !is_draining && LOAD < LIMIT)

ltl every_pause_ends { [] (PAUSED_FOR_NOTHING -> <> !PAUSED_FOR_NOTHING) }
ltl all_are_served { [] (ON_WAY -> <> !ON_WAY) }
ltl the_drain_ends { [] (is_draining -> <> has_returned) }

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
 *	handover->fds[nput % handover->size] = fd;
 *	atomic_store_explicit(&handover->nput, nput + 1,
 *	    memory_order_release);
 */
inline handover_put(w, c)
{
#ifdef BUG_COUNT_BEFORE_SOCKET
	nput[w] = (nput[w] + 1) % WRAP;
	ring[w * SIZE + (nput[w] + WRAP - 1) % SIZE] = c
#else
	d_step {
		assert((nput[w] + WRAP - ntaken[w]) % WRAP < SIZE);
		ring[w * SIZE + nput[w] % SIZE] = c;
		nput[w] = (nput[w] + 1) % WRAP
	}
#endif
}

/*
 * [conns.c conns_adopt]
 *	struct conn *conn = take_slot(conns);
 *	if (conn_start(conn, conns, fd) == 0)
 *	conns_retire(conns, conn);
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
 * [conns.c conns_cut]
 *	conn_evict(&conns->slots[i], COUNTER_CUT);
 */
#define CONNS_CUT d_step { nclosed = nclosed + nopen; nopen = 0 }

/* A connection ends: its client does, or in a drain it is quiet. */
#define ENDS atomic { nopen > 0 && !(drains && sticks) -> \
		nopen--; nclosed++ }

/*
 * [worker.c worker_release]
 *	size_t n = conns_release(&worker->conns);
 *	if (n == 0) return;
 *	atomic_fetch_add(&worker->ngone, n);
 *	if (worker->reports != NULL &&
 *	    atomic_exchange(&worker->reports->wanted, false))
 *	bell_ring(&worker->reports->bell);
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
/*
 * [handover.c handover_take]
 *	size_t ntaken = atomic_load_explicit(&handover->ntaken,
 *	    memory_order_relaxed);
 *	if (ntaken == atomic_load_explicit(&handover->nput,
 *	    memory_order_acquire))
 *	int fd = handover->fds[ntaken % handover->size];
 *	atomic_store_explicit( &handover->ntaken, ntaken + 1,
 *	    memory_order_release);
 */
inline take_all(w)
{
	do
	:: atomic { ntaken[w] == nput[w] -> break }
	:: atomic { ntaken[w] != nput[w] ->
			c = ring[w * SIZE + ntaken[w] % SIZE];
			ring[w * SIZE + ntaken[w] % SIZE] = NOBODY };
		atomic { ntaken[w] = (ntaken[w] + 1) % WRAP;
#ifdef BUG_COUNTED_WHEN_TAKEN
			load[w]++;
#endif
			conns_adopt(c) }
	od
}

/*
 * [worker.c obey]
 *	bool drain = atomic_load(&worker->drain);
 *	bool cut = atomic_load(&worker->cut);
 *	while ((fd = handover_take(&worker->handover)) != -1)
 *	conns_adopt(&worker->conns, fd);
 *	if (drain && !worker->conns.draining)
 *	conns_drain(&worker->conns);
 *	if (cut)
 *	conns_cut(&worker->conns);
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
 * [worker.c run]
 *	while (!atomic_load(&worker->stop))
 *	worker_turn(worker->loop, &worker->counters);
 *	worker_release(worker);
 */
proctype worker(byte w)
{
	bool drain_seen, cut_seen, drains, was_wanted;
	byte c, nopen, nclosed;
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
 * [server.c measure_load]
 *	size_t n = worker_load(&server->workers[i]);
 *	load.sum += n;
 * [server.c count_open]
 *	return measure_load(server).sum;
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
 *	if (count_open(server) <= n)
 *	atomic_store(&server->reports.wanted, true);
 *	return count_open(server) <= n;
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
 * [server.c serve]
 *	if (worker_load(worker) < worker_load(least))
 *	worker_hand(least, fd);
 */
/*
 * [worker.c worker_hand]
 *	worker->nhanded++;
 *	conns_adopt(&worker->conns, fd);
 *	handover_put(&worker->handover, fd);
 *	bell_ring(&worker->bell);
 */
inline serve()
{
#ifdef ALONE
	atomic { load[0]++; conns_adopt(next); next++ }
#else
	sum = load[0];
	atomic {
		least = (load[1] < sum -> 1 : 0);
#ifndef BUG_COUNTED_WHEN_TAKEN
		load[least]++;
#endif
		next++
	}
#ifdef BUG_RUNG_BEFORE_PUT
	bell_ring(least);
	handover_put(least, next - 1)
#else
	handover_put(least, next - 1);
	bell_ring(least)
#endif
#endif
}

/*
 * [listener.c pause_all]
 *	listeners->paused = true;
 */
#define PAUSE  d_step { paused = true; is_paused = true }
#define RESUME d_step { paused = false; is_paused = false }

/*
 * [listener.c wait_to_retry]
 *	listeners->waits = true;
 *	timer_arm( &listeners->retries, &listeners->retry,
 *	    loop_now(listeners->loop));
 *	pause_all(listeners);
 */
#ifdef BUG_RETRY_FORGOTTEN
#define WAIT_TO_RETRY waits = true; PAUSE
#else
#define WAIT_TO_RETRY waits = true; armed = true; PAUSE
#endif

/*
 * [listener.c listeners_resume]
 *	if (!listeners->paused || listeners->waits ||
 *	    !listeners->may_accept(listeners->owner))
 *	return;
 *	listeners->paused = false;
 *	POLLER_INPUT) == -1)
 *	wait_to_retry(listeners);
 */
/*
 * [server.c may_accept]
 *	return has_at_most(server, server->limits.connections - 1);
 */
inline listeners_resume()
{
	if
	:: paused && !waits ->
		has_at_most(LIMIT - 1);
		if
		:: sum >= LIMIT
		:: sum < LIMIT ->
			RESUME;
			if :: true :: WAIT_TO_RETRY fi
		fi
	:: else
	fi
}

/*
 * [listener.c retry]
 *	listeners->waits = false;
 *	listeners_resume(listeners);
 */
inline retry()
{
#ifndef BUG_RETRY_KEEPS_WAITING
	waits = false;
#endif
	listeners_resume()
}

/*
 * [listener.c accept_ready]
 *	while (listeners->may_accept(listeners->owner))
 *	return;
 *	switch (accept_one(listeners, watch->fd))
 *	wait_to_retry(listeners);
 *	return;
 *	wait_for_end(listeners);
 */
/*
 * [listener.c wait_for_end]
 *	pause_all(listeners);
 */
inline accept_ready()
{
	do
	:: true ->
		has_at_most(LIMIT - 1);
		if
		:: sum >= LIMIT -> PAUSE; break
		:: sum < LIMIT && next == NCONNS -> break
		:: sum < LIMIT && next < NCONNS -> WAIT_TO_RETRY; break
		:: sum < LIMIT && next < NCONNS -> serve()
		fi;
		if :: break :: true fi
	od
}

/*
 * [listener.c accept_rest]
 *	if (!listeners->may_accept(listeners->owner))
 *	return;
 *	switch (accept_one(listeners, fd))
 *	case ATTEMPT_FAILED: note_failure(listeners); return;
 */
inline accept_rest()
{
	do
	:: true ->
		has_at_most(LIMIT - 1);
		if
		:: break
		:: sum < LIMIT && next < NCONNS -> serve()
		fi
	od
}

/*
 * [worker.c worker_drain]
 *	conns_drain(&worker->conns);
 *	return;
 *	atomic_store(&worker->drain, true);
 *	bell_ring(&worker->bell);
 */
/*
 * [worker.c worker_cut]
 *	conns_cut(&worker->conns);
 *	return;
 *	atomic_store(&worker->cut, true);
 *	bell_ring(&worker->bell);
 */
/*
 * [worker.c worker_stop]
 *	atomic_store(&worker->stop, true);
 *	bell_ring(&worker->bell);
 *	sys_thread_join(worker->thread);
 */
#ifdef BUG_ORDER_WITHOUT_BELL
#define ORDER(order) order[0] = true; order[1] = true
#else
#define ORDER(order) order[0] = true; bell_ring(0); \
		order[1] = true; bell_ring(1)
#endif

/*
 * [server.c release]
 *	if (!is_threaded(server)) worker_release(server->workers);
 */
/*
 * [server.c follow_up]
 *	release(server);
 *	if (server->ndrains == 0) {
 *	listeners_resume(&server->listeners);
 *	return;
 *	if (!server->draining)
 *	start_drain(server);
 *	if (!server->cut && (server->ndrains > 1 || server->expired))
 *	cut_drain(server);
 *	release(server);
 */
/*
 * [server.c start_drain]
 *	server->draining = true;
 *	listeners_finish(&server->listeners);
 *	worker_drain(&server->workers[i]);
 *	timer_arm(&server->drains, &server->drain, loop_now(server->loop));
 */
/*
 * [server.c cut_drain]
 *	server->cut = true;
 *	worker_cut(&server->workers[i]);
 */
inline follow_up()
{
#ifdef ALONE
	worker_release(0);
#endif
	if
	:: drain_due && !draining ->
		d_step { draining = true; is_draining = true; armed = false };
		accept_rest();
#ifdef ALONE
		drains = true
#else
		ORDER(drain)
#endif
	:: else
	fi;
	if
	:: cut_due && draining && !was_cut ->
		was_cut = true;
#ifdef ALONE
		CONNS_CUT
#else
		ORDER(cut)
#endif
	:: else
	fi;
#if defined(ALONE) && !defined(BUG_NOT_RELEASED_AFTER_ORDERS)
	worker_release(0);
#endif
	if
	:: !draining -> listeners_resume()
	:: else
	fi
}

/* A signal, perhaps a second one with it. */
#define DRAIN_IS_ASKED_FOR atomic { drain_comes && !drain_due -> \
		drain_due = true; if :: cut_due = sticks :: true fi }
/* A second signal later, or the limit of the drain. */
#define CUT_IS_DUE atomic { draining && sticks && !cut_due -> cut_due = true }
#define RETRY_IS_DUE atomic { armed -> armed = false }

/*
 * [server.c server_run]
 *	worker_turn(server->loop, &server->counters);
 *	follow_up(server);
 *	while (!server->draining || !has_at_most(server, 0));
 *	stop_workers(server);
 */
proctype accepting()
{
	byte sum, least, next;
	bool paused, waits, armed; /* the last is the timer of the retry */
	bool draining, drain_due, cut_due, was_cut;
#ifdef ALONE
	bool drains;
	byte nopen, nclosed;
#endif
	do
	:: true ->
		/* The wait, and the events of the turn. */
end:		if
		:: HEARS(REPORTS)
#ifdef BUG_BELL_CLEARED_AFTER
			; rung[REPORTS] = false
#endif
		:: !draining && !paused && next < NCONNS -> accept_ready()
		:: RETRY_IS_DUE; retry()
		:: DRAIN_IS_ASKED_FOR
		:: CUT_IS_DUE
#ifdef ALONE
		:: ENDS
#endif
		fi;
		if
		:: RETRY_IS_DUE; retry()
		:: DRAIN_IS_ASKED_FOR
		:: true
		fi;
		follow_up();
		if
		:: !draining
		:: draining ->
			has_at_most(0);
			if :: sum == 0 -> break :: else fi
		fi
	od;
#ifndef ALONE
	ORDER(stop);
#endif
	has_returned = true
}

init {
	byte i;
	atomic {
		for (i : 0 .. NWORKERS * SIZE - 1) {
			ring[i] = NOBODY
		}
		i = 0;
		if :: drain_comes = true :: true fi;
		if :: sticks = drain_comes :: true fi;
		run accepting();
#ifndef ALONE
		run worker(0);
		run worker(1)
#endif
	}
	/* When everybody waits, there must be nothing left to do. */
	timeout;
	assert(!PAUSED_FOR_NOTHING && !ON_WAY);
	assert(!is_draining || (has_returned && LOAD == 0))
}
