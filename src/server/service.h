/* SPDX-License-Identifier: ISC */
/*
 * Services: what is done with the sockets that a listener accepts, a row each.
 * Most work in the thread of a worker, on that worker's shard.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "server/handover.h"
#include "server/shard.h"

enum service_number {
	SERVICE_TEXT,    /* upper case, over connections */
	SERVICE_METRICS, /* status.h, in the accepting thread */
	NSERVICES
};

struct service {
	const char *name;
	const char *mark; /* what the log puts before its listeners */
	enum service_number number;

	/* The rest is NULL for a service that no worker has. */

	/* Serves the socket, which belongs to the service from now on. */
	void (*start)(struct shard *, const struct handoff *);

	/* A drain begins: ends each connection when it is quiet. */
	void (*drain)(struct shard *);

	/* The drain ends: resets the connections that are left. */
	void (*cut)(struct shard *);
};

extern const struct service service_text, service_metrics;

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
