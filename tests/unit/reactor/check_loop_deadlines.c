/* SPDX-License-Identifier: ISC */
/* The contract of loop.h for deadlines, over each back end in turn. */
#include "config.h"

#include "base/sys.h"
#include "unit/reactor/loop_fixture.h"
#include "unit/runner.h"

#include <errno.h>

static struct timer_queue queue;

/* In one turn, which came late, the queues have the order of their making. */
static void
expect_before(const struct side *side, const struct side *other)
{
	ck_assert(side->order < other->order ||
		  side->expired_at == other->expired_at);
}

START_TEST(deadlines_come_in_order_and_not_early_and_the_loop_sleeps_for_them)
{
	open_loop(_i);
	static const uint64_t spans[] = {40, 10, 25};
	struct timer_queue queues[3];
	struct side sides[3] = {0};
	for (int i = 0; i < 3; i++)
		arm(&queues[i], spans[i], &sides[i]);
	uint64_t start = loop_now(loop);
	int turns = 0;
	for (; nexpired < 3; turns++)
		turn();
	/* One each, and one for a clock that was read a moment too soon. */
	ck_assert_int_le(turns, 6);
	expect_before(&sides[1], &sides[2]);
	expect_before(&sides[2], &sides[0]);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ge(sides[i].expired_at, start + spans[i]);
	loop_close(loop);
}
END_TEST

START_TEST(a_turn_waits_no_longer_than_it_may_and_serves_what_is_due)
{
	open_loop(_i);
	struct side side = {0};
	uint64_t start = sys_now();
	ck_assert_int_eq(loop_turn_within(loop, 20), 0);
	ck_assert_uint_ge(loop_now(loop), start + 20);
	arm(&queue, 60000, &side);
	ck_assert_int_eq(loop_turn_within(loop, 0), 0);
	ck_assert_uint_lt(loop_now(loop), start + 60000);
	ck_assert_uint_eq(nexpired, 0);
	timer_queue_set_span(&queue, 5, loop_now(loop));
	while (nexpired < 1)
		ck_assert_int_eq(loop_turn_within(loop, 60000), 0);
	ck_assert_uint_lt(loop_now(loop), start + 60000);
	loop_close(loop);
}
END_TEST

static void
arm_again(struct side *side)
{
	timer_arm(&queue, &side->timer, loop_now(loop));
}

static void
disarm_other(struct side *side)
{
	timer_disarm(&side->other->timer);
}

START_TEST(a_deadline_may_be_armed_and_another_disarmed_when_one_is_due)
{
	open_loop(_i);
	struct side first = {.act = arm_again}, second = {0};
	arm(&queue, 5, &first);
	while (nexpired < 3)
		turn();
	first.act = disarm_other;
	first.other = &second;
	timer_init(&second.timer);
	timer_arm(&queue, &second.timer, loop_now(loop));
	while (nexpired < 4)
		turn();
	ck_assert_uint_eq(timers_due(loop_timers(loop)), TIMER_NEVER);
	ck_assert_uint_eq(second.order, 0);
	loop_close(loop);
}
END_TEST

START_TEST(more_deadlines_than_a_turn_serves_leave_input_its_turn)
{
	enum { NTIMERS = 600 };
	static struct side sides[NTIMERS];
	open_loop(_i);
	struct side side;
	side_open(&side, NULL);
	side_watch(&side, POLLER_INPUT);
	timer_queue_init(&queue, loop_timers(loop), 1, expired);
	for (int i = 0; i < NTIMERS; i++) {
		timer_init(&sides[i].timer);
		timer_arm(&queue, &sides[i].timer, 1);
	}
	for (int turns = 1; nexpired < NTIMERS; turns++) {
		unsigned before = nexpired;
		turn();
		ck_assert_int_eq(side.ncalls, turns);
		ck_assert_uint_gt(nexpired, before);
		ck_assert_uint_lt(nexpired - before, NTIMERS);
	}
	for (unsigned i = 0; i < NTIMERS; i++)
		ck_assert_uint_eq(sides[i].order, i + 1);
	side_close(&side);
	loop_close(loop);
}
END_TEST

