/* SPDX-License-Identifier: ISC */
/*
 * What a process inherits from whoever started it, other than its arguments
 * and environment: open descriptors, signals, timers, limits, the directory and
 * the mask for new files.  Nothing of it may hold up, end or widen the service.
 * What an administrator sets on purpose stays: priority, processors, what is
 * killed first without memory, and the limits that only bound.
 */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * To be called first, before anything is opened; n descriptors are spared, as
 * for sys_close_inherited, and signals held, as for dispositions_enter. Returns
 * 0 or the exit status, after a sentence on standard error.
 */
int surroundings_enter(const int *spared, size_t n, bool holds);

/*
 * To be called when the log is open, and before anything takes long.  In a
 * rehearsal some signals are ignored: see dispositions_settle.  Unless core
 * files are allowed, there will be none.
 */
void surroundings_settle(bool rehearses, bool allows_core);

/* The rest of that, for after the change of the account, which undoes it. */
void surroundings_settle_core(bool is_allowed);

#endif
