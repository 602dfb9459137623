/* SPDX-License-Identifier: ISC */
/*
 * The thread that accepts, and how it keeps the loads of two workers even; a
 * model for spin(1), run by tests/system/test_model.py.
 *
 * What is modelled.  The workers have FIRST and SECOND connections, and one more
 * has just ended; so do others, or all stay.  A moment after an end the
 * accepting thread looks at the loads; if one worker has two connections more
 * than the other, some are recalled, and it gives back what can be, and rings;
 * and they are handed over anew.  At first perhaps none can be moved, but at
 * some time all can.  With DRAIN there is a drain, and perhaps the cut with it
 * or later.
 *
 * What is left out.  New connections, which go to who has the fewest: that is
 * in accept.pml, with all that the listeners do.  How many are recalled at most.
 * What makes a connection movable.  With DRAIN, all that comes before: it begins
 * when one has been recalled, and the drain is due.
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
 * [worker.c worker_recall]
 *	atomic_store(&worker->recalled, n);
 *	bell_ring(&worker->bell);
 */
inline worker_recall(w, n)
{
	recalled[w] = n;
#ifndef BUG_RECALLED_WITHOUT_BELL
	bell_ring(w)
#endif
}

/*
 * [balance.c plan_move]
 *	if (balance->shares[i].owed == 0 &&
 *	if (most == NULL || *most <= *least + 1) return false;
 *	--*most;
 *	++*least;
 */
/*
 * [balance.c recall]
 *	worker_load(&balance->workers[i]);
 *	plan_move(balance);
 *	size_t n = worker_load(worker);
 *	balance->shares[i].owed = n > planned ? n - planned : 0;
 *	if (n > planned)
 *	worker_recall(worker, n - planned);
 */
/* With two workers half of the difference is to be moved. */
inline recall(most, difference)
{
	if
	:: owed[most] > 0 -> owed[most] = 0
	:: else ->
		d_step {
			owed[most] = difference / 2;
			owed[1 - most] = 0
		};
		worker_recall(most, owed[most])
	fi
}

/*
 * [balance.c check]
 *	atomic_store(&balance->reports->wanted, true);
 *	struct load load = balance_measure(balance);
 *	if (load.most - load.least <= 1) return;
 *	recall(balance);
 *	arm(balance,
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
	:: sum > n + 1 -> recall(0, (sum - n))
	:: n > sum + 1 -> recall(1, (n - sum))
	:: else
	fi;
#ifndef BUG_LOOKED_AT_ONCE
	armed = (sum > n + 1 || n > sum + 1)
#endif
}

/*
 * [worker.c worker_take_back]
 *	int fd = handover_take(&worker->returned);
 *	if (fd != -1)
 *	worker->nhanded--;
 */
/*
 * [balance.c take_back]
 *	while ((fd = worker_take_back(worker)) != -1) {
 *	struct worker *least = find_least(balance);
 *	if (balance->shares[i].owed > 0)
 *	balance->shares[i].owed--;
 *	worker_hand(least, fd);
 */
inline take_back(w)
{
	do
	:: atomic { NONE_TO_TAKE(RETURNED(w)) -> break }
	:: TAKE(RETURNED(w), c);
		atomic { COUNT_TAKEN(RETURNED(w));
#ifndef BUG_GIVEN_COUNTS_TWICE
			load[w]--;
#endif
			owed[w] = (owed[w] > 0 -> owed[w] - 1 : 0)
		};
		balance_hand(c)
	od
}

/*
 * [balance.c balance_hear]
 *	take_back(balance, i);
 *	if (!balance->looks)
 *	return;
 *	arm(balance, CHECK_MS);
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
	byte sum, n, least, c, owed[NWORKERS];
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
		/* One was recalled, and can be given. */
		at_rest = true;
		recalled[0] = 1;
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
