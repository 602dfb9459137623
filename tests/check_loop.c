/* SPDX-License-Identifier: ISC */
/* The contract of loop.h, over each back end in turn. */
#include "config.h"

#include "backends.h"
#include "loop.h"
#include "runner.h"
#include "sys.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A connected socket, what happens to it, and what its callback shall do. */
struct side {
	struct watch watch;
	int peer;
	int ncalls;
	void (*act)(struct side *);
	struct side *other;
	struct timer timer;
	uint64_t expired_at;
	unsigned order;
};

static struct loop *loop;
static struct side *latest;
static unsigned nexpired;
static struct timer_queue queue;

static void
open_loop(int i)
{
	nexpired = 0;
	loop = loop_open(poller_backend((size_t)i));
	ck_assert_ptr_nonnull(loop);
}

static void
called(struct watch *watch)
{
	latest = LIST_OWNER(watch, struct side, watch);
	latest->ncalls++;
	if (latest->act != NULL)
		latest->act(latest);
}

static void
expired(struct timer *timer)
{
	struct side *side = LIST_OWNER(timer, struct side, timer);
	side->expired_at = sys_now();
	side->order = ++nexpired;
	if (side->act != NULL)
		side->act(side);
}

/* With room for output, and with input. */
static void
side_open(struct side *side, void (*act)(struct side *))
{
	int ends[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(sys_send(ends[1], "a", 1), 1);
	*side = (struct side){.peer = ends[1], .act = act};
	watch_init(&side->watch, ends[0], called);
	timer_init(&side->timer);
}

static void
side_watch(struct side *side, enum poller_interest wants)
{
	ck_assert_int_eq(loop_watch(loop, &side->watch, wants), 0);
	ck_assert_int_eq(side->watch.wants, wants);
}

static void
side_close(struct side *side)
{
	loop_unwatch(loop, &side->watch);
	ck_assert_int_eq(sys_close(side->watch.fd), 0);
	ck_assert_int_eq(sys_close(side->peer), 0);
}

/* A queue and a timer in it, armed now. */
static void
arm(struct timer_queue *timers, uint64_t span, struct side *side)
{
	timer_queue_init(timers, span, expired);
	loop_add_queue(loop, timers);
	timer_init(&side->timer);
	timer_arm(timers, &side->timer, loop_now(loop));
}

static void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
}

START_TEST(an_unknown_back_end_is_refused)
{
	ck_assert_ptr_null(loop_open("select"));
	ck_assert_int_eq(errno, EINVAL);
	loop_close(NULL);
}
END_TEST

START_TEST(a_loop_has_the_back_end_that_was_asked_for)
{
	open_loop(_i);
	ck_assert_str_eq(loop_backend(loop), poller_backend((size_t)_i));
	loop_close(loop);
}
END_TEST

static void
want_input(struct side *side)
{
	side_watch(side, POLLER_INPUT);
}

START_TEST(a_watch_is_called_once_a_turn_whatever_it_wants_meanwhile)
{
	open_loop(_i);
	struct side side;
	side_open(&side, want_input);
	side_watch(&side, POLLER_OUTPUT);
	turn();
	ck_assert_int_eq(side.ncalls, 1);
	ck_assert_int_eq(side.watch.wants, POLLER_INPUT);
	turn();
	ck_assert_int_eq(side.ncalls, 2);
	side_close(&side);
	loop_close(loop);
}
END_TEST

START_TEST(a_watch_that_fails_wants_what_it_wanted)
{
	open_loop(_i);
	struct side side;
	side_open(&side, NULL);
	int fd = side.watch.fd;
	side.watch.fd = dup(fd);
	(void)sys_close(side.watch.fd);
	if (strcmp(loop_backend(loop), "poll") != 0) {
		ck_assert_int_eq(
		    loop_watch(loop, &side.watch, POLLER_INPUT), -1);
		ck_assert_int_eq(errno, EBADF);
	}
	ck_assert_int_eq(side.watch.wants, POLLER_NOTHING);
	side.watch.fd = fd;
	side_watch(&side, POLLER_INPUT);
	turn();
	ck_assert_int_eq(side.ncalls, 1);
	side_close(&side);
	loop_close(loop);
}
END_TEST

