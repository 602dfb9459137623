/* SPDX-License-Identifier: ISC */
/*
 * What is inside a server: for server.c, server_start.c, server_status.c and
 * succession.c alone.
 */
#ifndef SERVER_IMPL_H
#define SERVER_IMPL_H

#include "server/errand.h"
#include "server/inventory.h"
#include "server/limits.h"
#include "server/listening.h"
#include "server/worker.h"

#include <stdbool.h>

/*
 * What the server does; it never goes back to an earlier phase.  LEFT is that
 * all it served was packed, for another process.
 */
enum phase { SERVING, DRAINING, CUTTING, LEFT };

struct server {
	const struct settings *settings;
	bool is_threaded; /* workers have threads of their own */
	struct loop *loop;
	struct counters counters; /* of the accepting thread */
	struct listeners listeners;
	struct limits limits;
	size_t connections; /* the limit as it is now, for all that listens */
	size_t room;        /* descriptors for connections and listeners */

	struct worker *workers;
	unsigned nworkers; /* that are open */
	unsigned nstarted; /* threads of theirs that run */
	struct worker_wake wake;

	struct list errands; /* to be done after the turn */

	enum phase phase;
	enum phase wanted; /* what was asked for: the phase follows it */
	struct timer_queue drains;
	struct timer drain;

	struct status *status; /* has listeners of its own */
	struct errand status_work;

	/* What is to be taken over; see succession.h. */
	struct inventory inventory;
	const int *inherited; /* the descriptors; NULL: there is nothing */
	void (*unpack)(struct server *); /* the connections, at the start */
};

/* Opens server.status; NULL with errno. */
struct status *server_open_status(struct server *);

/* How many connections there are. */
size_t server_count_open(struct server *);

/* Computes the limits and opens the workers; -1, logged. */
int server_prepare(struct server *);

/* Starts and stops the threads of all workers that are open, if they have. */
int server_start_workers(struct server *);
void server_stop_workers(struct server *);

#endif
