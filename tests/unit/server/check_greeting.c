/* SPDX-License-Identifier: ISC */
/* Connections of proxies: the header, and the text behind it. */
#include "config.h"

#include "net/address.h"
#include "net/proxy.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE "PROXY TCP4 198.51.100.7 198.51.100.1 12345 5220\r\n"

static const char binary[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\24"
			     "\xc6\x33\x64\x07\xc6\x33\x64\1\x30\x39\x14\x64"
			     "\4\0\5value";

static const struct {
	const char *bytes;
	size_t n;
} headers[] = {{LINE, sizeof LINE - 1}, {binary, sizeof binary - 1}};

static void
set_up(void)
{
	fixture_close();
	settings.source_prefix_ipv4 = 32;
	settings.source_connections = 100;
	settings.nproxies = 1;
	ck_assert_int_eq(prefix_parse(&settings.proxies[0], "192.0.2.1"), 0);
	fixture_open();
}

/* What is known of the client. */
static void
expect_client(const struct kernel_socket *socket, const char *client)
{
	char text[ADDRESS_TEXT_MAX];
	ck_assert_str_eq(
	    address_format(shard_client(&shard, conn_of(socket)), text),
	    client);
}

static void
expect_refusal(const struct kernel_socket *socket)
{
	expect_end(socket, true, COUNTER_PROXY_ERRORS);
	expect_answer(socket, "");
	ck_assert_uint_eq(count(COUNTER_RECEIVED), 0);
}

START_TEST(the_text_is_what_comes_behind_the_header_wherever_it_is_split)
{
	const char *bytes = headers[_i].bytes;
	size_t n = headers[_i].n;
	for (size_t first = 1; first <= n; first++) {
		for (size_t second = first; second <= n; second++) {
			fixture_reopen(LIMIT_BLOCKS);
			struct kernel_socket *socket = serve_proxied();
			kernel_peer_sends(socket, bytes, first);
			turn();
			kernel_peer_sends(
			    socket, bytes + first, second - first);
			turn();
			expect_answer(socket, "");
			kernel_peer_sends(socket, bytes + second, n - second);
			/* All that is there is answered in one turn. */
			send_text(socket, "stra\xc3\x9f\x65");
			expect_answer(socket, "STRASSE");
			expect_client(socket, "198.51.100.7:12345");
			ck_assert_uint_eq(count(COUNTER_RECEIVED), 7);
			send_text(socket, LINE);
			ck_assert_uint_eq(socket->out.end, 7 + sizeof LINE - 1);
			send_fin(socket);
			expect_end(socket, false, COUNTER_ENDED);
		}
	}
}
END_TEST

START_TEST(parts_of_two_headers_do_not_mix)
{
	struct kernel_socket *one = serve_proxied(), *other = serve_proxied();
	for (size_t i = 0; i < headers[0].n || i < headers[1].n; i++) {
		if (i < headers[0].n)
			kernel_peer_sends(one, headers[0].bytes + i, 1);
		if (i < headers[1].n)
			kernel_peer_sends(other, headers[1].bytes + i, 1);
		turn();
	}
	send_text(one, "one");
	send_text(other, "other");
	expect_answer(one, "ONE");
	expect_answer(other, "OTHER");
	expect_client(one, "198.51.100.7:12345");
	expect_client(other, "198.51.100.7:12345");
}
END_TEST

START_TEST(the_system_may_give_one_byte_at_a_time)
{
	struct kernel_socket *socket = serve_proxied();
	socket->recv_most = 1;
	kernel_peer_sends(socket, headers[_i].bytes, headers[_i].n);
	kernel_peer_sends(socket, "ab", 2);
	turn_all();
	expect_answer(socket, "AB");
	expect_client(socket, "198.51.100.7:12345");
}
END_TEST

START_TEST(who_has_no_address_is_known_by_that_of_the_proxy)
{
	static const char *const texts[] = {
	    "PROXY UNKNOWN\r\nx", "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0x"};
	struct kernel_socket *socket = serve_proxied();
	kernel_peer_sends(socket, texts[_i], _i == 0 ? 16 : 17);
	turn();
	expect_answer(socket, "X");
	char peer[ADDRESS_TEXT_MAX];
	(void)snprintf(
	    peer, sizeof peer, "192.0.2.1:%d", KERNEL_PEER_PORT + socket->fd);
	expect_client(socket, peer);
}
END_TEST

START_TEST(the_longest_header_fits_in_a_block_and_a_longer_one_is_refused)
{
	static char bytes[PROXY_HEADER_MAX];
	memcpy(bytes, binary, 28);
	bytes[14] = (char)((PROXY_HEADER_MAX - 16) / 256);
	bytes[15] = (char)((PROXY_HEADER_MAX - 16) % 256);
	bytes[29] = (char)((PROXY_HEADER_MAX - 31) / 256);
	bytes[30] = (char)((PROXY_HEADER_MAX - 31) % 256);
	struct kernel_socket *socket = serve_proxied();
	kernel_peer_sends(socket, bytes, 2000);
	turn();
	kernel_peer_sends(socket, bytes + 2000, sizeof bytes - 2001);
	turn();
	ck_assert_uint_eq(pool_held(&shard.pool), 1);
	kernel_peer_sends(socket, bytes + sizeof bytes - 1, 1);
	send_text(socket, "x");
	expect_answer(socket, "X");
	ck_assert_uint_eq(pool_held(&shard.pool), 0);

	struct kernel_socket *other = serve_proxied();
	bytes[15]++;
	kernel_peer_sends(other, bytes, 16);
	turn();
	expect_end(other, true, COUNTER_PROXY_ERRORS);
}
END_TEST

START_TEST(what_is_no_header_resets_the_connection)
{
	static const char *const texts[] = {"hello", "PROXY TCP4 x\r\n",
	    "\r\n\r\n\r\n", "PROXY UNKNOWN\nhello"};
	struct kernel_socket *socket = serve_proxied();
	send_text(socket, texts[_i]);
	expect_refusal(socket);
}
END_TEST

START_TEST(an_end_before_that_of_the_header_resets_the_connection)
{
	struct kernel_socket *socket = serve_proxied();
	kernel_peer_sends(socket, LINE, (size_t)_i);
	turn();
	send_fin(socket);
	expect_refusal(socket);
}
END_TEST

START_TEST(a_failure_is_no_fault_of_the_header)
{
	struct kernel_socket *socket = serve_proxied();
	send_text(socket, "PROXY ");
	if (_i == 0)
		kernel_peer_resets(socket);
	else
		kernel_fail(KERNEL_RECV, 1, ETIMEDOUT);
	send_text(socket, "T");
	expect_end(socket, true, _i == 0 ? COUNTER_FAILED : COUNTER_STALLED);
}
END_TEST

START_TEST(the_deadline_of_a_header_is_not_moved_by_its_bytes)
{
	struct kernel_socket *socket = serve_proxied();
	for (size_t i = 0; i < 6; i++) {
		kernel_peer_sends(socket, LINE + i, 1);
		pass(GREETING_MS / 7);
	}
	pass(GREETING_MS / 7 - 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_GREETING);
	pass(1);
	expect_refusal(socket);
}
END_TEST

START_TEST(a_header_that_is_there_at_its_deadline_is_taken)
{
	struct kernel_socket *socket = serve_proxied();
	send_text(socket, "PROXY UNKNOWN\r");
	kernel_peer_sends(socket, "\nx", 2);
	socket->unnoticed = true;
	pass(GREETING_MS);
	expect_answer(socket, "X");
	/* From there on, time counts anew. */
	pass(IDLE_MS - 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	pass(1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_LINGERING);
}
END_TEST

START_TEST(a_drain_ends_a_header_that_does_not_come_soon)
{
	struct kernel_socket *waits = serve_proxied();
	struct kernel_socket *goes_on = serve_proxied();
	send_text(waits, "PROXY ");
	service_text.drain(&shard);
	send_text(goes_on, LINE "x");
	pass(QUIET_MS - 1);
	ck_assert(!waits->closed);
	pass(1);
	ck_assert(waits->closed && waits->was_reset);
	expect_answer(goes_on, "X");
	expect_end(waits, true, COUNTER_PROXY_ERRORS);
}
END_TEST

START_TEST(room_for_a_header_is_made_and_its_block_is_taken_back)
{
	fixture_reopen(1);
	struct kernel_socket *reader = serve();
	fill_block(reader);
	pass(1);
	struct kernel_socket *proxy = serve_proxied();
	send_text(proxy, "PROXY ");
	expect_end(reader, true, COUNTER_EVICTED);
	ck_assert_int_eq(conn_of(proxy)->state, CONN_GREETING);
	pass(1);
	struct kernel_socket *other = serve();
	send_text(other, "x");
	expect_answer(other, "X");
	ck_assert(proxy->closed && proxy->was_reset);
	expect_answer(proxy, "");
	ck_assert_uint_eq(count(COUNTER_EVICTED), 2);
}
END_TEST

START_TEST(who_is_no_proxy_is_reset_unheard)
{
	ck_assert_int_eq(prefix_parse(&settings.proxies[0], "192.0.2.2"), 0);
	struct kernel_socket *socket = serve_proxied();
	kernel_peer_sends(socket, LINE "x", sizeof LINE);
	turn();
	expect_end(socket, true, COUNTER_PROXY_FORBIDDEN);
	ck_assert_uint_eq(socket->calls[KERNEL_PEEK], 0);
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 0);
	expect_answer(socket, "");
}
END_TEST

START_TEST(the_limit_of_a_source_is_for_the_client_that_is_named)
{
	settings.source_connections = 2;
	struct kernel_socket *sockets[3];
	for (int i = 0; i < LENGTH(sockets); i++) {
		sockets[i] = serve_proxied();
		send_text(sockets[i], LINE "x");
	}
	expect_answer(sockets[0], "X");
	expect_answer(sockets[1], "X");
	expect_end(sockets[2], true, COUNTER_SOURCE_LIMIT);
	expect_answer(sockets[2], "");
	ck_assert_uint_eq(nthrottled, 1);
	/* Another client of the same proxy, and the proxy itself. */
	struct kernel_socket *other = serve_proxied();
	send_text(other, "PROXY TCP4 198.51.100.8 198.51.100.1 1 2\r\ny");
	expect_answer(other, "Y");
	for (int i = 0; i < 5; i++) {
		other = serve_proxied();
		send_text(other, "PROXY UNKNOWN\r\nz");
		expect_answer(other, "Z");
	}
	/* An end makes room, and what was refused has taken none. */
	kernel_peer_resets(sockets[0]);
	turn();
	other = serve_proxied();
	send_text(other, LINE "x");
	expect_answer(other, "X");
}
END_TEST

START_TEST(who_may_connect_is_asked_of_the_client_that_is_named)
{
	settings.nallow = 1;
	ck_assert_int_eq(prefix_parse(&settings.allow[0], "198.51.100.8"), 0);
	struct kernel_socket *socket = serve_proxied();
	send_text(socket, LINE "x");
	expect_end(socket, true, COUNTER_FORBIDDEN);
	expect_answer(socket, "");
	socket = serve_proxied();
	send_text(socket, "PROXY TCP4 198.51.100.8 198.51.100.1 1 2\r\ny");
	expect_answer(socket, "Y");
	ck_assert_uint_eq(nthrottled, 0);
}
END_TEST

START_TEST(a_header_is_text_where_nobody_asks_for_it)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "PROXY tcp4");
	expect_answer(socket, "PROXY TCP4");
	ck_assert_uint_eq(socket->calls[KERNEL_PEEK], 0);
}
END_TEST

