/* SPDX-License-Identifier: ISC */
/* The listeners: how much they accept, when they wait, and how they end. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/listener_fixture.h"

#include <sys/socket.h>

#include <errno.h>

enum { RETRY_MS = 100 };

static void
pass(unsigned ms)
{
	kernel.now += ms;
	turn();
}

static void
expect_all_watched(enum poller_interest wants)
{
	for (size_t i = 0; i < nbound; i++)
		ck_assert_int_eq(socket_of(i)->wants, wants);
}

static size_t
count(enum counter counter)
{
	size_t totals[NCOUNTERS] = {0};
	counters_sum(&counters, totals);
	return totals[counter];
}

static size_t
count_failures(void)
{
	return count(COUNTER_ACCEPT_FAILURES);
}

START_TEST(turn_accepts_one_and_does_not_look_for_more)
{
	listen_twice();
	for (int i = 0; i < 8; i++)
		(void)kernel_queue(socket_of((size_t)i % 2), 0);
	for (int i = 1; i <= 4; i++) {
		turn();
		ck_assert_int_eq(naccepted, 2 * i);
	}
	turn();
	ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], 8);
	/* Listeners at work are left alone. */
	listeners_resume(&listeners);
	ck_assert_uint_eq(kernel.calls[KERNEL_WATCH], 2);
	expect_all_watched(POLLER_INPUT);
}
END_TEST

START_TEST(turns_double_while_the_queue_is_never_found_empty)
{
	/* The turn that accepts 10 could have accepted 64. */
	static const int turns[] = {
	    1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 10, 1, 1, 1, 1, 2};
	listen_twice();
	for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
		for (int k = 0; k < turns[i]; k++)
			(void)kernel_queue(socket_of(0), 0);
		int before = naccepted;
		turn();
		ck_assert_int_eq(naccepted - before, turns[i]);
	}
}
END_TEST

/* The last is one that nobody expects. */
static const int system_errors[] = {
    EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, ENOSYS};
enum { NSYSTEM_ERRORS = sizeof system_errors / sizeof system_errors[0] };

START_TEST(failure_of_the_system_pauses_all_listeners_for_a_moment)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	(void)kernel_queue(socket_of(1), 0);
	kernel_fail(KERNEL_ACCEPT, 1, system_errors[_i]);
	turn();
	ck_assert_int_eq(naccepted, 0);
	ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], 1);
	ck_assert_uint_eq(count_failures(), 1);
	expect_all_watched(POLLER_NOTHING);
	/* It waits for the time and nothing else: no spin. */
	listeners_resume(&listeners);
	turn();
	ck_assert_int_eq(kernel.timeout_ms, RETRY_MS);
	pass(RETRY_MS - 1);
	listeners_resume(&listeners);
	expect_all_watched(POLLER_NOTHING);
	ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], 1);
	pass(1);
	expect_all_watched(POLLER_INPUT);
	turn();
	ck_assert_int_eq(naccepted, 2);
	ck_assert_uint_eq(count_failures(), 1);
}
END_TEST

START_TEST(failure_that_lasts_is_tried_once_in_each_pause)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	for (unsigned i = 1; i <= 10; i++) {
		kernel_fail(KERNEL_ACCEPT, 1, EMFILE);
		turn();
		ck_assert_uint_eq(count_failures(), i);
		ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], i);
		pass(RETRY_MS);
	}
}
END_TEST

/* See accept(2) of Linux and the BSDs. */
static const int peer_errors[] = {ECONNABORTED, ECONNRESET, EPROTO, ENETDOWN,
    ENETUNREACH, ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP, ETIMEDOUT};
enum { NPEER_ERRORS = sizeof peer_errors / sizeof peer_errors[0] };

START_TEST(connection_that_is_gone_again_is_skipped_alone)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), peer_errors[_i]);
	(void)kernel_queue(socket_of(0), 0);
	turn();
	turn();
	ck_assert_int_eq(naccepted, 1);
	ck_assert_uint_eq(count_failures(), 0);
	expect_all_watched(POLLER_INPUT);
}
END_TEST

