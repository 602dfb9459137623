/* SPDX-License-Identifier: ISC */
/*
 * A log-linear histogram of times in nanoseconds: every uint64_t has a bucket,
 * so nothing overflows, and the memory is fixed (58 KiB).
 *
 * Times below 2^HISTOGRAM_BITS have a bucket each.  Above, each power of two is
 * cut into 2^HISTOGRAM_BITS buckets of one width, so a bucket is no wider than
 * 1/128 of the times in it.  The middle of a bucket stands for all of them: it
 * is off by 1/256, which is 0.4 %, at most.  The least and the greatest time
 * are kept exactly.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS    7
#define HISTOGRAM_BUCKETS ((size_t)(64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* The quantile that is every time: of HISTOGRAM_ALL in HISTOGRAM_ALL. */
#define HISTOGRAM_ALL UINT32_C(1000000)

struct histogram {
	uint64_t n; /* how many times were added */
	uint64_t min, max;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *);
void histogram_add(struct histogram *, uint64_t time);

/*
 * The time that the given part of all, in millionths, does not exceed: 500000
 * is the median, 999000 is p99.9, 0 the least and HISTOGRAM_ALL the greatest.
 * 0 for an empty histogram.
 */
uint64_t histogram_quantile(const struct histogram *, uint32_t millionths);

/* The bucket of a time, and the least and the greatest time of a bucket. */
size_t histogram_bucket(uint64_t time);
uint64_t histogram_lowest(size_t bucket);
uint64_t histogram_highest(size_t bucket);

#endif
