/* SPDX-License-Identifier: ISC */
/* The line at the end of each connection, for every reason. */
#include "config.h"

#include "base/log.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int reader;

static void
set_up(void)
{
	reader = fixture_read_log();
	fixture_close();
	settings.log_connections = true;
	fixture_open();
}

/* The lines of connections since the last call; the rest is left out. */
static char lines[1 << 20];
static size_t
read_lines(void)
{
	static char all[1 << 20];
	size_t nlines = 0, end = 0, length = 0;
	ssize_t got;
	while ((got = read(reader, all + end, sizeof all - end - 1)) > 0)
		end += (size_t)got;
	all[end] = '\0';
	for (char *line = all, *next; *line != '\0'; line = next) {
		next = strchr(line, '\n') + 1;
		const char *text = strstr(line, "connection");
		if (text == NULL || text >= next ||
		    strchr(text, '=') > strchr(text, '\n'))
			continue;
		memcpy(lines + length, text, (size_t)(next - text));
		length += (size_t)(next - text);
		nlines++;
	}
	lines[length] = '\0';
	return nlines;
}

/* There is one line, of a connection with that number of its descriptor. */
static void
expect_line(int fd, const char *end)
{
	char wanted[256];
	(void)snprintf(wanted, sizeof wanted,
	    "connection peer=192.0.2.1:%d listener=", KERNEL_PEER_PORT + fd);
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_msg(strncmp(lines, wanted, strlen(wanted)) == 0,
	    "%s is not %s", lines, wanted);
	const char *received = strstr(lines, " received=");
	ck_assert_ptr_nonnull(received);
	ck_assert_str_eq(received, end);
}

START_TEST(a_client_that_ends_has_a_line_with_its_bytes)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "stra\xc3\x9f\x65");
	kernel.now += 1234;
	send_text(socket, "\xf0\x9f");
	ck_assert_uint_eq(read_lines(), 0);
	send_fin(socket);
	expect_line(
	    socket->fd, " received=9 sent=9 seconds=1.234 reason=ended\n");
}
END_TEST

START_TEST(bytes_that_wait_for_the_peer_count_when_they_are_sent)
{
	struct kernel_socket *socket = serve();
	socket->room = 2;
	send_text(socket, "hello");
	send_fin(socket);
	for (int i = 0; i < 2; i++) {
		kernel_peer_reads(socket, SIZE_MAX);
		turn_all();
	}
	expect_line(
	    socket->fd, " received=5 sent=5 seconds=0.000 reason=ended\n");
	socket = serve();
	socket->room = 2;
	send_text(socket, "hello");
	pass(STALL_MS);
	expect_line(
	    socket->fd, " received=5 sent=2 seconds=3.000 reason=stalled\n");
}
END_TEST

START_TEST(a_refused_text_has_a_line_when_its_end_is_over)
{
	fixture_close();
	settings.invalid = UPCASE_CLOSE;
	fixture_open();
	struct kernel_socket *socket = serve();
	send_text(socket, "ab\xff");
	ck_assert_uint_eq(read_lines(), 0);
	send_fin(socket);
	expect_line(
	    socket->fd, " received=3 sent=2 seconds=0.000 reason=refused\n");
}
END_TEST

START_TEST(a_silent_client_has_what_its_last_step_sends)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "a\xf0\x9f");
	/* At its deadline the incomplete rest is answered. */
	pass(IDLE_MS);
	pass(LINGER_MS);
	expect_line(
	    socket->fd, " received=3 sent=3 seconds=60.500 reason=idle\n");
}
END_TEST

START_TEST(a_quiet_client_of_a_drain_has_a_line)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "a");
	service_text.drain(&shard);
	pass(QUIET_MS);
	pass(QUIET_MS);
	expect_line(
	    socket->fd, " received=1 sent=1 seconds=0.200 reason=quiet\n");
}
END_TEST

START_TEST(a_reset_by_the_peer_has_a_line_with_its_address)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "abc");
	kernel_peer_resets(socket);
	turn();
	expect_line(
	    socket->fd, " received=3 sent=3 seconds=0.000 reason=failed\n");
}
END_TEST

START_TEST(a_connection_that_is_cut_has_a_line)
{
	struct kernel_socket *socket = serve();
	socket->room = 0;
	send_text(socket, "abc");
	service_text.cut(&shard);
	(void)shard_release(&shard);
	expect_line(
	    socket->fd, " received=3 sent=0 seconds=0.000 reason=cut\n");
}
END_TEST

START_TEST(an_evicted_one_has_a_line)
{
	fixture_reopen(2);
	struct kernel_socket *first = serve();
	fill_block(first);
	(void)serve();
	fill_block(serve());
	turn();
	kernel_peer_sends(serve(), letters(ANSWER), ANSWER);
	turn();
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_ptr_nonnull(
	    strstr(lines, " received=4000 sent=0 seconds=0.000 "
			  "reason=evicted\n"));
}
END_TEST

START_TEST(a_poller_that_refuses_makes_a_line_of_a_failure)
{
	kernel_fail(KERNEL_WATCH, 1, ENOMEM);
	struct kernel_socket *socket = serve();
	(void)shard_release(&shard);
	expect_line(
	    socket->fd, " received=0 sent=0 seconds=0.000 reason=failed\n");
}
END_TEST

