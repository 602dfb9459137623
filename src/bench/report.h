/* SPDX-License-Identifier: ISC */
/* The report of a run, as text for people, or as CSV or JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "bench/run.h"

#include <stdio.h>

/* Writes it in the format of the options.  Whether that went well, ferror says.
 */
void report_write(FILE *, const struct run_result *);

/* Latencies as the report has them: in microseconds. */
struct report_latency {
	const char *name;    /* in a key: p99_9 */
	const char *label;   /* for people: p99.9 */
	uint32_t millionths; /* of histogram_quantile */
};

#define REPORT_LATENCIES 6
extern const struct report_latency report_latencies[REPORT_LATENCIES];

double report_microseconds(uint64_t ticks);

#endif
