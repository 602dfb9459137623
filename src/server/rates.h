/* SPDX-License-Identifier: ISC */
/*
 * Rates: how fast connections of each source come.  A source may begin rate of
 * them a second, and as many at once.  Of its bucket only the time is kept at
 * which it is full again; a full one need not be kept at all.  The caller
 * locks.
 */
#ifndef RATES_H
#define RATES_H

#include "net/prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The places: a source has its place in one of RATES_SETS. */
enum { RATES_SETS = 512, RATES_WAYS = 8 };

struct rate {
	struct prefix prefix;
	uint64_t full; /* when its bucket is, in microseconds */
};

struct rates {
	struct rate (*sets)[RATES_WAYS];
};

/* Bytes that are taken, most of which are not touched without a rate. */
#define RATES_MEMORY ((size_t)RATES_SETS * RATES_WAYS * sizeof(struct rate))

/* -1 with ENOMEM. */
int rates_open(struct rates *);
void rates_close(struct rates *);

/*
 * Takes one out of the bucket of a source; false when that is empty.  The time
 * is in ms, and the hash that of the prefix.
 */
bool rates_pass(struct rates *, uint32_t rate, const struct prefix *,
    uint64_t hash, uint64_t now);

#endif
