/* SPDX-License-Identifier: ISC */
/*
 * Services: what is done with the sockets that a listener gives, a row each.
 * A service works in the thread of a worker, with what its connections share.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "server/handover.h"
#include "server/shard.h"

struct service {
	const char *name;

	/* Serves the socket, which belongs to the service from now on. */
	void (*start)(struct shard *, const struct handoff *);

	/* From now on what is quiet ends. */
	void (*drain)(struct shard *);

	/* Ends all that it has left, as at the end of a drain. */
	void (*cut)(struct shard *);
};

extern const struct service service_text;

#endif
