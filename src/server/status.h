/* SPDX-License-Identifier: ISC */
/*
 * The state of the server over HTTP, on listeners of its own, in the accepting
 * thread:
 *
 *	/metrics	the metrics, for Prometheus
 *	/status.json	the same as JSON
 *	/healthz	200 while the process lives
 *	/readyz		200 while it accepts clients, and then 503
 *
 * It is served until the end of a drain.  Its own connections count as none of
 * the server's.
 */
#ifndef STATUS_H
#define STATUS_H

#include "http/http_server.h"
#include "server/listening.h"
#include "server/metrics.h"

#include <stddef.h>

struct status;

struct status_owner {
	/* Fills in the figures of the server. */
	void (*measure)(struct metrics_figures *, void *arg);
	/* After the turn, status_work is to be called. */
	void (*due)(void *arg);
	void *arg;
};

/* Opens it, still without memory for clients; NULL: ENOMEM. */
struct status *status_open(
    struct loop *, const struct settings *, const struct status_owner *);
void status_close(struct status *);

/* What it listens on. */
struct listeners *status_listeners(struct status *);

/* Accepts and closes clients.  Not inside a turn of the loop. */
void status_work(struct status *);

/* Takes the memory, if the settings ask for it, and listens; -1 with errno. */
int status_start(struct status *);

/* Ends all its clients, as the server leaves.  Not inside a turn. */
void status_leave(struct status *);

#endif
