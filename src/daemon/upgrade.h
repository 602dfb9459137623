/* SPDX-License-Identifier: ISC */
/*
 * A hand-over in place: this process executes its program anew, which may be
 * another version by now, and goes on with all connections.
 *
 * It is done whole or not at all.  First a child executes the program and
 * rehearses all but serving, while this process serves on; only if it ends well
 * and in time is the program executed here.
 *
 * Or a hand-over to the service manager: the same rehearsal, and then all goes
 * into its store, for the process that it starts next.  If that cannot be, all
 * is drained.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "daemon/start.h"
#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/server.h"

#include <sys/types.h>

#include <stdbool.h>

struct upgrade {
	struct server *server;
	const struct start *start;
	pid_t child; /* that rehearses; 0: none does */
	bool is_late;
	struct watch watch; /* of a pipe whose other end the child has */
	struct timer_queue deadlines, looks;
	struct timer deadline, look;
	struct errand errand;

	/* A hand-over to the service manager. */
	bool leaves;           /* one was asked for */
	void (*drain)(void *); /* what to do otherwise */
	void *arg;             /* for that */
	struct watch answer;   /* of the service manager */
	struct timer_queue patience;
	struct timer impatience;
	struct errand delivery;
};

/* Draining is what becomes of a hand-over to a service manager that fails. */
void upgrade_init(struct upgrade *, struct server *, const struct start *,
    void (*drain)(void *arg), void *arg);

/* Asks for a hand-over; what stands against it is logged. */
void upgrade_ask(struct upgrade *);

/* Asks for one to the service manager, or else drains. */
void upgrade_ask_leave(struct upgrade *);

/* A child has ended, which may be one that others have left behind. */
void upgrade_reap(struct upgrade *);

/* To be called when the server no longer runs. */
void upgrade_close(struct upgrade *);

#endif
