/* SPDX-License-Identifier: ISC */
/* How many turns a loop has had and how long they took, over each back end. */
#include "config.h"

#include "base/sys.h"
#include "unit/reactor/loop_fixture.h"
#include "unit/runner.h"

/* More than the few events after which no clock is read, and their time. */
enum { MANY = 9, WORK_MS = 20 };

static struct timer_queue queue;

/* Works for a while. */
static void
take_time(struct side *side)
{
	uint64_t start = sys_now();
	(void)side;
	while (sys_now() < start + WORK_MS)
		continue;
}

/* One turn in which so many sides are ready, one of which takes its time. */
static void
turn_with(int n)
{
	struct side sides[MANY];
	for (int i = 0; i < n; i++) {
		side_open(&sides[i], i == 0 ? take_time : NULL);
		side_watch(&sides[i], POLLER_INPUT);
	}
	turn();
	for (int i = 0; i < n; i++)
		side_close(&sides[i]);
}

/* A turn that has nothing to do. */
static void
rest(void)
{
	ck_assert_int_eq(loop_turn_within(loop, 0), 0);
}

/* The same, but it waits as if it had no deadline. */
static void
rest_without_deadline(void)
{
	struct side side;
	side_open(&side, NULL);
	side_watch(&side, POLLER_INPUT);
	turn();
	side_close(&side);
}

START_TEST(each_turn_is_counted)
{
	open_loop(_i);
	ck_assert_uint_eq(loop_turns(loop), 0);
	for (size_t i = 1; i <= 3; i++) {
		rest();
		ck_assert_uint_eq(loop_turns(loop), i);
	}
	loop_close(loop);
}
END_TEST

START_TEST(the_longest_turn_is_from_a_wait_to_the_next_one)
{
	struct side late = {0};
	open_loop(_i);
	arm(&queue, 3600000, &late);
	loop_catch_up(loop, sys_now());
	rest();
	turn_with(1);
	/* The work after a turn counts, and it is known at the next wait. */
	rest();
	size_t longest = loop_longest(loop);
	ck_assert_uint_ge(longest, WORK_MS);
	rest();
	ck_assert_uint_ge(loop_longest(loop), longest);
	loop_close(loop);
}
END_TEST

START_TEST(the_time_of_a_wait_is_no_turn)
{
	open_loop(_i);
	loop_catch_up(loop, sys_now());
	uint64_t start = sys_now();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(loop_turn_within(loop, 200), 0);
	/* All that was no wait, however slow the machine is. */
	uint64_t rest_of_time = sys_now() - start - 600;
	ck_assert_uint_le(loop_longest(loop), rest_of_time + 1);
	loop_close(loop);
}
END_TEST

START_TEST(without_a_deadline_a_turn_with_many_events_is_measured)
{
	open_loop(_i);
	loop_catch_up(loop, sys_now());
	turn_with(MANY);
	rest_without_deadline();
	ck_assert_uint_ge(loop_longest(loop), WORK_MS);
	loop_close(loop);
}
END_TEST

START_TEST(a_deadline_that_takes_long_is_measured_though_it_is_the_last)
{
	struct side late = {.act = take_time};
	open_loop(_i);
	arm(&queue, 1, &late);
	while (nexpired == 0)
		turn();
	ck_assert_uint_ge(loop_longest(loop), WORK_MS);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("loop_turns");
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		TCase *tcase = tcase_create(poller_backend((size_t)i));
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
		ADD(each_turn_is_counted);
		ADD(the_longest_turn_is_from_a_wait_to_the_next_one);
		ADD(the_time_of_a_wait_is_no_turn);
		ADD(without_a_deadline_a_turn_with_many_events_is_measured);
		ADD(a_deadline_that_takes_long_is_measured_though_it_is_the_last);
#undef ADD
		suite_add_tcase(suite, tcase);
	}
	return suite;
}
