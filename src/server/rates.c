/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/rates.h"

#include <stdlib.h>
#include <string.h>

/* A bucket holds what comes in a second; in microseconds. */
static const uint64_t second = 1000000;

int
rates_open(struct rates *rates)
{
	rates->sets = calloc(RATES_SETS, sizeof *rates->sets);
	return rates->sets == NULL ? -1 : 0;
}

void
rates_close(struct rates *rates)
{
	free(rates->sets);
}

/*
 * The place of a source; of a new one, that of the fullest bucket.  It is full
 * for the longest, or will be first, so that what is forgotten with it is the
 * least.
 */
static struct rate *
find(struct rate set[static RATES_WAYS], const struct prefix *prefix)
{
	struct rate *fullest = &set[0];
	for (int i = 0; i < RATES_WAYS; i++) {
		if (memcmp(&set[i].prefix, prefix, sizeof *prefix) == 0)
			return &set[i];
		if (set[i].full < fullest->full)
			fullest = &set[i];
	}
	*fullest = (struct rate){.prefix = *prefix};
	return fullest;
}

bool
rates_pass(struct rates *rates, uint32_t rate, const struct prefix *prefix,
    uint64_t hash, uint64_t now)
{
	/* The low bits choose the bucket of the other table. */
	struct rate *own = find(rates->sets[(hash >> 32) % RATES_SETS], prefix);
	uint64_t now_us = now * 1000;
	uint64_t full = own->full > now_us ? own->full : now_us;
	full += second / rate;
	if (full > now_us + second)
		return false;
	own->full = full;
	return true;
}
