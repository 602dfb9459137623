/* SPDX-License-Identifier: ISC */
/* loop_set_busy_poll: when the loop waits awake, and for how long. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>

/* The fake clock moves by 10 us each time that it is read. */
enum { BUSY_US = 100, NEVER_MS = -1 };

static void
set_up(void)
{
	loop_set_busy_poll(loop, BUSY_US);
}

/* The waits of one turn; what the last one's timeout was is in the kernel. */
static size_t
waits_of_turn(void)
{
	size_t before = kernel.calls[KERNEL_WAIT];
	turn();
	return kernel.calls[KERNEL_WAIT] - before;
}

/* A connection without a deadline, so that the last wait has no end. */
static struct kernel_socket *
serve_for_ever(void)
{
	fixture_close();
	settings.idle_ms = 0;
	fixture_open();
	set_up();
	return serve();
}

START_TEST(without_it_each_turn_sleeps_at_once)
{
	struct kernel_socket *socket = serve_for_ever();
	loop_set_busy_poll(loop, 0);
	for (int i = 0; i < 3; i++) {
		kernel_peer_sends(socket, "x", 1);
		ck_assert_uint_eq(waits_of_turn(), 1);
		ck_assert_int_eq(kernel.timeout_ms, NEVER_MS);
		ck_assert_uint_eq(waits_of_turn(), 1);
	}
}
END_TEST

START_TEST(it_polls_after_a_short_wait_until_the_time_is_over_and_then_sleeps)
{
	struct kernel_socket *socket = serve_for_ever();
	kernel_peer_sends(socket, "x", 1);
	ck_assert_uint_eq(waits_of_turn(), 1);
	ck_assert_int_eq(kernel.timeout_ms, NEVER_MS);
	/* The clock is read at the start and after each. */
	ck_assert_uint_eq(waits_of_turn(), BUSY_US / 10 + 1);
	ck_assert_int_eq(kernel.timeout_ms, NEVER_MS);
	/* That did not pay. */
	ck_assert_uint_eq(waits_of_turn(), 1);
	ck_assert_int_eq(kernel.timeout_ms, NEVER_MS);
}
END_TEST

START_TEST(what_is_ready_while_it_polls_ends_the_wait_and_it_polls_on)
{
	struct kernel_socket *socket = serve_for_ever();
	for (int i = 0; i < 3; i++) {
		kernel_peer_sends(socket, "x", 1);
		ck_assert_uint_eq(waits_of_turn(), 1);
		ck_assert_int_eq(kernel.timeout_ms, i == 0 ? NEVER_MS : 0);
	}
	expect_answer(socket, "XXX");
}
END_TEST

/* Lets a wait of this turn take longer than it may busily. */
static int
take_long(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket;
	if (call == KERNEL_WAIT)
		kernel.now++;
	return 0;
}

static void
see_move(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket;
	(void)call;
}

static void
do_not_wait(struct poller *poller, int timeout_ms)
{
	(void)poller;
	(void)timeout_ms;
}

static int
as_they_are(void **ready, int n)
{
	(void)ready;
	return n;
}

START_TEST(after_a_long_wait_it_sleeps_at_once)
{
	static const struct kernel_hooks slow = {
	    .enter = take_long,
	    .moved = see_move,
	    .wait = do_not_wait,
	    .arrange = as_they_are,
	};
	struct kernel_socket *socket = serve_for_ever();
	kernel_peer_sends(socket, "x", 1);
	turn();
	kernel.hooks = &slow;
	kernel_peer_sends(socket, "x", 1);
	turn();
	kernel.hooks = NULL;
	ck_assert_uint_eq(waits_of_turn(), 1);
	ck_assert_int_eq(kernel.timeout_ms, NEVER_MS);
}
END_TEST

START_TEST(a_deadline_that_is_due_ends_the_polling)
{
	struct kernel_socket *socket = serve();
	kernel_peer_sends(socket, "x", 1);
	turn();
	kernel.now += IDLE_MS;
	ck_assert_uint_eq(waits_of_turn(), 1);
	ck_assert_int_eq(kernel.timeout_ms, 0);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(wait_that_fails_is_not_made_again_in_its_turn)
{
	struct kernel_socket *socket = serve_for_ever();
	kernel_peer_sends(socket, "x", 1);
	turn();
	size_t before = kernel.calls[KERNEL_WAIT];
	kernel_fail(KERNEL_WAIT, 1, ENOMEM);
	ck_assert_int_eq(loop_turn(loop), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_eq(kernel.calls[KERNEL_WAIT], before + 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("busy_poll");
	TCase *tcase = fixture_case(suite, "busy poll");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, without_it_each_turn_sleeps_at_once);
	tcase_add_test(tcase,
	    it_polls_after_a_short_wait_until_the_time_is_over_and_then_sleeps);
	tcase_add_test(
	    tcase, what_is_ready_while_it_polls_ends_the_wait_and_it_polls_on);
	tcase_add_test(tcase, after_a_long_wait_it_sleeps_at_once);
	tcase_add_test(tcase, a_deadline_that_is_due_ends_the_polling);
	tcase_add_test(tcase, wait_that_fails_is_not_made_again_in_its_turn);
	return suite;
}
