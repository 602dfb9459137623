/* SPDX-License-Identifier: ISC */
/*
 * A run: opens the connections, warms up, measures, and waits for what is still
 * under way.  The first error ends it.
 */
#ifndef RUN_H
#define RUN_H

#include "bench/errors.h"
#include "bench/histogram.h"
#include "bench/options.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run_result {
	const struct bench_options *options;
	char server[ADDRESS_TEXT_MAX]; /* the address that was used */
	size_t size;                   /* of a message, the longest */
	uint64_t began;                /* ticks, when measuring began */
	uint64_t elapsed;              /* ticks that were measured */
	uint64_t messages;             /* of mixed: those of ping-pong */
	uint64_t sent, received;       /* bytes */
	uint64_t streamed;    /* bytes of answers; of mixed: of the streams */
	uint64_t established; /* connections */
	uint64_t unsent;      /* messages that were due and not begun */
	bool is_complete;     /* the run did all it was to do */
	struct errors errors;
	struct histogram latencies; /* empty in stream */
};

/*
 * Runs and fills in the result.  Returns the status to exit with, of
 * sysexits.h or 1; unless it is 0 one sentence was said on standard error, and
 * *has_run says whether there is anything to report.  Once there is a
 * connection, an interrupt ends the run as if its time were over, and from then
 * on it ends nothing.
 */
int run(const struct bench_options *, struct run_result *, bool *has_run);

#endif
