/* SPDX-License-Identifier: ISC */
/*
 * When messages are due at a given rate.  The k-th is due k / rate seconds
 * after the start, whatever became of those before it: a server that stalls
 * does not delay the schedule, so every message that it keeps waiting shows
 * the delay, and not only the one that happened to be under way (which is
 * called coordinated omission).
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdint.h>

/* The highest rate, a second. */
#define SCHEDULE_RATE_MAX 10000000

struct schedule {
	uint64_t start; /* in ticks */
	uint64_t rate;  /* messages a second */
};

/* When the k-th message is due, from 0 on. */
uint64_t schedule_due(const struct schedule *, uint64_t k);

/* How many messages are due by now. */
uint64_t schedule_count(const struct schedule *, uint64_t now);

#endif
