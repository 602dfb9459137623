/* SPDX-License-Identifier: ISC */
/*
 * What signals do that the server does not catch.  Whoever started the program
 * may have left any disposition and any mask behind, and any signal may come at
 * any time.  None of this may end or stop the service by accident.
 */
#ifndef DISPOSITIONS_H
#define DISPOSITIONS_H

#include <stdbool.h>

/*
 * To be called first: ignores all signals but those that end a program on
 * purpose, those of a crash, and those that a program which only prints
 * something leaves as they are.  SIGHUP is blocked, and waits for signals_open.
 *
 * If signals are held, because the last process left clients to this one and
 * they are all blocked, they wait for dispositions_release instead.
 */
void dispositions_enter(bool holds);

/*
 * Before the server catches them, the signals that ask for the end end the
 * program at once, with status 0, also where it is process 1, which signals
 * that are not caught do not reach.  In a rehearsal they are ignored, as they
 * are for the process that waits for it.  No signal but SIGHUP is blocked from
 * then on, unless they are held.
 */
void dispositions_settle(bool rehearses);

/* Holds all signals from now on, for clients have been taken over. */
void dispositions_hold(void);

/* When the server catches signals: now those come that were held. */
void dispositions_release(void);

#endif
