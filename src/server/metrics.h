/* SPDX-License-Identifier: ISC */
/*
 * The metrics: one table of rows says what there is, and how it is found out.
 * metrics_text.h has the formats.
 */
#ifndef METRICS_H
#define METRICS_H

#include "base/process.h"
#include "http/http_server.h"
#include "server/metrics_text.h"
#include "server/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that the metrics are made of, at a time. */
struct metrics_figures {
	size_t totals[NCOUNTERS];
	struct worker *workers;
	unsigned nworkers;
	size_t connections_limit;
	uint64_t memory_limit; /* bytes */
	bool drains;
	size_t log_dropped;
	const char *version, *backend, *kernel, *unicode;
	const struct http_server *http;
	struct process_figures process;
};

struct metric_row {
	const char *name;
	enum metric_kind kind;
	const char *help; /* one sentence */
	/* Writes its samples; false, before any: the system does not tell. */
	bool (*write)(const struct metric_row *, const struct metrics_figures *,
	    struct metrics_text *);
	unsigned index; /* of what it is about, in the terms of write */
};

/* A row without a name ends it. */
extern const struct metric_row metric_rows[];

/*
 * How much memory is taken for the clients of the metrics, and how many
 * descriptors; 0 without them.
 */
size_t metrics_memory(const struct settings *);
size_t metrics_descriptors(const struct settings *);

/* Room that is enough for all of them in any format. */
size_t metrics_room(unsigned nworkers);

/* Writes all metrics, and returns their length; 0: the room was not enough. */
size_t metrics_write(const struct metrics_figures *, enum metrics_format,
    char *bytes, size_t room);

#endif
