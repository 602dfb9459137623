/* SPDX-License-Identifier: ISC */
/*
 * The thread that accepts, and when it pauses and resumes, drains and ends; a
 * model for spin(1), run by tests/system/test_model.py.
 *
 * What is modelled.  NCONNS clients wait for a server that serves LIMIT at
 * once.  A turn notes that there are some.  When it is over, the accepting thread
 * takes them from the kernel's queue, chooses a worker, and hands them over
 * through a ring and a bell.  At the limit the
 * listeners pause until a worker reports the end of a connection; after a
 * failure of accept, or of the poller when they resume, until a timer is due.
 * Adopting a connection may fail.  A drain may come at any time or never, and
 * with it or later the cut; then come the orders: drain, cut, stop.  With ALONE
 * there are no threads: the one worker shares the loop of the thread that
 * accepts.
 *
 * What is left out.  What a connection does while it is open, which is in
 * connection.pml: here it stays, ends, or in a drain sticks until the cut.
 * Several listeners: all pause and resume together, and which one is accepted
 * from makes no difference to what is here.  How many are accepted in
 * a turn: it may stop after each.  Time: a deadline comes early or late, but
 * it comes.  The log, the counters, failures of the wait.
 *
 * What is proved, for every order of the steps within these bounds:
 *
 *   every_pause_ends  listeners that pause while there is a place resume
 *   all_are_served    what was handed over is taken out of the ring
 *   the_drain_ends    server_run returns: when all are gone, or by the cut
 *   assertions        a connection is taken once, and whole; the ring and the
 *                     slots never overflow; a pipe never holds two bytes; a
 *                     worker that stops has nothing left; all are counted,
 *                     before anybody waits
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

#include "threads.pml"

/* What the claims see of the accepting thread, which has its own of each. */
bool is_paused, is_draining, has_returned;

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
 * [server.c serve]
 *	worker_hand(find_least(server), handoff);
 */
inline serve()
{
	next++;
	worker_hand((next - 1))
}

/*
 * [listener.c pause_all]
 *	listeners->paused = true;
 *	listeners->nready = 0;
 */
#define PAUSE  d_step { paused = true; is_paused = true; ready = false }
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
 * [listener.h listeners_resume]
 *	if (listeners->paused) listeners_resume_paused(listeners);
 */
/*
 * [listener.c listeners_resume_paused]
 *	if (listeners->waits || !may_accept(listeners))
 *	return;
 *	listeners->paused = false;
 *	POLLER_INPUT) == -1)
 *	wait_to_retry(listeners);
 */
/*
 * [server.c may_accept]
 *	return has_at_most(server, server->connections - 1);
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
 * [listener.c note_ready]
 *	listener->left = turn_of(listener);
 *	listener->listeners->nready++;
 */
/*
 * [listener.h listeners_accept]
 *	if (listeners->nready == 0) return false;
 *	listeners_accept_ready(listeners);
 *	return true;
 */
/*
 * [listener.c listeners_accept_ready]
 *	while (listeners->nready > 0) {
 *	if (!may_accept(listeners)) {
 *	wait_for_end(listeners);
 *	return;
 *	switch (accept_one(listener))
 *	case ATTEMPT_DONE: if (--listener->left == 0) {
 *	listeners->nready--;
 *	case ATTEMPT_EMPTY: listener->left = 0;
 *	listeners->nready--;
 *	case ATTEMPT_FAILED: note_failure(listeners);
 *	wait_to_retry(listeners);
 *	return;
 */
/*
 * [listener.c wait_for_end]
 *	pause_all(listeners);
 */
inline listeners_accept()
{
	do
	:: !ready -> break
	:: ready ->
		has_at_most(LIMIT - 1);
		if
		:: sum >= LIMIT -> PAUSE
		:: sum < LIMIT && next == NCONNS -> ready = false
		:: sum < LIMIT && next < NCONNS -> WAIT_TO_RETRY
		:: sum < LIMIT && next < NCONNS ->
			serve();
			if :: ready = false :: true fi
		fi
	od
}

