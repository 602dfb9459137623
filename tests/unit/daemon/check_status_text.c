/* SPDX-License-Identifier: ISC */
/* The line of status, for people. */
#include "config.h"

#include "daemon/status_text.h"
#include "unit/runner.h"

#include <string.h>

static char text[STATUS_TEXT_MAX];

START_TEST(the_line_has_numbers_and_their_rates)
{
	const struct status before = {.ms = 1000,
	    .totals = {[COUNTER_ACCEPTED] = 5,
		[COUNTER_RECEIVED] = 1000,
		[COUNTER_SENT] = 2000}};
	const struct status now = {.ms = 11000,
	    .open = 2,
	    .totals = {[COUNTER_ACCEPTED] = 20,
		[COUNTER_RECEIVED] = 1000 + 20 * 1024,
		[COUNTER_SENT] = 5 * 1024 * 1024}};
	status_write("serving", &now, &before, "", text);
	ck_assert_str_eq(text,
	    "serving 2 connections; accepted 20, 1.5 a second; "
	    "received 20.9 KiB, 2.0 KiB a second; "
	    "sent 5.0 MiB, 511.8 KiB a second");
}
END_TEST

START_TEST(without_time_or_traffic_rates_are_zero)
{
	const struct status now = {.open = 1};
	status_write("draining", &now, &now, "no room", text);
	ck_assert_str_eq(text,
	    "draining 1 connection; accepted 0, 0.0 a second; "
	    "received 0 bytes, 0 bytes a second; "
	    "sent 0 bytes, 0 bytes a second; last problem: no room");
}
END_TEST

START_TEST(the_largest_numbers_fit)
{
	char problem[256];
	struct status now = {.ms = 1, .open = SIZE_MAX};
	const struct status before = {.ms = 0};
	for (int i = 0; i < NCOUNTERS; i++)
		now.totals[i] = SIZE_MAX;
	memset(problem, 'x', sizeof problem - 1);
	problem[sizeof problem - 1] = '\0';
	status_write("reloading, with", &now, &before, problem, text);
	size_t length = strlen(text);
	/* Nothing was cut. */
	ck_assert_str_eq(text + length - 3, "xxx");
	ck_assert_uint_lt(length, STATUS_TEXT_MAX - 1);
	ck_assert_ptr_nonnull(strstr(text, " TiB, "));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("status_text");
	TCase *tcase = tcase_create("line");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, the_line_has_numbers_and_their_rates);
	tcase_add_test(tcase, without_time_or_traffic_rates_are_zero);
	tcase_add_test(tcase, the_largest_numbers_fit);
	return suite;
}
