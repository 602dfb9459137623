/* SPDX-License-Identifier: ISC */
/*
 * Rights and habits of a process that only some systems know; elsewhere these
 * do nothing.  Both are for the time before there are threads, since they are
 * a thread's own, and the threads that it starts inherit them.
 */
#ifndef HARDENING_H
#define HARDENING_H

#include <stdbool.h>

/* What was inherited of them no longer matters. */
void hardening_enter(void);

/*
 * Keeps others from reading the memory of the process, where a limit cannot do
 * that.  That ends with the next change of the account.
 */
void hardening_forbid_core(void);

/* Allows what a change of the account, which may end that too, has ended. */
void hardening_allow_core(void);

/*
 * While the process is root, if it is: from now on no program that it could
 * execute gets rights that it has not, and none of the rights of root.
 */
void hardening_bound(void);

/* Whether none of the rights of root can come back any more, as after that. */
bool hardening_is_bound(void);

/*
 * Gives up all rights that do not come with the account, also those that a
 * plain user was started with.  Returns -1 with errno.
 */
int hardening_drop(void);

#endif
