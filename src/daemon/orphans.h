/* SPDX-License-Identifier: ISC */
/*
 * Processes that this one has not made and whose parent it is: as process 1 it
 * gets those whose own parent has ended, and a shell that executes the daemon
 * leaves it what it runs in the background.  Each keeps its place in the table
 * of processes until its parent has asked how it ended.
 */
#ifndef ORPHANS_H
#define ORPHANS_H

#include <sys/types.h>

/*
 * Frees the places of all children that have ended, without waiting.  A child
 * of our own, whose status somebody wants, is spared; 0: there is none.  While
 * that one has ended and still keeps its place, others may as well.
 */
void orphans_reap(pid_t spared);

#endif
