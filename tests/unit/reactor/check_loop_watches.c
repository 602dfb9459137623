/* SPDX-License-Identifier: ISC */
/* The contract of loop.h for descriptors, over each back end in turn. */
#include "config.h"

#include "base/sys.h"
#include "unit/reactor/loop_fixture.h"
#include "unit/runner.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

static unsigned nactive;
static int calls_before; /* of the side, when it was noted */

static void
note_active(void *arg)
{
	const struct side *side = arg;
	nactive++;
	calls_before = side->ncalls;
}

START_TEST(activity_is_told_once_and_before_the_owners_are_called)
{
	open_loop(_i);
	struct side side;
	nactive = 0;
	side_open(&side, NULL);
	loop_on_activity(loop, note_active, &side);
	/* That a wait ends is no activity. */
	ck_assert_int_eq(loop_turn_within(loop, 1), 0);
	ck_assert_uint_eq(nactive, 0);
	side_watch(&side, POLLER_INPUT);
	turn();
	turn();
	ck_assert_uint_eq(nactive, 1);
	ck_assert_int_eq(calls_before, 0);
	ck_assert_int_eq(side.ncalls, 2);
	/* It may be asked for again, and while the loop polls busily. */
	loop_set_busy_poll(loop, 1);
	loop_on_activity(loop, note_active, &side);
	turn();
	turn();
	ck_assert_uint_eq(nactive, 2);
	loop_on_activity(loop, note_active, &side);
	loop_on_activity(loop, NULL, NULL);
	turn();
	ck_assert_uint_eq(nactive, 2);
	side_close(&side);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("loop_watches");
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
		ADD(activity_is_told_once_and_before_the_owners_are_called);
#undef ADD
		suite_add_tcase(suite, tcase);
	}
	return suite;
}
