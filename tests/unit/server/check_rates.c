/* SPDX-License-Identifier: ISC */
/* How fast connections of each source may come. */
#include "config.h"

#include "server/rates.h"
#include "unit/runner.h"

static struct rates rates;

/* As a reload or a start may have it: not 0. */
static const uint64_t start = 123456;

static void
set_up(void)
{
	ck_assert_int_eq(rates_open(&rates), 0);
}

static void
tear_down(void)
{
	rates_close(&rates);
}

static struct prefix
source(unsigned char number)
{
	return (struct prefix){
	    .kind = PREFIX_IPV4, .bits = 32, .bytes = {10, 0, 0, number}};
}

/* How many of n that come at once pass; all meet in one set. */
static unsigned
pass(unsigned char number, uint32_t rate, unsigned n, uint64_t now)
{
	const struct prefix prefix = source(number);
	unsigned passed = 0;
	for (unsigned i = 0; i < n; i++)
		passed += rates_pass(&rates, rate, &prefix, 7, now);
	return passed;
}

START_TEST(a_second_of_the_rate_passes_at_once_and_then_one_at_a_time)
{
	static const uint32_t each[] = {1, 2, 5, 10, 100, 1000};
	for (int i = 0; i < LENGTH(each); i++) {
		uint32_t rate = each[i];
		unsigned char number = (unsigned char)i;
		uint64_t ms = 1000 / rate;
		ck_assert_uint_eq(pass(number, rate, 3000, start), rate);
		ck_assert_uint_eq(pass(number, rate, 9, start + ms - 1), 0);
		ck_assert_uint_eq(pass(number, rate, 9, start + ms), 1);
		/* However long nobody comes, it is no more than a second's. */
		ck_assert_uint_eq(
		    pass(number, rate, 3000, start + 86400000), rate);
	}
}
END_TEST

START_TEST(what_is_refused_costs_nothing)
{
	ck_assert_uint_eq(pass(1, 10, 10, start), 10);
	ck_assert_uint_eq(pass(1, 10, 100000, start), 0);
	ck_assert_uint_eq(pass(1, 10, 100, start + 1000), 10);
}
END_TEST

START_TEST(sources_do_not_count_for_each_other)
{
	for (unsigned char i = 0; i < RATES_WAYS; i++)
		ck_assert_uint_eq(pass(i, 10, 20, start), 10);
	for (unsigned char i = 0; i < RATES_WAYS; i++)
		ck_assert_uint_eq(pass(i, 10, 20, start), 0);
}
END_TEST

/* Who is close to the limit is remembered, whoever else comes. */
START_TEST(a_new_source_takes_the_place_of_the_fullest_bucket)
{
	for (unsigned char i = 0; i < RATES_WAYS; i++)
		ck_assert_uint_eq(pass(i, 100, 10U + i, start), 10U + i);
	ck_assert_uint_eq(pass(99, 100, 50, start), 50);
	for (unsigned char i = 1; i < RATES_WAYS; i++)
		ck_assert_uint_eq(pass(i, 100, 100, start), 90U - i);
	/* Then the new one was the fullest, and this is one that is new. */
	ck_assert_uint_eq(pass(0, 100, 100, start), 100);
	ck_assert_uint_eq(pass(99, 100, 100, start), 100);
}
END_TEST

START_TEST(another_rate_holds_at_once)
{
	ck_assert_uint_eq(pass(1, 2, 9, start), 2);
	ck_assert_uint_eq(pass(1, 1000, 2000, start + 100), 100);
	ck_assert_uint_eq(pass(1, 1, 9, start + 1000), 0);
	ck_assert_uint_eq(pass(1, 1, 9, start + 2100), 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("rates");
	TCase *tcase = tcase_create("rates");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, a_second_of_the_rate_passes_at_once_and_then_one_at_a_time);
	tcase_add_test(tcase, what_is_refused_costs_nothing);
	tcase_add_test(tcase, sources_do_not_count_for_each_other);
	tcase_add_test(
	    tcase, a_new_source_takes_the_place_of_the_fullest_bucket);
	tcase_add_test(tcase, another_rate_holds_at_once);
	return suite;
}