START_TEST(a_span_of_zero_is_never_due)
{
	open_loop(_i);
	struct timer_queue never;
	struct side off = {0}, on = {0};
	arm(&never, 0, &off);
	arm(&queue, 10, &on);
	while (nexpired == 0)
		turn();
	ck_assert_uint_eq(on.order, 1);
	ck_assert_uint_eq(off.order, 0);
	timer_disarm(&off.timer);
	loop_close(loop);
}
END_TEST

START_TEST(what_is_ready_is_served_before_what_is_due)
{
	open_loop(_i);
	struct side side, late = {0};
	side_open(&side, disarm_other);
	side.other = &late;
	side_watch(&side, POLLER_INPUT);
	timer_queue_init(&queue, loop_timers(loop), 1, expired);
	timer_init(&late.timer);
	timer_arm(&queue, &late.timer, 1);
	turn();
	ck_assert_int_eq(side.ncalls, 1);
	ck_assert_uint_eq(nexpired, 0);
	side_close(&side);
	loop_close(loop);
}
END_TEST

START_TEST(a_wait_that_fails_is_reported_and_deadlines_are_served)
{
	int number = descriptor_next();
	open_loop(_i);
	struct side side, late = {0};
	side_open(&side, NULL);
	side_watch(&side, POLLER_INPUT);
	timer_queue_init(&queue, loop_timers(loop), 1, expired);
	timer_init(&late.timer);
	timer_arm(&queue, &late.timer, 1);
	waits_break(loop_backend(loop), number);
	errno = 0;
	ck_assert_int_eq(loop_turn(loop), -1);
	ck_assert_int_ne(errno, 0);
	ck_assert_int_eq(side.ncalls, 0);
	ck_assert_uint_eq(nexpired, 1);
	waits_mend();
	side_close(&side);
	loop_close(loop);
}
END_TEST

static uint64_t seen_now;

/* Works until the clock has moved on. */
static void
take_time(struct side *side)
{
	(void)side;
	seen_now = loop_now(loop);
	while (sys_now() < seen_now + 2)
		continue;
	ck_assert_uint_eq(loop_now(loop), seen_now);
}

START_TEST(the_time_of_a_turn_is_that_of_its_wake_up_and_stands_still)
{
	open_loop(_i);
	struct side side, late = {0};
	side_open(&side, take_time);
	arm(&queue, 20, &late);
	ck_assert_uint_le(loop_now(loop), sys_now());
	uint64_t start = loop_now(loop);
	while (nexpired == 0)
		turn();
	ck_assert_uint_ge(loop_now(loop), start + 20);
	uint64_t before = sys_now();
	side_watch(&side, POLLER_INPUT);
	turn();
	ck_assert_uint_ge(seen_now, before);
	ck_assert_uint_eq(loop_now(loop), seen_now);
	turn();
	ck_assert_uint_ge(seen_now, before + 2);
	side_close(&side);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("loop_deadlines");
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		TCase *tcase = tcase_create(poller_backend((size_t)i));
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
		ADD(deadlines_come_in_order_and_not_early_and_the_loop_sleeps_for_them);
		ADD(a_turn_waits_no_longer_than_it_may_and_serves_what_is_due);
		ADD(a_deadline_may_be_armed_and_another_disarmed_when_one_is_due);
		ADD(more_deadlines_than_a_turn_serves_leave_input_its_turn);
		ADD(a_span_of_zero_is_never_due);
		ADD(what_is_ready_is_served_before_what_is_due);
		ADD(a_wait_that_fails_is_reported_and_deadlines_are_served);
		ADD(the_time_of_a_turn_is_that_of_its_wake_up_and_stands_still);
#undef ADD
		suite_add_tcase(suite, tcase);
	}
	return suite;
}
