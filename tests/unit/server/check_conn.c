/* SPDX-License-Identifier: ISC */
/* A connection that lives: input, answers, and output that has to wait. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>
#include <string.h>

/* Three bytes for each two, and the tightest fit for the pool. */
static const char expanding[] = "\xce\x90";
static const char expanded[] = "\xce\x99\xcc\x88\xcc\x81";

START_TEST(connection_is_one_cache_line)
{
	if (sizeof(void *) == 8)
		ck_assert_uint_eq(sizeof(struct conn), 64);
}
END_TEST

START_TEST(message_takes_one_recv_one_send_and_no_change_of_interest)
{
	struct kernel_socket *socket = serve();
	ck_assert_uint_eq(socket->calls[KERNEL_WATCH], 1);
	for (unsigned i = 1; i <= 3; i++) {
		send_text(socket, "hello\n");
		ck_assert_uint_eq(socket->calls[KERNEL_RECV], i);
		ck_assert_uint_eq(socket->calls[KERNEL_SEND], i);
		ck_assert_uint_eq(socket->calls[KERNEL_WATCH], 1);
	}
	expect_answer(socket, "HELLO\nHELLO\nHELLO\n");
	ck_assert_uint_eq(count(COUNTER_RECEIVED), 18);
	ck_assert_uint_eq(count(COUNTER_SENT), 18);
}
END_TEST

START_TEST(complete_characters_are_answered_while_the_next_is_incomplete)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xc3");
	expect_answer(socket, "");
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 0);
	send_text(socket, "\x9f\xf0\x9f");
	expect_answer(socket, "SS");
	send_text(socket, "\x8c\xae");
	expect_answer(socket, "SS\xf0\x9f\x8c\xae");
}
END_TEST

START_TEST(input_in_single_bytes_gets_the_same_answer)
{
	struct kernel_socket *socket = serve();
	socket->recv_most = 1;
	send_text(socket, "stra\xc3\x9f"
			  "e \xce\x90 \xf0\x9f\x8c\xae\xff.");
	turn_all();
	expect_answer(socket, "STRASSE \xce\x99\xcc\x88\xcc\x81 "
			      "\xf0\x9f\x8c\xae\xff.");
}
END_TEST

START_TEST(short_sends_of_every_size_give_the_exact_answer)
{
	enum { N = 64 };
	for (size_t most = 1; most <= N + 1; most++) {
		struct kernel_socket *socket = serve();
		socket->send_most = most;
		kernel_peer_sends(socket, letters(N), N);
		turn();
		ck_assert_int_eq(conn_of(socket)->state,
		    most < N ? CONN_SENDING : CONN_RECEIVING);
		turn_all();
		expect_capitals(socket, N);
		ck_assert_uint_eq(
		    socket->calls[KERNEL_SEND], (N + most - 1) / most);
		ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
		send_fin(socket);
		ck_assert(socket->closed);
	}
	ck_assert_uint_eq(count(COUNTER_ENDED), N + 1);
}
END_TEST

START_TEST(nothing_is_read_while_output_is_pending)
{
	struct kernel_socket *socket = serve();
	socket->room = 4;
	send_text(socket, "hello ");
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	ck_assert_int_eq(socket->wants, POLLER_OUTPUT);
	send_text(socket, "world");
	turn_all();
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 1);
	expect_answer(socket, "HELL");
	kernel_peer_reads(socket, 1);
	turn_all();
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	socket->room = KERNEL_ROOM;
	turn();
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	ck_assert_int_eq(socket->wants, POLLER_INPUT);
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 1);
	turn();
	expect_answer(socket, "HELLO WORLD");
}
END_TEST

START_TEST(pending_output_goes_on_at_its_offset_over_borders_of_blocks)
{
	/* How much the kernel takes until the peer has read it. */
	static const size_t rooms[] = {977, POOL_BLOCK_OUTPUT - 1,
	    POOL_BLOCK_OUTPUT, POOL_BLOCK_OUTPUT + 1, 2 * POOL_BLOCK_OUTPUT};
	for (size_t n = 2 * POOL_BLOCK_OUTPUT - 2;
	     n <= 2 * POOL_BLOCK_OUTPUT + 2; n++) {
		for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
			struct kernel_socket *socket = serve();
			socket->room = rooms[i];
			kernel_peer_sends(socket, letters(n), n);
			while (socket->out.end < n) {
				turn();
				kernel_peer_reads(socket, SIZE_MAX);
			}
			turn();
			expect_capitals(socket, n);
			ck_assert_int_eq(
			    conn_of(socket)->state, CONN_RECEIVING);
			ck_assert_uint_eq(pool_room(&shard.pool),
			    nblocks * POOL_BLOCK_OUTPUT);
			send_fin(socket);
		}
	}
}
END_TEST

