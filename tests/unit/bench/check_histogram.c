/* SPDX-License-Identifier: ISC */
/* The histogram of latencies: its buckets, how far it errs, its quantiles. */
#include "config.h"

#include "bench/histogram.h"
#include "unit/runner.h"

#include <stdlib.h>

static struct histogram histogram;

static void
prepare(void)
{
	histogram_clear(&histogram);
}

START_TEST(buckets_cover_all_times_without_gap_or_overlap)
{
	ck_assert_uint_eq(histogram_lowest(0), 0);
	for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
		ck_assert_uint_eq(
		    histogram_highest(i) + 1, histogram_lowest(i + 1));
	ck_assert_uint_eq(histogram_highest(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
}
END_TEST

START_TEST(each_border_is_in_its_bucket)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		ck_assert_uint_eq(histogram_bucket(histogram_lowest(i)), i);
		ck_assert_uint_eq(histogram_bucket(histogram_highest(i)), i);
	}
}
END_TEST

START_TEST(the_middle_of_a_bucket_is_off_by_half_a_percent_at_most)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t lowest = histogram_lowest(i);
		uint64_t width = histogram_highest(i) - lowest;
		ck_assert_uint_le(width / 2 + width % 2, lowest / 200);
	}
}
END_TEST

START_TEST(an_empty_histogram_has_quantiles_of_0)
{
	ck_assert_uint_eq(histogram_quantile(&histogram, 0), 0);
	ck_assert_uint_eq(histogram_quantile(&histogram, 500000), 0);
	ck_assert_uint_eq(histogram_quantile(&histogram, HISTOGRAM_ALL), 0);
}
END_TEST

START_TEST(one_time_is_every_quantile_exactly)
{
	static const uint64_t times[] = {
	    0, 1, 127, 128, 129, 1000003, UINT64_MAX};
	for (int i = 0; i < LENGTH(times); i++) {
		histogram_clear(&histogram);
		histogram_add(&histogram, times[i]);
		for (uint32_t q = 0; q <= HISTOGRAM_ALL; q += 125000)
			ck_assert_uint_eq(
			    histogram_quantile(&histogram, q), times[i]);
	}
}
END_TEST

START_TEST(the_least_and_the_greatest_are_exact)
{
	histogram_add(&histogram, 1000003);
	histogram_add(&histogram, 2000003);
	histogram_add(&histogram, 3000017);
	ck_assert_uint_eq(histogram_quantile(&histogram, 0), 1000003);
	ck_assert_uint_eq(
	    histogram_quantile(&histogram, HISTOGRAM_ALL), 3000017);
}
END_TEST

START_TEST(no_quantile_is_outside_of_what_was_seen)
{
	size_t bucket = histogram_bucket(1000003);
	uint64_t lowest = histogram_lowest(bucket);
	uint64_t highest = histogram_highest(bucket);
	for (int i = 0; i < 3; i++)
		histogram_add(&histogram, highest);
	ck_assert_uint_eq(histogram_quantile(&histogram, 500000), highest);
	histogram_clear(&histogram);
	for (int i = 0; i < 3; i++)
		histogram_add(&histogram, lowest);
	ck_assert_uint_eq(histogram_quantile(&histogram, 500000), lowest);
}
END_TEST

/* The number that stands at a rank of so many millionths, as defined. */
static size_t
exact_rank(size_t n, uint32_t millionths)
{
	size_t rank = 0;
	while (rank * 1000000 < n * (size_t)millionths)
		rank++;
	return rank == 0 ? 1 : rank;
}

static int
compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

START_TEST(quantiles_are_those_of_sorted_times_within_half_a_percent)
{
	enum { N = 3000 };
	static const uint32_t quantiles[] = {
	    0, 1, 333, 100000, 500000, 900000, 990000, 999000, 999999, 1000000};
	static uint64_t times[N];
	uint64_t state = 1;
	for (int i = 0; i < N; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695;
		/* From nanoseconds to minutes. */
		times[i] = state >> (24 + i % 36);
		histogram_add(&histogram, times[i]);
	}
	qsort(times, N, sizeof times[0], compare_times);
	for (int i = 0; i < LENGTH(quantiles); i++) {
		uint64_t exact = times[exact_rank(N, quantiles[i]) - 1];
		uint64_t found = histogram_quantile(&histogram, quantiles[i]);
		ck_assert_uint_le(found, exact + exact / 200);
		ck_assert_uint_ge(found + exact / 200, exact);
	}
}
END_TEST

START_TEST(ranks_of_many_times_do_not_overflow)
{
	histogram_add(&histogram, 100);
	histogram_add(&histogram, 120);
	histogram.counts[100] = UINT64_MAX / 2 - 1;
	histogram.counts[120] = UINT64_MAX / 2 - 1;
	histogram.n = UINT64_MAX - 3;
	ck_assert_uint_eq(histogram_quantile(&histogram, 499999), 100);
	ck_assert_uint_eq(histogram_quantile(&histogram, 500001), 120);
	ck_assert_uint_eq(histogram_quantile(&histogram, 999999), 120);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("histogram");
	TCase *buckets = tcase_create("buckets");
	tcase_add_test(buckets, buckets_cover_all_times_without_gap_or_overlap);
	tcase_add_test(buckets, each_border_is_in_its_bucket);
	tcase_add_test(
	    buckets, the_middle_of_a_bucket_is_off_by_half_a_percent_at_most);
	suite_add_tcase(suite, buckets);

	TCase *quantiles = tcase_create("quantiles");
	tcase_add_checked_fixture(quantiles, prepare, NULL);
	tcase_add_test(quantiles, an_empty_histogram_has_quantiles_of_0);
	tcase_add_test(quantiles, one_time_is_every_quantile_exactly);
	tcase_add_test(quantiles, the_least_and_the_greatest_are_exact);
	tcase_add_test(quantiles, no_quantile_is_outside_of_what_was_seen);
	tcase_add_test(quantiles,
	    quantiles_are_those_of_sorted_times_within_half_a_percent);
	tcase_add_test(quantiles, ranks_of_many_times_do_not_overflow);
	suite_add_tcase(suite, quantiles);
	return suite;
}
