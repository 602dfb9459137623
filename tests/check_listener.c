/* SPDX-License-Identifier: ISC */
/* The listeners: what they set, how much they accept, and when they wait. */
#include "config.h"

#include "fake/kernel.h"
#include "log.h"
#include "runner.h"
#include "server/listener.h"
#include "sys.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>

enum { RETRY_MS = 100, ACCEPTED_A_TURN = 64, ACCEPTED_MAX = 400 };

static const struct server_settings settings = {.idle_ms = 1,
    .stall_ms = 12345,
    .send_buffer = 60000,
    .receive_buffer = 70000};

static struct loop *loop;
static struct listeners listeners;
static struct counters counters;

/* What the owner of the listeners has got, and how much it still takes. */
static int accepted[ACCEPTED_MAX];
static int naccepted, nallowed;

static bool
may_accept(void *owner)
{
	ck_assert_ptr_eq(owner, &listeners);
	return naccepted < nallowed;
}

static void
accept_socket(int fd, void *owner)
{
	ck_assert_ptr_eq(owner, &listeners);
	accepted[naccepted++] = fd;
}

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	kernel_boot();
	memset(&counters, 0, sizeof counters);
	naccepted = 0;
	nallowed = ACCEPTED_MAX;
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	listeners_init(&listeners, loop, &settings, &counters);
	listeners.may_accept = may_accept;
	listeners.accepted = accept_socket;
	listeners.owner = &listeners;
}

static void
tear_down(void)
{
	listeners_close(&listeners);
	for (int i = 0; i < naccepted; i++)
		(void)sys_close(accepted[i]);
	loop_close(loop);
	ck_assert_uint_eq(kernel_halt(), 0);
}

static int
bind_any(int family)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	if (family == AF_INET)
		return listeners_bind(
		    &listeners, (struct sockaddr *)&in, sizeof in);
	return listeners_bind(&listeners, (struct sockaddr *)&in6, sizeof in6);
}

static struct kernel_socket *
socket_of(size_t i)
{
	return kernel_find(listeners.list[i].watch.fd);
}

/* Two listeners that listen, an IPv4 and an IPv6 one. */
static void
listen_twice(void)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(bind_any(AF_INET6), 0);
	ck_assert_int_eq(listeners_start(&listeners), 0);
}

static void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
}

static void
pass(unsigned ms)
{
	kernel.now += ms;
	turn();
}

static void
expect_all_watched(enum poller_interest wants)
{
	for (size_t i = 0; i < listeners.n; i++)
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

START_TEST(sockets_get_their_options_before_they_are_bound)
{
	listen_twice();
	for (size_t i = 0; i < 2; i++) {
		struct kernel_socket *socket = socket_of(i);
		ck_assert_int_eq(
		    kernel_option(socket, SOL_SOCKET, SO_REUSEADDR), 1);
		ck_assert_int_eq(
		    kernel_option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
		ck_assert_int_eq(
		    kernel_option(socket, SOL_SOCKET, SO_SNDBUF), 60000);
		ck_assert_int_eq(
		    kernel_option(socket, SOL_SOCKET, SO_RCVBUF), 70000);
		ck_assert_int_eq(
		    kernel_option(socket, IPPROTO_IPV6, IPV6_V6ONLY),
		    i == 1 ? 1 : -1);
		ck_assert_uint_eq(
		    socket->user_timeout, 12345 + SERVER_STALL_MARGIN_MS);
	}
}
END_TEST

START_TEST(stall_time_of_0_leaves_the_kernel_its_own)
{
	static const struct server_settings never = {.stall_ms = 0};
	listeners.settings = &never;
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_uint_eq(socket_of(0)->user_timeout, 0);
}
END_TEST

START_TEST(without_an_idle_timeout_peers_that_vanish_are_probed_for)
{
	struct server_settings probing = settings;
	probing.idle_ms = 0;
	ck_assert_int_eq(bind_any(AF_INET), 0);
	listeners.settings = &probing;
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(
	    kernel_option(socket_of(0), SOL_SOCKET, SO_KEEPALIVE), -1);
	ck_assert_int_eq(
	    kernel_option(socket_of(1), SOL_SOCKET, SO_KEEPALIVE), 1);
}
END_TEST

START_TEST(option_that_fails_closes_the_socket_unbound)
{
	size_t nth = 1;
	for (;; nth++) {
		kernel_fail(KERNEL_SETSOCKOPT, nth, ENOPROTOOPT);
		/* The errno to report is not that of the close. */
		kernel_fail(KERNEL_CLOSE, 1, EIO);
		if (bind_any(AF_INET6) == 0)
			break;
		ck_assert_int_eq(errno, ENOPROTOOPT);
		ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], nth);
		ck_assert_uint_eq(kernel.calls[KERNEL_BIND], 0);
		ck_assert_uint_eq(listeners.n, 0);
	}
	ck_assert_uint_eq(nth, 7);
	ck_assert_uint_eq(listeners.n, 1);
}
END_TEST

