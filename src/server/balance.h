/* SPDX-License-Identifier: ISC */
/*
 * The balance: which worker serves which connection.
 *
 * A new one goes to the worker that has the fewest.  Ends can leave another
 * with more, and connections may last for hours, so that one processor would
 * have the work and the next one none: then some are recalled from those that
 * have more, and handed over once more.
 *
 * That costs little, because a connection that is between two messages is
 * nothing but its socket.  It is done a moment after an end, since where many
 * come and go the balance mends itself.
 */
#ifndef BALANCE_H
#define BALANCE_H

#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/counters.h"
#include "server/report.h"
#include "server/server.h"
#include "server/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct balance {
	struct worker *workers;
	unsigned nworkers;
	struct loop *loop; /* of the thread that accepts */
	struct worker_reports *reports;
	struct counters *counters;
	struct timer_queue checks;
	struct timer check; /* armed while loads may be uneven */
	bool looks;         /* at the ends of connections */

	/* Connections of each worker. */
	struct {
		size_t planned; /* that it is to have */
		size_t owed;    /* recalled at the last check, and not come */
	} shares[SERVER_WORKERS_MAX];
};

void balance_init(struct balance *, struct loop *, struct counters *);

/*
 * Says who the workers are, which are the caller's; nothing may be handed over
 * before.  With reports, ends of connections are looked at from now on; a
 * worker without a thread has none.
 */
void balance_start(struct balance *, struct worker *workers, unsigned nworkers,
    struct worker_reports *);

/* From now on connections stay where they are. */
void balance_end(struct balance *);

/* How many connections there are. */
struct load balance_measure(const struct balance *);

/* Serves one more connection. */
void balance_hand(struct balance *, int fd);

/* To be called when a worker has rung the bell of its reports. */
void balance_hear(struct balance *);

#endif
