/* SPDX-License-Identifier: ISC */
/* When messages are due at a rate. */
#include "config.h"

#include "bench/schedule.h"
#include "bench/ticks.h"
#include "unit/runner.h"

enum { START = 12345678 };

static const uint64_t rates[] = {
    1, 2, 3, 7, 1000, 999983, SCHEDULE_RATE_MAX - 1, SCHEDULE_RATE_MAX};

static struct schedule
schedule(uint64_t rate)
{
	return (struct schedule){.start = START, .rate = rate};
}

START_TEST(the_first_message_is_due_at_the_start)
{
	for (int i = 0; i < LENGTH(rates); i++) {
		struct schedule s = schedule(rates[i]);
		ck_assert_uint_eq(schedule_due(&s, 0), START);
		ck_assert_uint_eq(schedule_count(&s, START - 1), 0);
		ck_assert_uint_eq(schedule_count(&s, START), 1);
	}
}
END_TEST

START_TEST(whole_seconds_have_the_rate_exactly_even_after_a_month)
{
	static const uint64_t seconds[] = {1, 2, 59, 3600, 31 * 24 * 3600};
	for (int i = 0; i < LENGTH(rates); i++) {
		for (int k = 0; k < LENGTH(seconds); k++) {
			struct schedule s = schedule(rates[i]);
			uint64_t then = START + seconds[k] * TICKS_PER_S;
			uint64_t n = seconds[k] * rates[i];
			ck_assert_uint_eq(schedule_due(&s, n), then);
			ck_assert_uint_eq(schedule_count(&s, then), n + 1);
			ck_assert_uint_eq(schedule_count(&s, then - 1), n);
		}
	}
}
END_TEST

START_TEST(a_message_is_counted_from_the_moment_it_is_due)
{
	for (int i = 0; i < LENGTH(rates); i++) {
		struct schedule s = schedule(rates[i]);
		for (uint64_t k = 1; k < 3000; k++) {
			uint64_t due = schedule_due(&s, k);
			ck_assert_uint_gt(due, schedule_due(&s, k - 1));
			ck_assert_uint_eq(schedule_count(&s, due), k + 1);
			ck_assert_uint_eq(schedule_count(&s, due - 1), k);
		}
	}
}
END_TEST

START_TEST(messages_are_evenly_spaced_to_the_nanosecond)
{
	for (int i = 0; i < LENGTH(rates); i++) {
		struct schedule s = schedule(rates[i]);
		uint64_t gap = TICKS_PER_S / rates[i];
		for (uint64_t k = 0; k < 3000; k++) {
			uint64_t between =
			    schedule_due(&s, k + 1) - schedule_due(&s, k);
			ck_assert_uint_ge(between, gap);
			ck_assert_uint_le(between, gap + 1);
		}
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("schedule");
	TCase *schedule = tcase_create("schedule");
	tcase_add_test(schedule, the_first_message_is_due_at_the_start);
	tcase_add_test(
	    schedule, whole_seconds_have_the_rate_exactly_even_after_a_month);
	tcase_add_test(
	    schedule, a_message_is_counted_from_the_moment_it_is_due);
	tcase_add_test(schedule, messages_are_evenly_spaced_to_the_nanosecond);
	suite_add_tcase(suite, schedule);
	return suite;
}
