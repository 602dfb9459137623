/* SPDX-License-Identifier: ISC */
/* The start of the listeners: what they set, and what they do when it fails. */
#include "config.h"

#include "base/log.h"
#include "base/sys.h"
#include "server/kernel_buffers.h"
#include "unit/runner.h"
#include "unit/server/listener_fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
		    socket->user_timeout, 12345 + LISTENING_MARGIN_MS);
	}
}
END_TEST

START_TEST(stall_time_of_0_leaves_the_kernel_its_own)
{
	static const struct settings never = {.stall_ms = 0};
	listeners.settings = &never;
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_uint_eq(socket_of(0)->user_timeout, 0);
}
END_TEST

START_TEST(without_an_idle_timeout_peers_that_vanish_are_probed_for)
{
	struct settings probing = settings;
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

/* Binds a listener with all options, of which the nth fails. */
static int
bind_without(size_t nth, int error)
{
	static struct settings probing;
	probing = settings;
	probing.idle_ms = 0;
	memcpy(probing.congestion, "cubic", sizeof "cubic");
	listeners.settings = &probing;
	kernel_fail(KERNEL_SETSOCKOPT, nth, error);
	/* The errno to report is not that of the close. */
	kernel_fail(KERNEL_CLOSE, 1, EIO);
	return bind_any(AF_INET6);
}

/* The family and the congestion control, and what there can be less of. */
enum { ESSENTIAL = 2, WISHES = 6 };

START_TEST(essential_option_that_fails_closes_the_socket_unbound)
{
	for (size_t nth = 1; nth <= ESSENTIAL; nth++) {
		ck_assert_int_eq(bind_without(nth, ENOPROTOOPT), -1);
		ck_assert_int_eq(errno, ENOPROTOOPT);
		ck_assert_uint_eq(kernel.calls[KERNEL_CLOSE], nth);
		ck_assert_uint_eq(kernel.calls[KERNEL_BIND], 0);
		ck_assert(list_is_empty(&listeners.all));
	}
}
END_TEST

/* From now on the log is what can be read here; that of sys.h is no pipe. */
static int
read_log(void)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(close(ends[1]), 0);
	return ends[0];
}

