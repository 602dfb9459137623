/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/histogram.h"

#include <string.h>

enum { SPLIT = 1 << HISTOGRAM_BITS };

void
histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof *histogram);
	histogram->min = UINT64_MAX;
}

/* How far to shift a time to the right until it is below 2 * SPLIT. */
static unsigned
shift_of(uint64_t time)
{
	if (time < SPLIT)
		return 0;
	return 63U - (unsigned)__builtin_clzll(time) - HISTOGRAM_BITS;
}

size_t
histogram_bucket(uint64_t time)
{
	unsigned shift = shift_of(time);
	return (size_t)shift * SPLIT + (size_t)(time >> shift);
}

/* The power of two that is the width of a bucket. */
static unsigned
width_of(size_t bucket)
{
	return bucket < SPLIT ? 0 : (unsigned)(bucket / SPLIT) - 1;
}

uint64_t
histogram_lowest(size_t bucket)
{
	unsigned shift = width_of(bucket);
	return (uint64_t)(bucket - (size_t)shift * SPLIT) << shift;
}

uint64_t
histogram_highest(size_t bucket)
{
	return histogram_lowest(bucket) +
	       ((UINT64_C(1) << width_of(bucket)) - 1);
}

void
histogram_add(struct histogram *histogram, uint64_t time)
{
	histogram->n++;
	histogram->counts[histogram_bucket(time)]++;
	if (time < histogram->min)
		histogram->min = time;
	if (time > histogram->max)
		histogram->max = time;
}

/* The given part of n, rounded up. */
static uint64_t
rank_of(uint64_t n, uint32_t millionths)
{
	uint64_t whole = n / HISTOGRAM_ALL * millionths;
	uint64_t rest = n % HISTOGRAM_ALL * millionths;
	return whole + (rest + HISTOGRAM_ALL - 1) / HISTOGRAM_ALL;
}

uint64_t
histogram_quantile(const struct histogram *histogram, uint32_t millionths)
{
	uint64_t rank = rank_of(histogram->n, millionths), seen = 0;
	if (histogram->n == 0)
		return 0;
	if (rank <= 1)
		return histogram->min;
	if (rank == histogram->n)
		return histogram->max;
	size_t bucket = 0;
	while ((seen += histogram->counts[bucket]) < rank)
		bucket++;
	uint64_t lowest = histogram_lowest(bucket);
	uint64_t middle = lowest + (histogram_highest(bucket) - lowest) / 2;
	/* No quantile is outside of what was seen. */
	if (middle < histogram->min)
		return histogram->min;
	return middle > histogram->max ? histogram->max : middle;
}