START_TEST(a_slot_that_is_used_again_begins_at_nothing)
{
	for (int i = 0; i < 3; i++) {
		struct kernel_socket *socket = serve();
		send_text(socket, "ab");
		kernel.now += 1000;
		send_fin(socket);
		expect_line(socket->fd,
		    " received=2 sent=2 seconds=1.000 reason=ended\n");
	}
}
END_TEST

static void
come_and_go(int n)
{
	for (int i = 0; i < n; i++) {
		struct kernel_socket *socket = serve();
		send_fin(socket);
	}
}

/* All that were told of since the last call, by how many lines. */
static size_t
read_left_out(unsigned *ntold)
{
	size_t sum = 0;
	*ntold = 0;
	for (const char *at = lines; (at = strstr(at, "left-out=")) != NULL;) {
		at += sizeof "left-out=" - 1;
		sum += strtoul(at, NULL, 10);
		++*ntold;
	}
	return sum;
}

START_TEST(lines_above_the_limit_are_left_out_and_told_of_in_a_second)
{
	enum { MORE = 17 };
	unsigned ntold;
	size_t n = 0;
	for (int i = 0; i < RECORD_LINES + MORE; i++) {
		come_and_go(1);
		n += read_lines();
	}
	ck_assert_uint_eq(n, RECORD_LINES);
	pass(RECORD_TELL_MS - 1);
	ck_assert_uint_eq(read_lines(), 0);
	/* Although nobody comes any more. */
	pass(1);
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_uint_eq(read_left_out(&ntold), MORE);
	ck_assert_uint_eq(ntold, 1);
	ck_assert(!timer_is_armed(&shard.telling));
	come_and_go(2);
	ck_assert_uint_eq(read_lines(), 2);
	pass(10 * RECORD_TELL_MS);
	ck_assert_uint_eq(read_lines(), 0);
}
END_TEST

START_TEST(lines_that_are_left_out_are_told_of_at_the_end)
{
	unsigned ntold;
	come_and_go(RECORD_LINES / 2);
	(void)read_lines();
	come_and_go(RECORD_LINES / 2 + 5);
	(void)read_lines();
	fixture_close();
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_uint_eq(read_left_out(&ntold), 5);
	fixture_open();
}
END_TEST

START_TEST(without_the_option_there_is_neither_memory_nor_a_line)
{
	fixture_close();
	settings.log_connections = false;
	fixture_open();
	ck_assert_ptr_null(shard.records);
	come_and_go(1);
	ck_assert_uint_eq(read_lines(), 0);
}
END_TEST

START_TEST(lines_of_a_lower_level_are_not_made)
{
	log_set_level(LOG_LEVEL_WARN);
	come_and_go(1);
	log_set_level(LOG_LEVEL_INFO);
	ck_assert_uint_eq(read_lines(), 0);
}
END_TEST

START_TEST(a_record_goes_on_in_another_process)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "abc");
	struct inventory_conn saved = {0}, none = {0};
	struct record record;
	record_save(&shard.records[0], &saved);
	ck_assert_uint_eq(saved.received, 3);
	ck_assert_uint_eq(saved.sent, 3);
	kernel_peer_resets(socket);
	record_restore(&record, &saved, socket->fd, kernel.now + 5000);
	ck_assert_uint_eq(record.began, kernel.now);
	ck_assert_uint_eq(record.received, 3);
	ck_assert_uint_eq(record.sent, 3);
	ck_assert_int_eq(record.peer.any.sa_family, AF_INET);
	ck_assert_int_eq(
	    ntohs(record.peer.ipv4.sin_port), KERNEL_PEER_PORT + socket->fd);
	/* A version without records; then nothing is known but now. */
	record_restore(&record, &none, socket->fd, kernel.now + 5000);
	ck_assert_uint_eq(record.began, kernel.now + 5000);
	ck_assert_uint_eq(record.received + record.sent, 0);
	ck_assert_int_eq(record.peer.any.sa_family, AF_UNSPEC);
	struct record_limit limit = {0};
	record_log(&record, &limit, socket->fd, COUNTER_FAILED, kernel.now);
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_ptr_nonnull(strstr(lines, "peer=unknown "));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = fixture_case(suite, "lines");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_client_that_ends_has_a_line_with_its_bytes);
	tcase_add_test(
	    tcase, bytes_that_wait_for_the_peer_count_when_they_are_sent);
	tcase_add_test(tcase, a_refused_text_has_a_line_when_its_end_is_over);
	tcase_add_test(tcase, a_silent_client_has_what_its_last_step_sends);
	tcase_add_test(tcase, a_quiet_client_of_a_drain_has_a_line);
	tcase_add_test(tcase, a_reset_by_the_peer_has_a_line_with_its_address);
	tcase_add_test(tcase, a_connection_that_is_cut_has_a_line);
	tcase_add_test(tcase, an_evicted_one_has_a_line);
	tcase_add_test(tcase, a_poller_that_refuses_makes_a_line_of_a_failure);
	tcase_add_test(tcase, a_slot_that_is_used_again_begins_at_nothing);
	tcase_add_test(
	    tcase, lines_above_the_limit_are_left_out_and_told_of_in_a_second);
	tcase_add_test(tcase, lines_that_are_left_out_are_told_of_at_the_end);
	tcase_add_test(
	    tcase, without_the_option_there_is_neither_memory_nor_a_line);
	tcase_add_test(tcase, lines_of_a_lower_level_are_not_made);
	tcase_add_test(tcase, a_record_goes_on_in_another_process);
	return suite;
}