START_TEST(full_house_pauses_until_there_is_room)
{
	listen_twice();
	nallowed = 3;
	for (int i = 0; i < 5; i++)
		(void)kernel_queue(socket_of(0), 0);
	turn();
	turn();
	expect_all_watched(POLLER_INPUT);
	turn();
	ck_assert_int_eq(naccepted, 3);
	/* It is full once somebody finds no room. */
	ck_assert_uint_eq(count(COUNTER_FULL), 0);
	turn();
	ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], 3);
	expect_all_watched(POLLER_NOTHING);
	listeners_resume(&listeners);
	turn();
	expect_all_watched(POLLER_NOTHING);
	/* Only a release can help, so there is no time to wait for. */
	ck_assert_int_eq(kernel.timeout_ms, -1);
	ck_assert_uint_eq(count_failures(), 0);
	ck_assert_uint_eq(count(COUNTER_FULL), 1);
	nallowed = 4;
	listeners_resume(&listeners);
	expect_all_watched(POLLER_INPUT);
	turn();
	ck_assert_int_eq(naccepted, 4);
	turn();
	ck_assert_int_eq(naccepted, 4);
	expect_all_watched(POLLER_NOTHING);
}
END_TEST

START_TEST(room_for_one_goes_to_all_listeners_in_turn)
{
	enum { ROOMS = 60, LISTENERS = 3 };
	ck_assert_int_eq(bind_any(AF_INET), 0);
	listen_twice();
	nallowed = 0;
	for (int i = 0; i < ROOMS * LISTENERS; i++)
		(void)kernel_queue(socket_of((size_t)i % LISTENERS), 0);
	turn();
	for (int i = 0; i < ROOMS; i++) {
		nallowed++;
		listeners_resume(&listeners);
		turn();
		/* Finds no room. */
		turn();
	}
	ck_assert_int_eq(naccepted, ROOMS);
	for (size_t i = 0; i < LISTENERS; i++)
		ck_assert_uint_eq(
		    socket_of(i)->calls[KERNEL_ACCEPT], ROOMS / LISTENERS);
}
END_TEST

START_TEST(listener_without_clients_leaves_its_turn_to_the_others)
{
	listen_twice();
	nallowed = 0;
	for (int i = 0; i < 10; i++)
		(void)kernel_queue(socket_of(1), 0);
	turn();
	for (int i = 1; i <= 10; i++) {
		nallowed++;
		listeners_resume(&listeners);
		turn();
		turn();
		ck_assert_int_eq(naccepted, i);
	}
	ck_assert_uint_eq(socket_of(0)->calls[KERNEL_ACCEPT], 0);
}
END_TEST

START_TEST(burst_at_one_listener_leaves_room_for_the_other)
{
	listen_twice();
	/* So many that the first may accept 64 in a turn. */
	for (int i = 0; i < 300; i++)
		(void)kernel_queue(socket_of(0), 0);
	while (naccepted < 100)
		turn();
	nallowed = naccepted + 6;
	for (int i = 0; i < 3; i++)
		(void)kernel_queue(socket_of(1), 0);
	size_t before = socket_of(1)->calls[KERNEL_ACCEPT];
	for (int i = 0; i < 4; i++)
		turn();
	ck_assert_int_eq(naccepted, nallowed);
	ck_assert_uint_gt(socket_of(1)->calls[KERNEL_ACCEPT], before);
}
END_TEST

/* One client for the listener, and the turn in which it comes. */
static void
come_to(size_t i)
{
	(void)kernel_queue(socket_of(i), 0);
	turn();
}

START_TEST(pause_ends_the_turn_of_a_listener_that_had_more_of_it)
{
	listen_twice();
	for (int i = 0; i < 4; i++)
		come_to(0);
	come_to(1);
	/* The first may take two by now, and finds no room for the second. */
	nallowed = naccepted + 2;
	(void)kernel_queue(socket_of(0), 0);
	come_to(1);
	ck_assert_int_eq(naccepted, nallowed);
	expect_all_watched(POLLER_NOTHING);
	size_t before = socket_of(0)->calls[KERNEL_ACCEPT];
	nallowed++;
	listeners_resume(&listeners);
	come_to(1);
	ck_assert_int_eq(naccepted, nallowed);
	ck_assert_uint_eq(socket_of(0)->calls[KERNEL_ACCEPT], before);
}
END_TEST

