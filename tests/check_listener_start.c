/* SPDX-License-Identifier: ISC */
/* The start of the listeners: what they set, and what they do when it fails. */
#include "config.h"

#include "listener_fixture.h"
#include "runner.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>

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
		/* The window could never become larger than that. */
		ck_assert_int_eq(
		    kernel_option(socket, SOL_SOCKET, SO_RCVBUF), -1);
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
	/* This one has all options. */
	struct server_settings probing = settings;
	probing.idle_ms = 0;
	probing.congestion = "cubic";
	listeners.settings = &probing;
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
		ck_assert(list_is_empty(&listeners.all));
	}
	ck_assert_uint_eq(nth, 9);
	ck_assert_uint_eq(nbound, 1);
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
	ck_assert_uint_eq(nbound, 1);
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
	ck_assert_int_eq(listeners_start(&listeners, BACKLOG), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(listeners_start(&listeners, BACKLOG), 0);
	turn();
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("listener_start");
	TCase *start = fixture_case(suite, "start");
	tcase_add_test(start, sockets_get_their_options_before_they_are_bound);
	tcase_add_test(start, stall_time_of_0_leaves_the_kernel_its_own);
	tcase_add_test(
	    start, without_an_idle_timeout_peers_that_vanish_are_probed_for);
	tcase_add_test(start, option_that_fails_closes_the_socket_unbound);
	tcase_add_test(start,
	    bind_or_listen_that_fails_closes_the_socket_and_keeps_the_others);
	tcase_add_test(start,
	    clients_are_queued_from_the_bind_on_and_accepted_from_the_start_on);
	return suite;
}
