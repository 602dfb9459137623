/* SPDX-License-Identifier: ISC */
/*
 * Signals as events of a loop, by the self-pipe trick, which works the same
 * on every system.  The handler counts the signal and writes one byte to a
 * pipe that the loop watches; what a signal means is up to the callback.
 *
 * Handlers belong to the process, so there is one such set at a time.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "reactor/loop.h"

/*
 * Catches the signals of the list, which ends with 0, and unblocks them.  The
 * loop calls the callback once for each time that the kernel delivered one.
 * The list must stay until signals_close.  Returns -1 with the errno of
 * bell_open.
 */
int signals_open(struct loop *, const int *signos,
    void (*callback)(int signo, void *arg), void *arg);

/*
 * Sends those that were caught, and of which the callback has not been told
 * yet, to this process again.  To be called while they are blocked, in the
 * thread of the loop: then they wait for the program that is executed next.
 */
void signals_return(void);

/* Ignores those signals from now on and closes the pipe. */
void signals_close(struct loop *);

#endif