/*
 * [listener.c accept_rest]
 *	if (!may_accept(listeners))
 *	return;
 *	enum attempt attempt = accept_one(listener);
 *	if (attempt == ATTEMPT_FAILED) note_failure(listeners);
 *	if (attempt != ATTEMPT_DONE) return;
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
 * [server.c release]
 *	if (!server->is_threaded) worker_release(server->workers);
 */
#ifdef ALONE
#define RELEASE worker_release(0)
#else
#define RELEASE skip
#endif
/*
 * Errands are left out.  Those of a reload change settings and listeners alone.
 * That of an upgrade stops the threads of all workers and, on its own, does
 * what they had left; then either all is packed, and the process ends (LEFT),
 * or the threads start again where they were.
 */
/*
 * [server.c follow_up]
 *	release(server);
 *	if (!list_is_empty(&server->errands) && run_errands(server))
 *	return;
 *	if (server->wanted == SERVING) {
 *	if (listeners_accept(&server->listeners)) release(server);
 *	listeners_resume(&server->listeners);
 *	return;
 *	if (server->phase == SERVING)
 *	start_drain(server);
 *	if (server->phase == DRAINING && server->wanted == CUTTING)
 *	cut_drain(server);
 *	release(server);
 */
/*
 * [server.c start_drain]
 *	server->phase = DRAINING;
 *	listeners_finish(&server->listeners);
 *	worker_drain(&server->workers[i]);
 *	timer_arm(&server->drains, &server->drain, loop_now(server->loop));
 */
inline start_drain()
{
	if
	:: draining
	:: !draining ->
		d_step { draining = true; is_draining = true; armed = false };
		accept_rest();
		ready = false;
#ifdef ALONE
		CONNS_DRAIN
#else
		ORDER(drain)
#endif
	fi
}

/*
 * [server.c cut_drain]
 *	server->phase = CUTTING;
 *	worker_cut(&server->workers[i]);
 */
inline follow_up()
{
	RELEASE;
	if
	:: !drain_due ->
#ifdef BUG_RESUMED_BEFORE_ACCEPT
		listeners_resume();
		listeners_accept();
		RELEASE
#else
		listeners_accept();
#ifndef BUG_NOT_RELEASED_AFTER_ACCEPT
		RELEASE;
#endif
		listeners_resume()
#endif
	:: else ->
		start_drain();
		if
		:: cut_due && !was_cut ->
			was_cut = true;
#ifdef ALONE
			CONNS_CUT
#else
			ORDER(cut)
#endif
		:: else
		fi;
#ifndef BUG_NOT_RELEASED_AFTER_ORDERS
		RELEASE
#endif
	fi
}

#define RETRY_IS_DUE atomic { armed -> armed = false }

/*
 * [server.c server_run]
 *	if (loop_turn_or_pause(server->loop) == -1)
 *	follow_up(server);
 *	while (server->phase == SERVING ||
 *	    (server->phase != LEFT && !has_at_most(server, 0)));
 *	server_stop_workers(server);
 */
proctype accepting()
{
	byte sum, least, next;
	bool ready, paused, waits;
	bool armed; /* the timer of the retry */
	bool draining, drain_due, cut_due, was_cut;
#ifdef ALONE
	bool drains;
	byte nopen, nclosed;
#endif
	do
	:: true ->
#ifdef ALONE
		assert(nclosed == 0);
#endif
		/* The wait, and the events of the turn. */
end:		if
		:: HEARS(REPORTS)
#ifdef BUG_BELL_CLEARED_AFTER
			; rung[REPORTS] = false
#endif
		:: !draining && !paused && next < NCONNS -> ready = true
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
#ifdef ALONE
		:: ENDS
#endif
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
		draw();
		run accepting();
#ifndef ALONE
		run worker(0, 0);
		run worker(1, 0)
#endif
	}
	/* When everybody waits, there must be nothing left to do. */
	timeout;
	assert(!PAUSED_FOR_NOTHING && !ON_WAY);
	assert(!is_draining || (has_returned && LOAD == 0))
}