static void
unwatch_other(struct side *side)
{
	loop_unwatch(loop, &side->other->watch);
}

static void
silence_other(struct side *side)
{
	side_watch(side->other, POLLER_NOTHING);
}

static void
unwatch_self(struct side *side)
{
	loop_unwatch(loop, &side->watch);
}

/* Both are ready in one turn, and the first to be called ends the other. */
static void
expect_one_of_two(void (*act)(struct side *))
{
	struct side one, two, heir;
	side_open(&one, act);
	side_open(&two, act);
	one.other = &two;
	two.other = &one;
	side_watch(&one, POLLER_INPUT);
	side_watch(&two, POLLER_OUTPUT);
	turn();
	ck_assert_int_eq(one.ncalls + two.ncalls, 1);
	struct side *ended = latest->other;
	/* The number goes to a stranger, who alone is called from then on. */
	int number = ended->watch.fd;
	side_close(ended);
	loop_unwatch(loop, &latest->watch);
	side_open(&heir, NULL);
	if (heir.watch.fd != number) {
		ck_assert_int_eq(dup2(heir.watch.fd, number), number);
		ck_assert_int_eq(sys_close(heir.watch.fd), 0);
		heir.watch.fd = number;
	}
	side_watch(&heir, POLLER_INPUT);
	turn();
	ck_assert_int_eq(one.ncalls + two.ncalls, 1);
	ck_assert_int_eq(heir.ncalls, 1);
	side_close(&heir);
	side_close(ended == &one ? &two : &one);
}

START_TEST(a_watch_that_was_ended_in_the_same_turn_is_not_called)
{
	open_loop(_i);
	expect_one_of_two(unwatch_other);
	expect_one_of_two(silence_other);
	loop_close(loop);
}
END_TEST

START_TEST(a_watch_may_end_itself)
{
	open_loop(_i);
	struct side one, two;
	side_open(&one, unwatch_self);
	side_open(&two, NULL);
	side_watch(&one, POLLER_INPUT);
	side_watch(&two, POLLER_INPUT);
	turn();
	turn();
	ck_assert_int_eq(one.ncalls, 1);
	ck_assert_int_eq(two.ncalls, 2);
	side_close(&one);
	side_close(&two);
	loop_close(loop);
}
END_TEST

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
	ck_assert_uint_eq(sides[1].order, 1);
	ck_assert_uint_eq(sides[2].order, 2);
	ck_assert_uint_eq(sides[0].order, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ge(sides[i].expired_at, start + spans[i]);
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
	ck_assert_uint_eq(timer_queue_due(&queue), TIMER_NEVER);
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
	timer_queue_init(&queue, 1, expired);
	loop_add_queue(loop, &queue);
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
	timer_queue_init(&queue, 1, expired);
	loop_add_queue(loop, &queue);
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
	timer_queue_init(&queue, 1, expired);
	loop_add_queue(loop, &queue);
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
	Suite *suite = suite_create("loop");
	TCase *names = tcase_create("names");
	tcase_add_test(names, an_unknown_back_end_is_refused);
	suite_add_tcase(suite, names);
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		TCase *tcase = tcase_create(poller_backend((size_t)i));
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
		ADD(a_loop_has_the_back_end_that_was_asked_for);
		ADD(a_watch_is_called_once_a_turn_whatever_it_wants_meanwhile);
		ADD(a_watch_that_fails_wants_what_it_wanted);
		ADD(a_watch_that_was_ended_in_the_same_turn_is_not_called);
		ADD(a_watch_may_end_itself);
		ADD(deadlines_come_in_order_and_not_early_and_the_loop_sleeps_for_them);
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
