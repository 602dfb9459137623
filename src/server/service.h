/* SPDX-License-Identifier: ISC */
/*
 * Services: what is done with the sockets that a listener accepts, a row each.
 * A service works in the thread of a worker, on that worker's shard.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "server/handover.h"
#include "server/shard.h"

enum service_number {
	SERVICE_TEXT, /* upper case, over connections */
	NSERVICES
};

struct service {
	const char *name;
	enum service_number number;

	/* Serves the socket, which belongs to the service from now on. */
	void (*start)(struct shard *, const struct handoff *);

	/* A drain begins: ends each connection when it is quiet. */
	void (*drain)(struct shard *);

	/* The drain ends: resets the connections that are left. */
	void (*cut)(struct shard *);
};

extern const struct service service_text;

#endif
