/* SPDX-License-Identifier: ISC */
/* One line on a terminal that says each second how far a run has come. */
#ifndef TICKER_H
#define TICKER_H

#include <stdbool.h>
#include <stdint.h>

struct ticker {
	int fd;           /* a terminal, or -1: nothing is ever shown */
	bool is_shown;    /* there is a line */
	uint64_t started; /* ticks */
	uint64_t due;     /* ticks, or TICKS_NEVER */
	uint64_t messages, received; /* when it was drawn last */
};

void ticker_start(struct ticker *, int fd, uint64_t now);

/* Draws the line, which is due, of figures that only grow. */
void ticker_show(struct ticker *, const char *phase, uint64_t messages,
    uint64_t received, uint64_t now);

void ticker_erase(struct ticker *);

#endif