START_TEST(the_log_names_the_client_and_of_a_bad_header_the_proxy)
{
	static char log[4096];
	int reader = fixture_read_log();
	settings.invalid = UPCASE_CLOSE;
	struct kernel_socket *good = serve_proxied();
	send_text(good, LINE "\xff");
	struct kernel_socket *bad = serve_proxied();
	send_text(bad, "x");
	ssize_t n = read(reader, log, sizeof log - 1);
	ck_assert_int_gt(n, 0);
	log[n] = '\0';
	ck_assert_ptr_nonnull(strstr(
	    log, "ended 198.51.100.7:12345, which sent bytes that are not"));
	ck_assert_ptr_nonnull(strstr(log, "reset 192.0.2.1:"));
	ck_assert_ptr_nonnull(strstr(log, "which sent no PROXY header"));
	/* The line of each connection is not asked for. */
	ck_assert_ptr_null(strstr(log, "connection peer="));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("greeting");
	TCase *tcase = fixture_case(suite, "greeting");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(
	    tcase, the_limit_of_a_source_is_for_the_client_that_is_named);
	tcase_add_test(
	    tcase, who_may_connect_is_asked_of_the_client_that_is_named);
	tcase_add_loop_test(tcase,
	    the_text_is_what_comes_behind_the_header_wherever_it_is_split, 0,
	    LENGTH(headers));
	tcase_add_test(tcase, parts_of_two_headers_do_not_mix);
	tcase_add_loop_test(
	    tcase, the_system_may_give_one_byte_at_a_time, 0, LENGTH(headers));
	tcase_add_loop_test(
	    tcase, who_has_no_address_is_known_by_that_of_the_proxy, 0, 2);
	tcase_add_test(tcase,
	    the_longest_header_fits_in_a_block_and_a_longer_one_is_refused);
	tcase_add_loop_test(
	    tcase, what_is_no_header_resets_the_connection, 0, 4);
	tcase_add_loop_test(tcase,
	    an_end_before_that_of_the_header_resets_the_connection, 0,
	    sizeof LINE - 1);
	tcase_add_loop_test(tcase, a_failure_is_no_fault_of_the_header, 0, 2);
	tcase_add_test(
	    tcase, the_deadline_of_a_header_is_not_moved_by_its_bytes);
	tcase_add_test(tcase, a_header_that_is_there_at_its_deadline_is_taken);
	tcase_add_test(tcase, a_drain_ends_a_header_that_does_not_come_soon);
	tcase_add_test(
	    tcase, room_for_a_header_is_made_and_its_block_is_taken_back);
	tcase_add_test(tcase, who_is_no_proxy_is_reset_unheard);
	tcase_add_test(tcase, a_header_is_text_where_nobody_asks_for_it);
	tcase_add_test(
	    tcase, the_log_names_the_client_and_of_a_bad_header_the_proxy);
	return suite;
}