START_TEST(full_kernel_is_not_asked_twice_in_a_turn)
{
	struct kernel_socket *socket = serve();
	socket->room = 10;
	send_text(socket, "more than ten bytes, and ten again");
	kernel_peer_reads(socket, 5);
	turn();
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 2);
	expect_answer(socket, "MORE THAN TEN B");
}
END_TEST

START_TEST(untrue_events_change_nothing)
{
	struct kernel_socket *socket = serve();
	socket->untrue = true;
	turn();
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	socket->room = 1;
	send_text(socket, "ab");
	socket->untrue = true;
	turn();
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 2);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	ck_assert_uint_eq(socket->calls[KERNEL_WATCH], 2);
}
END_TEST

START_TEST(recv_asks_for_what_the_pool_can_hold)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "a");
	ck_assert_uint_eq(
	    socket->recv_asked, LIMIT_BLOCKS * POOL_BLOCK_OUTPUT / 3 - 3);
	fixture_close();
	for (nblocks = 1; nblocks <= 14; nblocks++) {
		fixture_open();
		socket = serve();
		/* The peer never reads, so all of the answer has to fit. */
		socket->room = 0;
		for (int i = 0; i < 40000; i++)
			kernel_peer_sends(socket, expanding, 2);
		turn();
		size_t room = nblocks * POOL_BLOCK_OUTPUT;
		ck_assert_uint_eq(socket->recv_asked, room / 3 - 3);
		ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
		ck_assert_uint_eq(count(COUNTER_EVICTED), 0);
		socket->room = KERNEL_ROOM;
		turn_all();
		ck_assert_uint_eq(socket->out.end, 40000 * 6);
		for (size_t at = 0; at < socket->out.end; at += 6)
			ck_assert_mem_eq(socket->out.bytes + at, expanded, 6);
		fixture_close();
	}
	nblocks = LIMIT_BLOCKS;
	fixture_open();
}
END_TEST

START_TEST(reset_while_receiving_ends_only_that_connection)
{
	struct kernel_socket *other = serve();
	struct kernel_socket *socket = serve();
	kernel_peer_resets(socket);
	turn();
	expect_end(socket, true, COUNTER_FAILED);
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 0);
	send_text(other, "x");
	expect_answer(other, "X");
}
END_TEST

START_TEST(reset_while_sending_ends_it_and_frees_its_output)
{
	struct kernel_socket *socket = serve();
	socket->room = 1;
	send_text(socket, "pending");
	ck_assert_uint_lt(pool_room(&shard.pool), nblocks * POOL_BLOCK_OUTPUT);
	kernel_peer_resets(socket);
	turn();
	expect_end(socket, true, COUNTER_FAILED);
	ck_assert_uint_eq(pool_room(&shard.pool), nblocks * POOL_BLOCK_OUTPUT);
}
END_TEST

START_TEST(failing_first_send_ends_it)
{
	struct kernel_socket *socket = serve();
	kernel_fail(KERNEL_SEND, 1, EPIPE);
	send_text(socket, "x");
	expect_end(socket, true, COUNTER_FAILED);
}
END_TEST

START_TEST(failing_send_of_the_tail_at_eof_ends_it)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xc3");
	kernel_fail(KERNEL_SEND, 1, ECONNRESET);
	send_fin(socket);
	expect_end(socket, true, COUNTER_FAILED);
	ck_assert_uint_eq(count(COUNTER_ENDED), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("conn");
	TCase *answers = fixture_case(suite, "answers");
	tcase_add_test(answers, connection_is_one_cache_line);
	tcase_add_test(
	    answers, message_takes_one_recv_one_send_and_no_change_of_interest);
	tcase_add_test(answers,
	    complete_characters_are_answered_while_the_next_is_incomplete);
	tcase_add_test(answers, input_in_single_bytes_gets_the_same_answer);
	TCase *pending = fixture_case(suite, "pending output");
	tcase_add_test(
	    pending, short_sends_of_every_size_give_the_exact_answer);
	tcase_add_test(pending, nothing_is_read_while_output_is_pending);
	tcase_add_test(pending,
	    pending_output_goes_on_at_its_offset_over_borders_of_blocks);
	tcase_add_test(pending, full_kernel_is_not_asked_twice_in_a_turn);
	tcase_add_test(pending, untrue_events_change_nothing);
	tcase_add_test(pending, recv_asks_for_what_the_pool_can_hold);
	TCase *failures = fixture_case(suite, "failures");
	tcase_add_test(
	    failures, reset_while_receiving_ends_only_that_connection);
	tcase_add_test(
	    failures, reset_while_sending_ends_it_and_frees_its_output);
	tcase_add_test(failures, failing_first_send_ends_it);
	tcase_add_test(failures, failing_send_of_the_tail_at_eof_ends_it);
	return suite;
}
