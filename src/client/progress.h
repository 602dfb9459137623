/* SPDX-License-Identifier: ISC */
/*
 * How far a long text has come, on standard error: shown after a second, and
 * then five times a second.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "base/status_line.h"

#include <stdint.h>

struct progress {
	struct status_line line;
	uint64_t size;    /* bytes in all; 0: not known */
	uint64_t started; /* ms */
};

/* The descriptor is a terminal, or -1: nothing is ever shown. */
void progress_start(struct progress *, int fd, uint64_t size, uint64_t now);

/* Draws the line if it is due. */
void progress_show(struct progress *, uint64_t bytes, uint64_t now);

/*
 * Writes what has been sent, its rate over the given milliseconds and, when
 * the size is not 0, its share into line.
 */
void progress_format(char line[static STATUS_LINE_MAX], uint64_t bytes,
    uint64_t size, uint64_t ms);

#endif
