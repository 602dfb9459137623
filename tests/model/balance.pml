/* SPDX-License-Identifier: ISC */
/*
 * The thread that accepts, and how it keeps the loads of two workers even; a
 * model for spin(1), run by tests/system/test_model.py.
 *
 * What is modelled.  The workers have FIRST and SECOND connections, and one more
 * has just ended; so do others, or all stay.  A moment after an end the
 * accepting thread looks at the loads; if one worker has two connections more
 * than the other, it is asked for some, gives back what can be moved, and rings;
 * and they are handed over anew.  At first perhaps none can be moved, but at
 * some time all can.  With DRAIN there is a drain, and perhaps the cut with it
 * or later.
 *
 * What is left out.  New connections, which go to who has the fewest: that is
 * in accept.pml, with all that the listeners do.  How many are asked for at
 * most.  What makes a connection movable.  With DRAIN, all that comes before: it
 * begins when one has been asked for, and the drain is due.
 *
 * What is proved, for every order of the steps within these bounds:
 *
 *   loads_become_even  if there is no drain
 *   the_drain_ends     server_run returns: when all are gone, or by the cut
 *   assertions         those of threads.pml
 *   no deadlock        when everybody waits, there is nothing left to do
 *
 * Fairness is weak, and BUG_... plants errors, as in accept.pml.
 */

#ifndef FIRST
#define FIRST 2
#endif
#ifndef SECOND
#define SECOND 1
#endif
#define LIMIT  (FIRST + SECOND)
#define NCONNS 1 /* they have no names here */

#include "threads.pml"

/* What the claims see of the accepting thread, which has its own. */
bool is_draining, has_returned;

#define ON_WAY (nput[0] != ntaken[0] || nput[1] != ntaken[1] || \
		nput[2] != ntaken[2] || nput[3] != ntaken[3])
#define UNEVEN (!is_draining && \
		(load[0] > load[1] + 1 || load[1] > load[0] + 1))

ltl loads_become_even { [] (UNEVEN -> <> !UNEVEN) }
ltl the_drain_ends { [] (is_draining -> <> has_returned) }

/*
 * [worker.c worker_ask_back]
 *	atomic_store(&worker->asked, n);
 *	bell_ring(&worker->bell);
 */
inline worker_ask_back(w, n)
{
	asked[w] = n;
#ifndef BUG_ASKED_WITHOUT_BELL
	bell_ring(w)
#endif
}

/*
 * [balance.c ask_back]
 *	size_t share = sum / balance->nworkers;
 *	size_t n = worker_load(worker);
 *	size_t surplus = n > share ? n - share : 0;
 *	if (surplus > 0)
 *	worker_ask_back(worker,
 */
inline ask(w)
{
	n = load[w];
	if
	:: n > share -> worker_ask_back(w, n - share)
	:: else
	fi
}

/*
 * [balance.c check]
 *	atomic_store(&balance->reports->wanted, true);
 *	struct load load = balance_measure(balance);
 *	if (load.most - load.least <= 1) return;
 *	ask_back(balance, load.sum);
 *	arm(balance);
 */
inline check()
{
#ifndef BUG_WISH_AFTER_LOOK
	wanted = true;
#endif
	sum = load[0];
	n = load[1];
#ifdef BUG_WISH_AFTER_LOOK
	wanted = true;
#endif
	if
	:: sum > n + 1 || n > sum + 1 ->
		share = (sum + n) / NWORKERS;
		ask(0);
		ask(1);
#ifndef BUG_LOOKED_AT_ONCE
		armed = true
#endif
	:: else
	fi
}

/*
 * [worker.c worker_take_back]
 *	int fd = handover_take(&worker->returned);
 *	if (fd != -1)
 *	worker->nhanded--;
 */
/*
 * [balance.c take_back]
 *	while ((fd = worker_take_back(&balance->workers[i])) != -1) {
 *	balance_hand(balance, fd);
 */
inline take_back(w)
{
	do
	:: atomic { NONE_TO_TAKE(RETURNED(w)) -> break }
	:: TAKE(RETURNED(w), c);
		atomic { COUNT_TAKEN(RETURNED(w));
#ifndef BUG_GIVEN_COUNTS_TWICE
			load[w]--
#endif
		};
		balance_hand(c)
	od
}

/*
 * [balance.c balance_hear]
 *	take_back(balance);
 *	if (balance->looks && list_is_empty(&balance->check.link))
 *	arm(balance);
 */
inline balance_hear()
{
#ifdef BUG_NOT_TAKEN_IN_A_DRAIN
	if
	:: draining
	:: else -> take_back(0); take_back(1)
	fi;
#else
	take_back(0);
	take_back(1);
#endif
	armed = !draining
}

/* Server_run and follow_up, without the listeners: see accept.pml. */
inline follow_up()
{
	if
	:: drain_due && !draining ->
		d_step { draining = true; is_draining = true; armed = false };
		ORDER(drain)
	:: else
	fi;
	if
	:: cut_due && draining && !was_cut ->
		was_cut = true;
		ORDER(cut)
	:: else
	fi
}

/*
 * [balance.c balance_start]
 *	atomic_store(&reports->wanted, true);
 */
proctype accepting()
{
	byte sum, n, share, least, c;
	bool armed, draining, drain_due, cut_due, was_cut;
	/* The wish of the start is gone with the end that came before. */
#ifdef DRAIN
	drain_due = true;
	follow_up();
#endif
	do
	:: true ->
		/* The wait, and the events of the turn. */
end:		if
		:: HEARS(REPORTS); balance_hear();
			if
			:: atomic { armed -> armed = false }; check()
			:: true
			fi
		/* What is ready comes before what is due. */
		:: atomic { armed && pipe[REPORTS] == 0 -> armed = false };
			check()
		:: CUT_IS_DUE
		fi;
		follow_up();
		if
		:: !draining
		:: draining ->
			has_at_most(0);
			if :: sum == 0 -> break :: else fi
		fi
	od;
	ORDER(stop);
	has_returned = true
}

/* Those that could not be moved can be, and at some time nobody goes. */
proctype rest()
{
	at_rest = true;
	lasts = true
}

init {
	byte i;
	atomic {
		draw();
#ifdef DRAIN
		/* One was asked for, and can be given. */
		at_rest = true;
		asked[0] = 1;
		rung[0] = true;
		pipe[0] = 1;
#else
		drain_comes = false;
		sticks = false;
#endif
		load[0] = FIRST;
		load[1] = SECOND;
		/* One more has just ended. */
		rung[REPORTS] = true;
		pipe[REPORTS] = 1;
		run accepting();
		run worker(0, FIRST);
		run worker(1, SECOND);
		run rest()
	}
	/* When everybody waits, there must be nothing left to do. */
	timeout;
	assert(!UNEVEN && !ON_WAY);
	assert(!is_draining || (has_returned && load[0] + load[1] == 0))
}
