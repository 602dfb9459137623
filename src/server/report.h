/* SPDX-License-Identifier: ISC */
/* What the server says of itself, and of peers: the longer lines of its log. */
#ifndef REPORT_H
#define REPORT_H

#include "base/log.h"
#include "server/buffers.h"
#include "server/counters.h"
#include "server/limits.h"
#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connections that are open, or handed over and not yet served. */
struct load {
	size_t sum, least, most; /* of all workers, and of one */
};

/*
 * What was decided at the start, and what the system holds: at most, and for
 * how long after a connection was closed, in ms (0: as long as it likes).
 */
void report_start(const struct server_settings *, const struct limits *,
    const struct buffers_held *, uint32_t held_ms, const char *backend);

/* Why limits_compute failed, with so many descriptors. */
void report_lack(
    const struct server_settings *, const struct limits *, size_t descriptors);

/* Why the workers could not be opened, or one not be started, by errno. */
void report_no_workers(const struct server_settings *, const struct limits *);
void report_no_thread(const struct server_settings *, unsigned number);

/*
 * The counters, and how the connections are spread over several workers.  Those
 * of zero are left out unless all are asked for.
 */
void report_counters(const size_t totals[static NCOUNTERS], const struct load *,
    bool several, bool all);

/*
 * That we end the connection of the socket, and why, at a time of loop_now: as
 * often as the limit allows.  Says nothing where the peer has ended it.
 */
void report_end(struct log_limit *, uint64_t now, int fd, enum counter cause);

#endif
