/* SPDX-License-Identifier: ISC */
/*
 * What the last process has left to this one: an inventory in a memory file,
 * and the descriptors in a passage.  UPCASED_HANDOVER names both, and takes one
 * of these forms, where the numbers are those of descriptors:
 *
 *	serve:FILE:PASSAGE	go on with all of it
 *	rehearse:FILE		only find out whether that would be possible
 *
 * Or both come from the store of a service manager, by the names of store.h.
 * There the near end of the passage is as well: where the manager would remove
 * a descriptor with a hang-up, it keeps the far end from having one.
 */
#ifndef HEIR_H
#define HEIR_H

#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>

#define HEIR_VARIABLE "UPCASED_HANDOVER"

/* The most descriptors that it names. */
enum { HEIR_MAX = 2 };

/*
 * Reads the variable and takes it out of the environment.  Stores which
 * descriptors it names, in rising order, and returns how many.  To be called
 * first of all.
 */
size_t heir_read(int named[static HEIR_MAX]);

/* True for a process that goes on, and for one that only rehearses it. */
bool heir_serves(void);
bool heir_rehearses(void);

/*
 * Hands what was left to a server, before it binds addresses.  What cannot be
 * understood is lost, and logged.  -1 if it was to be rehearsed.
 */
int heir_take(struct server *);

/* The end of a rehearsal: returns 0 or the exit status, logged. */
int heir_end_rehearsal(struct server *);

/* To be called when the server has started. */
void heir_forget(void);

#endif