START_TEST(full_house_outlasts_the_pause_after_a_failure)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	kernel_fail(KERNEL_ACCEPT, 1, EMFILE);
	turn();
	nallowed = 0;
	pass(RETRY_MS);
	expect_all_watched(POLLER_NOTHING);
	nallowed = 1;
	listeners_resume(&listeners);
	turn();
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

START_TEST(poller_that_refuses_a_listener_is_asked_again_later)
{
	listen_twice();
	nallowed = 0;
	(void)kernel_queue(socket_of(1), 0);
	turn();
	nallowed = 1;
	kernel_fail(KERNEL_WATCH, 2, ENOMEM);
	listeners_resume(&listeners);
	expect_all_watched(POLLER_NOTHING);
	pass(RETRY_MS);
	expect_all_watched(POLLER_INPUT);
	turn();
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

START_TEST(finish_takes_what_is_queued_and_closes)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), ECONNABORTED);
	for (int i = 0; i < 300; i++)
		(void)kernel_queue(socket_of((size_t)i % 2), 0);
	listeners_finish(&listeners);
	ck_assert_int_eq(naccepted, 300);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 2);
	ck_assert(list_is_empty(&listeners.all));
	turn();
	ck_assert_int_eq(kernel.timeout_ms, -1);
}
END_TEST

START_TEST(finish_keeps_to_the_limit)
{
	listen_twice();
	nallowed = 3;
	for (int i = 0; i < 5; i++)
		(void)kernel_queue(socket_of(1), 0);
	listeners_finish(&listeners);
	ck_assert_int_eq(naccepted, 3);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 2);
}
END_TEST

START_TEST(finish_goes_on_with_the_next_after_a_failure)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	(void)kernel_queue(socket_of(1), 0);
	kernel_fail(KERNEL_ACCEPT, 1, EMFILE);
	listeners_finish(&listeners);
	ck_assert_int_eq(naccepted, 1);
	size_t totals[NCOUNTERS] = {0};
	counters_sum(&counters, totals);
	ck_assert_uint_eq(totals[COUNTER_ACCEPT_FAILURES], 1);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 2);
}
END_TEST

START_TEST(finish_in_a_pause_leaves_no_deadline)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	kernel_fail(KERNEL_ACCEPT, 1, EMFILE);
	turn();
	listeners_finish(&listeners);
	ck_assert_int_eq(naccepted, 1);
	/* The loop looks once for a deadline that was. */
	pass(RETRY_MS);
	turn();
	ck_assert_int_eq(kernel.timeout_ms, -1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("listener");
	TCase *accepts = fixture_case(suite, "accept");
	tcase_add_test(accepts, turn_accepts_one_and_does_not_look_for_more);
	tcase_add_test(
	    accepts, turns_double_while_the_queue_is_never_found_empty);
	tcase_add_loop_test(accepts,
	    failure_of_the_system_pauses_all_listeners_for_a_moment, 0,
	    NSYSTEM_ERRORS);
	tcase_add_test(accepts, failure_that_lasts_is_tried_once_in_each_pause);
	tcase_add_loop_test(accepts,
	    connection_that_is_gone_again_is_skipped_alone, 0, NPEER_ERRORS);
	tcase_add_test(accepts, full_house_pauses_until_there_is_room);
	tcase_add_test(accepts, room_for_one_goes_to_all_listeners_in_turn);
	tcase_add_test(
	    accepts, listener_without_clients_leaves_its_turn_to_the_others);
	tcase_add_test(
	    accepts, burst_at_one_listener_leaves_room_for_the_other);
	tcase_add_test(
	    accepts, pause_ends_the_turn_of_a_listener_that_had_more_of_it);
	tcase_add_test(accepts, full_house_outlasts_the_pause_after_a_failure);
	tcase_add_test(
	    accepts, poller_that_refuses_a_listener_is_asked_again_later);
	TCase *finish = fixture_case(suite, "finish");
	tcase_add_test(finish, finish_takes_what_is_queued_and_closes);
	tcase_add_test(finish, finish_keeps_to_the_limit);
	tcase_add_test(finish, finish_in_a_pause_leaves_no_deadline);
	tcase_add_test(finish, finish_goes_on_with_the_next_after_a_failure);
	return suite;
}
