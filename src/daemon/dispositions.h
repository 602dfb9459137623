/* SPDX-License-Identifier: ISC */
/*
 * What signals do that the server does not catch.  Whoever started the program
 * may have left any disposition and any mask behind, and anybody who may send a
 * signal may send one that nobody thought of: none of it may end or stop the
 * service by accident.
 */
#ifndef DISPOSITIONS_H
#define DISPOSITIONS_H

/*
 * To be called first: ignores all signals but those that end a program on
 * purpose, those of a crash, and those that a program which only prints
 * something leaves as they are.  SIGHUP is blocked, and waits for signals_open.
 */
void dispositions_enter(void);

/*
 * Before the server catches them, the signals that ask for the end end the
 * program at once, with status 0, also where it is process 1, which signals
 * that are not caught do not reach.  No signal but SIGHUP is blocked from then
 * on.
 */
void dispositions_settle(void);

#endif