/* What was logged, which must be something. */
static const char *
logged(int log)
{
	static char text[4096];
	ssize_t n = read(log, text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	(void)close(log);
	return text;
}

START_TEST(another_option_that_fails_costs_a_line_in_the_log_and_no_more)
{
	for (size_t i = 1; i <= WISHES; i++) {
		int log = read_log();
		listeners.refused = 0;
		log_open("test", LOG_LEVEL_WARN);
		/* The second listener lacks it as well. */
		ck_assert_int_eq(bind_without(ESSENTIAL + i, ENOPROTOOPT), 0);
		ck_assert_int_eq(bind_without(ESSENTIAL + i, ENOPROTOOPT), 0);
		const char *line = logged(log);
		ck_assert_msg(strstr(line, "warning: ") != NULL &&
				  strchr(line, '\n')[1] == '\0',
		    "%s", line);
		ck_assert_uint_eq(
		    listening_held_ms(&listeners), i == WISHES ? 0 : 13345);
		ck_assert_uint_eq(nbound, 2 * i);
	}
	/* That was all. */
	ck_assert_int_eq(bind_without(ESSENTIAL + WISHES + 1, EIO), 0);
	ck_assert_uint_eq(kernel.calls[KERNEL_SETSOCKOPT],
	    (2 * WISHES + 1) * (ESSENTIAL + WISHES));
}
END_TEST

START_TEST(buffer_above_the_limit_of_the_system_is_halved_until_it_is_taken)
{
	/* 60000 is refused, 30000 is taken. */
	kernel_fail(KERNEL_SETSOCKOPT, 4, ENOBUFS);
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(
	    kernel_option(socket_of(0), SOL_SOCKET, SO_SNDBUF), 30000);
	ck_assert_uint_eq(listeners.refused, 0);
}
END_TEST

START_TEST(figures_of_the_kernel_s_buffers_are_those_that_it_gave)
{
	struct settings large = settings;
	struct kernel_buffers_held held;
	large.large_buffer = 1 << 20;
	kernel_buffers_measure(&large, &held);
	ck_assert_uint_eq(held.small, 60000 + 70000);
	ck_assert_uint_eq(held.large, 2 << 20);
	ck_assert_uint_eq(held.send, 60000);
	ck_assert_uint_eq(held.receive, 70000);
	/* The fifth call is the first for the large ones. */
	kernel_fail(KERNEL_SETSOCKOPT, 5, ENOBUFS);
	kernel_buffers_measure(&large, &held);
	ck_assert_uint_eq(held.small, 60000 + 70000);
	ck_assert_uint_eq(held.large, 3 << 19);
	/* What was asked for and not given is told. */
	kernel_fail(KERNEL_SETSOCKOPT, 1, ENOBUFS);
	kernel_buffers_measure(&large, &held);
	ck_assert_uint_eq(held.send, 30000);
	ck_assert_uint_eq(held.receive, 70000);
	ck_assert_uint_eq(held.small, 30000 + 70000);
	/* Without a socket there is no telling, but no failure either. */
	kernel.descriptors = 0;
	kernel_buffers_measure(&large, &held);
	ck_assert_uint_eq(held.large, 4 << 20);
	ck_assert_uint_eq(held.send, 60000);
}
END_TEST

START_TEST(sum_of_the_kernel_s_buffers_has_all_connections_and_the_large_ones)
{
	const struct kernel_buffers_held held = {.small = 3, .large = 1000};
	ck_assert_uint_eq(kernel_buffers_sum(&held, 1, 10), 30 + 8000);
	/* Each worker has a large one at least. */
	ck_assert_uint_eq(kernel_buffers_sum(&held, 16, 10), 30 + 16000);
	const struct kernel_buffers_held most = {.small = UINT32_MAX};
	ck_assert_uint_eq(kernel_buffers_sum(&most, 1, UINT32_MAX),
	    (uint64_t)UINT32_MAX * UINT32_MAX);
}
END_TEST

START_TEST(bind_or_listen_that_fails_closes_the_socket_and_keeps_the_others)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
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
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	turn();
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

/* A socket that listens and was passed in, with options of its own. */
static struct kernel_socket *
open_passed(void)
{
	struct kernel_socket *socket = kernel_connect();
	ck_assert_int_eq(sys_listen(socket->fd, 7), 0);
	ck_assert_int_eq(
	    sys_setsockopt(socket->fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	return socket;
}

static int
adopt(const struct kernel_socket *socket)
{
	const struct sockaddr_in address = {.sin_family = AF_INET};
	const struct listen_address at = {.transport = &transport_tcp,
	    .service = &service_text,
	    .address = (const struct sockaddr *)&address,
	    .length = sizeof address};
	return listening_adopt(&listeners, &at, 0, true, socket->fd);
}

START_TEST(a_socket_that_was_passed_in_gets_the_same_options)
{
	struct settings other = settings;
	struct kernel_socket *socket = open_passed();
	ck_assert_int_eq(adopt(socket), 0);
	ck_assert_int_eq(kernel_option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(kernel_option(socket, SOL_SOCKET, SO_OOBINLINE), 1);
	ck_assert_int_eq(kernel_option(socket, SOL_SOCKET, SO_SNDBUF), 60000);
	ck_assert_int_eq(kernel_option(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_uint_eq(socket->user_timeout, 12345 + LISTENING_MARGIN_MS);
	ck_assert_uint_eq(socket->calls[KERNEL_BIND], 0);
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert_int_eq(socket->backlog, BACKLOG);
	(void)kernel_queue(socket, 0);
	turn();
	ck_assert_int_eq(naccepted, 1);
	other.send_buffer = 50000;
	listening_set(&listeners, &other);
	ck_assert_int_eq(kernel_option(socket, SOL_SOCKET, SO_SNDBUF), 50000);
	listeners_finish(&listeners);
	ck_assert(socket->closed);
}
END_TEST

START_TEST(a_socket_that_was_passed_in_needs_the_congestion_control)
{
	struct settings probing = settings;
	struct kernel_socket *socket = open_passed();
	memcpy(probing.congestion, "cubic", sizeof "cubic");
	listeners.settings = &probing;
	kernel_fail(KERNEL_SETSOCKOPT, 1, EPERM);
	ck_assert_int_eq(adopt(socket), -1);
	ck_assert_int_eq(errno, EPERM);
	/* It remains with whoever passed it. */
	ck_assert(!socket->closed);
	ck_assert_int_eq(sys_close(socket->fd), 0);
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
	tcase_add_test(
	    start, essential_option_that_fails_closes_the_socket_unbound);
	tcase_add_test(start,
	    another_option_that_fails_costs_a_line_in_the_log_and_no_more);
	tcase_add_test(start,
	    buffer_above_the_limit_of_the_system_is_halved_until_it_is_taken);
	tcase_add_test(
	    start, figures_of_the_kernel_s_buffers_are_those_that_it_gave);
	tcase_add_test(start,
	    sum_of_the_kernel_s_buffers_has_all_connections_and_the_large_ones);
	tcase_add_test(start,
	    bind_or_listen_that_fails_closes_the_socket_and_keeps_the_others);
	tcase_add_test(start,
	    clients_are_queued_from_the_bind_on_and_accepted_from_the_start_on);
	tcase_add_test(
	    start, a_socket_that_was_passed_in_gets_the_same_options);
	tcase_add_test(
	    start, a_socket_that_was_passed_in_needs_the_congestion_control);
	return suite;
}
