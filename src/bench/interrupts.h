/* SPDX-License-Identifier: ISC */
/*
 * The signals by which users end a run, or close the terminal that it is on:
 * SIGHUP, SIGINT and SIGTERM.  One that is ignored, as by nohup, stays so.
 */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

/* From now on each of them ends a wait, and nothing else. */
void interrupts_await(void);

/* From now on they are noted, and what is written is written whole. */
void interrupts_ignore(void);

/* How many have come, up to 2, and the last one, or 0. */
int interrupts_count(void);
int interrupts_last(void);

#endif
