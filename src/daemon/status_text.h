/* SPDX-License-Identifier: ISC */
/* What the service manager shows of the service: one line for people. */
#ifndef STATUS_TEXT_H
#define STATUS_TEXT_H

#include "server/counters.h"

#include <stddef.h>
#include <stdint.h>

/* Room for the line, its end included. */
#define STATUS_TEXT_MAX 512

/* The state of the service at a time. */
struct status {
	uint64_t ms; /* of sys_now */
	size_t open; /* connections */
	size_t totals[NCOUNTERS];
};

/*
 * Writes the line: what the service does, such as "serving", how much of it,
 * the rates since an earlier time, and the last problem, unless that is empty.
 */
void status_write(const char *does, const struct status *now,
    const struct status *before, const char *problem,
    char text[static STATUS_TEXT_MAX]);

#endif
