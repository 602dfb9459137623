/* SPDX-License-Identifier: ISC */
/*
 * A hand-over in place: this process executes its program anew, which may be
 * another version by now, and goes on with all connections.
 *
 * It is done whole or not at all.  First a child executes the program and
 * rehearses all but serving, while this process serves on; only if it ends well
 * and in time is the program executed here.
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
};

void upgrade_init(struct upgrade *, struct server *, const struct start *);

/* Asks for a hand-over; what stands against it is logged. */
void upgrade_ask(struct upgrade *);

/* To be called when the server no longer runs. */
void upgrade_close(struct upgrade *);

#endif
