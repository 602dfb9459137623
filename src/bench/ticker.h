/* SPDX-License-Identifier: ISC */
/* How far a run has come and how fast it is, each second, on a terminal. */
#ifndef TICKER_H
#define TICKER_H

#include "base/status_line.h"

#include <stdint.h>

struct ticker {
	struct status_line line;
	uint64_t started, drawn;     /* ms */
	uint64_t messages, received; /* when it was drawn last */
};

/* The descriptor is a terminal, or -1: nothing is ever shown. */
void ticker_start(struct ticker *, int fd, uint64_t now);

/* Draws the line, which is due, of figures that only grow. */
void ticker_show(struct ticker *, const char *phase, uint64_t messages,
    uint64_t received, uint64_t now);

#endif
