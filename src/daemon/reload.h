/* SPDX-License-Identifier: ISC */
/*
 * A reload: the configuration file is read again, and either all of it comes
 * into force or nothing.
 *
 * What may take long, the file and the name service, is waited for in a thread
 * made for it, while the server serves.  All else is done in the server's loop,
 * when a turn of it is over: what cannot change is refused, the new addresses
 * are bound, and then settings and listeners are exchanged.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "daemon/options.h"
#include "daemon/resolve.h"
#include "reactor/bell.h"
#include "reactor/timer.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct reload {
	const struct daemon_arguments *arguments;
	struct daemon_choice choices[2];
	unsigned in_force; /* which of them is; a reload makes the other */

	struct server *server;
	struct bell bell;     /* rung when the thread is done */
	struct errand errand; /* to take over what it did */
	struct timer_queue waits;
	struct timer wait; /* until all workers follow the last reload */
	struct timer_queue retirements;
	struct timer retirement; /* armed while the server has retired some */
	struct errand closing;   /* to close those */
	bool is_busy;            /* from the start of a reload to its end */
	bool is_asked;           /* for one more, meanwhile */

	bool has_thread;
	pthread_t thread;

	/* These are the thread's until it is done. */
	struct resolved resolved;
	int status; /* 0: the choice can be tried */
	atomic_bool is_done;
};

/* What is in force. */
static inline const struct daemon_choice *
reload_choice(const struct reload *reload)
{
	return &reload->choices[reload->in_force];
}

/*
 * Makes reloads possible, for the choice in force, which was made of the
 * arguments.  Both must outlive it.  -1 with errno.
 */
int reload_open(
    struct reload *, struct server *, const struct daemon_arguments *);

/* To be called when the server has started. */
void reload_started(struct reload *);

/* Warns when the rights of the start were needed to read the file. */
void reload_warn(const struct daemon_choice *);

/*
 * Asks for a reload; one that is asked for during another follows it.  In a
 * drain it is refused.
 */
void reload_ask(struct reload *);

/* To be called when the server no longer runs. */
void reload_close(struct reload *);

#endif
