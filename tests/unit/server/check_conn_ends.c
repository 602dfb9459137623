/* SPDX-License-Identifier: ISC */
/* How a connection ends: by its peer, by a refusal, by a failure. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>

/* Connections anew, with another policy. */
static void
reopen(enum upcase_invalid invalid)
{
	fixture_close();
	settings.invalid = invalid;
	fixture_open();
}

START_TEST(eof_with_nothing_pending_takes_one_recv_and_one_close)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "hello");
	send_fin(socket);
	expect_end(socket, false, COUNTER_ENDED);
	expect_answer(socket, "HELLO");
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 2);
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 1);
	ck_assert_uint_eq(socket->calls[KERNEL_WATCH], 1);
	ck_assert_uint_eq(socket->calls[KERNEL_SHUTDOWN], 0);
	ck_assert_uint_eq(socket->calls[KERNEL_SET_RESET], 0);
}
END_TEST

START_TEST(eof_waits_until_pending_output_was_sent)
{
	struct kernel_socket *socket = serve();
	socket->room = 2;
	send_text(socket, "hello");
	send_fin(socket);
	/* The end of file waits its turn behind the output. */
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	for (int i = 0; i < 2; i++) {
		ck_assert(!socket->closed);
		/* What ends the process now must not end the answer. */
		ck_assert(socket->partial);
		kernel_peer_reads(socket, SIZE_MAX);
		turn_all();
	}
	ck_assert(!socket->partial);
	expect_end(socket, false, COUNTER_ENDED);
	expect_answer(socket, "HELLO");
}
END_TEST

START_TEST(part_that_cannot_be_made_a_whole_again_is_a_failure)
{
	struct kernel_socket *socket = serve();
	socket->room = 2;
	send_text(socket, "hello");
	kernel_fail(KERNEL_SET_PARTIAL, 1, ENOBUFS);
	for (int i = 0; i < 2; i++) {
		kernel_peer_reads(socket, SIZE_MAX);
		turn_all();
	}
	expect_end(socket, true, COUNTER_FAILED);
}
END_TEST

START_TEST(incomplete_tail_is_answered_at_eof_as_the_policy_says)
{
	static const struct {
		enum upcase_invalid invalid;
		const char *answer;
		enum counter cause;
	} cases[] = {
	    {UPCASE_PASS, "A\xf0\x9f\x8c", COUNTER_ENDED},
	    {UPCASE_REPLACE, "A\xef\xbf\xbd", COUNTER_ENDED},
	    {UPCASE_CLOSE, "A", COUNTER_REFUSED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		reopen(cases[i].invalid);
		struct kernel_socket *socket = serve();
		send_text(socket, "a\xf0\x9f\x8c");
		expect_answer(socket, "A");
		send_fin(socket);
		expect_end(socket, false, cases[i].cause);
		expect_answer(socket, cases[i].answer);
	}
}
END_TEST

START_TEST(incomplete_tail_waits_when_the_kernel_takes_none_of_it)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xf0\x9f\x8c");
	socket->room = 1;
	send_fin(socket);
	ck_assert_int_eq(conn_of(socket)->state, CONN_FINISHING);
	ck_assert_int_eq(socket->wants, POLLER_OUTPUT);
	turn_all();
	socket->room = 2;
	turn_all();
	ck_assert_int_eq(conn_of(socket)->state, CONN_FINISHING);
	socket->room = 3;
	turn();
	expect_end(socket, false, COUNTER_ENDED);
	expect_answer(socket, "\xf0\x9f\x8c");
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 2);
}
END_TEST

START_TEST(refusal_answers_what_came_before_then_sends_fin_and_discards)
{
	reopen(UPCASE_CLOSE);
	struct kernel_socket *socket = serve();
	send_text(socket, "good\xff"
			  "bad");
	expect_answer(socket, "GOOD");
	ck_assert(socket->shut && !socket->closed);
	ck_assert_int_eq(conn_of(socket)->state, CONN_LINGERING);
	send_text(socket, "more");
	ck_assert_uint_eq(socket->in.start, socket->in.end);
	expect_answer(socket, "GOOD");
	send_fin(socket);
	expect_end(socket, false, COUNTER_REFUSED);
	ck_assert_uint_eq(socket->calls[KERNEL_SHUTDOWN], 1);
}
END_TEST

START_TEST(refusal_sends_all_pending_output_before_fin)
{
	reopen(UPCASE_CLOSE);
	struct kernel_socket *socket = serve();
	socket->room = 3;
	send_text(socket, "good\xff");
	ck_assert_int_eq(conn_of(socket)->state, CONN_ENDING);
	ck_assert(!socket->shut);
	kernel_peer_reads(socket, 1);
	turn();
	ck_assert(socket->shut);
	expect_answer(socket, "GOOD");
	send_fin(socket);
	expect_end(socket, false, COUNTER_REFUSED);
}
END_TEST

START_TEST(reset_while_lingering_keeps_the_cause)
{
	reopen(UPCASE_CLOSE);
	struct kernel_socket *socket = serve();
	send_text(socket, "\xff");
	kernel_peer_resets(socket);
	turn();
	expect_end(socket, true, COUNTER_REFUSED);
}
END_TEST

START_TEST(failing_shutdown_does_not_keep_it_open)
{
	reopen(UPCASE_CLOSE);
	struct kernel_socket *socket = serve();
	kernel_fail(KERNEL_SHUTDOWN, 1, ENOTCONN);
	send_text(socket, "\xff");
	pass(LINGER_MS);
	expect_end(socket, false, COUNTER_REFUSED);
}
END_TEST

START_TEST(poller_that_fails_in_mid_life_ends_the_connection)
{
	struct kernel_socket *socket = serve();
	socket->room = 1;
	kernel_fail(KERNEL_WATCH, 1, ENOMEM);
	send_text(socket, "hello");
	expect_end(socket, true, COUNTER_FAILED);
	ck_assert_uint_eq(pool_room(&shard.pool), nblocks * POOL_BLOCK_OUTPUT);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("conn_ends");
	TCase *eof = fixture_case(suite, "end of file");
	tcase_add_test(
	    eof, eof_with_nothing_pending_takes_one_recv_and_one_close);
	tcase_add_test(eof, eof_waits_until_pending_output_was_sent);
	tcase_add_test(
	    eof, part_that_cannot_be_made_a_whole_again_is_a_failure);
	tcase_add_test(
	    eof, incomplete_tail_is_answered_at_eof_as_the_policy_says);
	tcase_add_test(
	    eof, incomplete_tail_waits_when_the_kernel_takes_none_of_it);
	TCase *ours = fixture_case(suite, "ended by us");
	tcase_add_test(
	    ours, refusal_answers_what_came_before_then_sends_fin_and_discards);
	tcase_add_test(ours, refusal_sends_all_pending_output_before_fin);
	tcase_add_test(ours, reset_while_lingering_keeps_the_cause);
	tcase_add_test(ours, failing_shutdown_does_not_keep_it_open);
	tcase_add_test(ours, poller_that_fails_in_mid_life_ends_the_connection);
	return suite;
}
