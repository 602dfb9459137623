/* SPDX-License-Identifier: ISC */
/*
 * A bell: wakes a loop from another thread or from a signal handler, through
 * a pipe, which works the same on every system.  It carries no message.  The
 * ringer first publishes what it has to say, then rings; the callback looks at
 * all that can have been published.  Several rings may cause one callback.
 */
#ifndef BELL_H
#define BELL_H

#include "reactor/loop.h"

#include <stdatomic.h>

struct bell {
	struct watch watch;
	int ringing_end;  /* of the pipe; the watch has the other */
	atomic_bool rung; /* a byte is in the pipe or on its way */
	void (*heard)(struct bell *);
};

/* Returns -1 with the errno of pipe, of its first write or of the poller. */
int bell_open(struct bell *, struct loop *, void (*heard)(struct bell *));

/* From now on nobody may ring. */
void bell_close(struct bell *, struct loop *);

/* Async-signal-safe, and never blocks. */
void bell_ring(struct bell *);

#endif
