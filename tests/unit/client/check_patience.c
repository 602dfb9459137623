/* SPDX-License-Identifier: ISC */
/* How long a server is waited for. */
#include "config.h"

#include "client/patience.h"
#include "unit/runner.h"

START_TEST(a_move_is_waited_for_since_the_last_one)
{
	const struct patience patience = {.move = 100, .moved = 5000};
	ck_assert_int_eq(patience_for_move(&patience, 5000), 100);
	ck_assert_int_eq(patience_for_move(&patience, 5099), 1);
	ck_assert_int_eq(patience_for_move(&patience, 5100), 0);
	ck_assert_int_eq(patience_for_move(&patience, 9000), 0);
}
END_TEST

START_TEST(an_answer_is_waited_for_by_what_was_spent_on_it)
{
	struct patience patience = {.answer = 100};
	patience_count(&patience, 5000, 5060, 100);
	ck_assert_int_eq(patience_for_answer(&patience), 40);
	patience_count(&patience, 7000, 7039, -1);
	ck_assert_int_eq(patience_for_answer(&patience), 1);
	patience_count(&patience, 8000, 8001, 1);
	ck_assert_int_eq(patience_for_answer(&patience), 0);
	patience_count(&patience, 8001, 9000, -1);
	ck_assert_int_eq(patience_for_answer(&patience), 0);
}
END_TEST

START_TEST(a_stop_of_this_program_counts_as_the_wait_that_was_asked_for)
{
	struct patience patience = {.answer = 1000};
	patience_count(&patience, 5000, 3600000, 100);
	ck_assert_int_eq(patience_for_answer(&patience), 900);
}
END_TEST

START_TEST(without_limits_there_is_no_end)
{
	struct patience patience = {.moved = 0};
	patience_count(&patience, 0, UINT64_MAX, -1);
	ck_assert_int_eq(patience_for_move(&patience, UINT64_MAX), -1);
	ck_assert_int_eq(patience_for_answer(&patience), -1);
}
END_TEST

START_TEST(of_two_waits_the_shorter_counts)
{
	ck_assert_int_eq(patience_shorter(1, 2), 1);
	ck_assert_int_eq(patience_shorter(2, 1), 1);
	ck_assert_int_eq(patience_shorter(-1, 0), 0);
	ck_assert_int_eq(patience_shorter(0, -1), 0);
	ck_assert_int_eq(patience_shorter(-1, -1), -1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("patience");
	TCase *waits = tcase_create("waits");
	tcase_add_test(waits, a_move_is_waited_for_since_the_last_one);
	tcase_add_test(waits, an_answer_is_waited_for_by_what_was_spent_on_it);
	tcase_add_test(waits,
	    a_stop_of_this_program_counts_as_the_wait_that_was_asked_for);
	tcase_add_test(waits, without_limits_there_is_no_end);
	tcase_add_test(waits, of_two_waits_the_shorter_counts);
	suite_add_tcase(suite, waits);
	return suite;
}
