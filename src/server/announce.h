/* SPDX-License-Identifier: ISC */
/* What the server says of itself: the longer lines of its log. */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include "server/counters.h"
#include "server/limits.h"
#include "server/settings.h"
#include "server/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Logs what was decided at the start: how it serves so many addresses, what
 * that can cost, and for how long the system holds a closed connection, in ms
 * (0: as long as it likes).
 */
void announce_start(const struct settings *, const struct limits *,
    size_t naddresses, uint32_t held_ms, const char *backend);

/* Logs the bounds of memory: ours, the system's, and the sum. */
void announce_memory(
    const struct settings *, const struct limits *, size_t naddresses);

/* Logs why limits_compute failed, where descriptors is their limit. */
void announce_lack(
    const struct settings *, const struct limits *, size_t descriptors);

/* Log why the workers were not opened, or that one not started, with errno. */
void announce_no_workers(const struct settings *, const struct limits *);
void announce_no_thread(const struct settings *, unsigned number);

/* Connections that are open, or handed over and not yet served. */
struct load {
	unsigned nworkers;
	size_t sum, least, most; /* of all workers; of any one worker */
};

/*
 * Logs the counters, and how the connections are spread over several workers.
 * Counters of zero are left out unless all are asked for.
 */
void announce_counters(
    const size_t totals[static NCOUNTERS], const struct load *, bool all);

/* Logs the figures of the worker of that number. */
void announce_worker(unsigned number, const struct worker_figures *);

#endif
