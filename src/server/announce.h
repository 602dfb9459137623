/* SPDX-License-Identifier: ISC */
/* What the server says of itself: the longer lines of its log. */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include "server/counters.h"
#include "server/kernel_buffers.h"
#include "server/limits.h"
#include "server/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What was decided at the start, and what the system holds: at most, and for
 * how long after a connection was closed, in ms (0: as long as it likes).
 */
void announce_start(const struct settings *, const struct limits *,
    const struct kernel_buffers_held *, uint32_t held_ms, const char *backend);

/* Why limits_compute failed, with that many descriptors. */
void announce_lack(
    const struct settings *, const struct limits *, size_t descriptors);

/* Why the workers could not be opened, or one not be started, by errno. */
void announce_no_workers(const struct settings *, const struct limits *);
void announce_no_thread(const struct settings *, unsigned number);

/* Connections that are open, or handed over and not yet served. */
struct load {
	unsigned nworkers;
	size_t sum, least, most; /* of all workers, and of one */
};

/*
 * The counters, and how the connections are spread over several workers.  Those
 * of zero are left out unless all are asked for.
 */
void announce_counters(
    const size_t totals[static NCOUNTERS], const struct load *, bool all);

#endif
