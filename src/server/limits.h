/* SPDX-License-Identifier: ISC */
/* How many connections there may be, and how much memory for them. */
#ifndef LIMITS_H
#define LIMITS_H

#include "base/sys.h"
#include "server/settings.h"

#include <stddef.h>
#include <stdint.h>

/* The most connections unless more are asked for: 4 MiB of slots a worker. */
#define LIMITS_CONNECTIONS_DEFAULT ((size_t)65536)

/*
 * How many clients a listener's queue in the kernel holds: as many as there may
 * be connections, but no fewer and no more than these.  The most is the limit
 * of Linux itself (somaxconn).  With the least, 64 clients that come at once to
 * a server for one have their answers within 60 ms; with a queue of one, some
 * wait for 30 s, as the kernel drops their requests to connect.
 */
#define LIMITS_BACKLOG_MIN 128
#define LIMITS_BACKLOG_MAX 4096

struct limits {
	size_t connections; /* in all */
	size_t possible;    /* how many the descriptors allow */
	size_t backlog;     /* of each listener */
	size_t blocks;      /* of pending output, for each worker */
	uint64_t memory;    /* the most that our buffers take, in bytes */
};

/*
 * Computes the limits.  Returns -1 when the descriptors do not allow a
 * connection, or not as many as the settings ask for; then limits.connections
 * is what they allow.
 */
int limits_compute(
    struct limits *, const struct settings *, const struct sys_descriptors *);

/*
 * The same for the descriptors of this process, of which the workers are still
 * to open theirs, and nconns are connections already.  Stores what it found in
 * the last argument.
 */
int limits_decide(struct limits *, const struct settings *, size_t nconns,
    struct sys_descriptors *);

#endif