START_TEST(bind_or_listen_that_fails_closes_the_socket_and_keeps_the_others)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	kernel_fail(KERNEL_BIND, 1, EADDRINUSE);
	kernel_fail(KERNEL_CLOSE, 1, EIO);
	ck_assert_int_eq(bind_any(AF_INET), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 1);
	/* Two sockets can be bound to one address; only one can listen. */
	kernel_fail(KERNEL_LISTEN, 1, EADDRINUSE);
	kernel_fail(KERNEL_CLOSE, 1, EIO);
	ck_assert_int_eq(bind_any(AF_INET), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 2);
	kernel_fail(KERNEL_SOCKET, 1, EAFNOSUPPORT);
	ck_assert_int_eq(bind_any(AF_INET6), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
	ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], 2);
	ck_assert_uint_eq(listeners.n, 1);
}
END_TEST

START_TEST(clients_are_queued_from_the_bind_on_and_accepted_from_the_start_on)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(bind_any(AF_INET6), 0);
	ck_assert(socket_of(0)->is_listening && socket_of(1)->is_listening);
	(void)kernel_queue(socket_of(1), 0);
	turn();
	ck_assert_int_eq(naccepted, 0);
	kernel_fail(KERNEL_WATCH, 2, ENOSPC);
	ck_assert_int_eq(listeners_start(&listeners), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(listeners_start(&listeners), 0);
	turn();
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

START_TEST(queue_is_emptied_in_one_turn)
{
	listen_twice();
	for (int i = 0; i < 10; i++)
		(void)kernel_queue(socket_of((size_t)i % 2), 0);
	turn();
	ck_assert_int_eq(naccepted, 10);
	ck_assert_uint_eq(kernel.calls[KERNEL_ACCEPT], 12);
	/* Listeners at work are left alone. */
	listeners_resume(&listeners);
	ck_assert_uint_eq(kernel.calls[KERNEL_WATCH], 2);
	expect_all_watched(POLLER_INPUT);
}
END_TEST

START_TEST(turn_accepts_a_bounded_number)
{
	listen_twice();
	for (int i = 0; i < 2 * ACCEPTED_A_TURN + 1; i++)
		(void)kernel_queue(socket_of(0), 0);
	turn();
	ck_assert_int_eq(naccepted, ACCEPTED_A_TURN);
	turn();
	ck_assert_int_eq(naccepted, 2 * ACCEPTED_A_TURN);
	turn();
	ck_assert_int_eq(naccepted, 2 * ACCEPTED_A_TURN + 1);
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
	ck_assert_int_eq(naccepted, 3);
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
	expect_all_watched(POLLER_NOTHING);
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
	ck_assert_uint_eq(listeners.n, 0);
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

START_TEST(finish_in_a_pause_leaves_no_deadline)
{
	listen_twice();
	(void)kernel_queue(socket_of(0), 0);
	kernel_fail(KERNEL_ACCEPT, 1, EMFILE);
	turn();
	listeners_finish(&listeners);
	ck_assert_int_eq(naccepted, 1);
	pass(RETRY_MS);
	ck_assert_int_eq(kernel.timeout_ms, -1);
}
END_TEST

static void
add_starts(Suite *suite)
{
	TCase *start = tcase_create("start");
	suite_add_tcase(suite, start);
	tcase_add_checked_fixture(start, set_up, tear_down);
	tcase_add_test(start, sockets_get_their_options_before_they_are_bound);
	tcase_add_test(start, stall_time_of_0_leaves_the_kernel_its_own);
	tcase_add_test(
	    start, without_an_idle_timeout_peers_that_vanish_are_probed_for);
	tcase_add_test(start, option_that_fails_closes_the_socket_unbound);
	tcase_add_test(start,
	    bind_or_listen_that_fails_closes_the_socket_and_keeps_the_others);
	tcase_add_test(start,
	    clients_are_queued_from_the_bind_on_and_accepted_from_the_start_on);
}

Suite *
suite(void)
{
	Suite *suite = suite_create("listener");
	add_starts(suite);
	TCase *accepts = tcase_create("accept");
	suite_add_tcase(suite, accepts);
	tcase_add_checked_fixture(accepts, set_up, tear_down);
	tcase_add_test(accepts, queue_is_emptied_in_one_turn);
	tcase_add_test(accepts, turn_accepts_a_bounded_number);
	tcase_add_loop_test(accepts,
	    failure_of_the_system_pauses_all_listeners_for_a_moment, 0,
	    NSYSTEM_ERRORS);
	tcase_add_test(accepts, failure_that_lasts_is_tried_once_in_each_pause);
	tcase_add_loop_test(accepts,
	    connection_that_is_gone_again_is_skipped_alone, 0, NPEER_ERRORS);
	tcase_add_test(accepts, full_house_pauses_until_there_is_room);
	tcase_add_test(accepts, full_house_outlasts_the_pause_after_a_failure);
	tcase_add_test(
	    accepts, poller_that_refuses_a_listener_is_asked_again_later);
	TCase *finish = tcase_create("finish");
	suite_add_tcase(suite, finish);
	tcase_add_checked_fixture(finish, set_up, tear_down);
	tcase_add_test(finish, finish_takes_what_is_queued_and_closes);
	tcase_add_test(finish, finish_keeps_to_the_limit);
	tcase_add_test(finish, finish_in_a_pause_leaves_no_deadline);
	return suite;
}
