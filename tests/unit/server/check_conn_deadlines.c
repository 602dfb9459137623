/* SPDX-License-Identifier: ISC */
/* The deadlines of a connection: idle, stall and linger. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>

/* Connections anew, with other settings. */
static void
reopen(enum upcase_invalid invalid, uint32_t idle_ms, uint32_t stall_ms)
{
	fixture_close();
	settings.invalid = invalid;
	settings.idle_ms = idle_ms;
	settings.stall_ms = stall_ms;
	fixture_open();
}

START_TEST(idle_connection_gets_fin_and_input_does_not_prolong_its_linger)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS - 1);
	ck_assert(!socket->shut);
	pass(1);
	ck_assert(socket->shut && !socket->closed);
	for (unsigned i = 0; i < LINGER_MS - 1; i++) {
		kernel_peer_sends(socket, "x", 1);
		pass(1);
	}
	ck_assert(!socket->closed);
	ck_assert_uint_eq(socket->in.start, LINGER_MS - 1);
	pass(1);
	expect_end(socket, false, COUNTER_IDLE);
	ck_assert_uint_eq(socket->calls[KERNEL_SET_RESET], 0);
	expect_answer(socket, "");
}
END_TEST

START_TEST(input_but_no_untrue_event_prolongs_the_idle_time)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS - 1);
	send_text(socket, "x");
	pass(IDLE_MS - 2);
	/* An incomplete character is input as well. */
	send_text(socket, "\xc3");
	pass(IDLE_MS - 1);
	ck_assert(!socket->shut);
	socket->untrue = true;
	turn();
	pass(1);
	ck_assert(socket->shut);
	/* And it gets its answer at the end. */
	expect_answer(socket, "X\xc3");
}
END_TEST

START_TEST(idle_end_sends_a_pending_tail_before_fin)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xc3");
	socket->room = 0;
	pass(IDLE_MS);
	ck_assert_int_eq(conn_of(socket)->state, CONN_ENDING);
	ck_assert(!socket->shut);
	socket->room = 1;
	turn();
	ck_assert(socket->shut);
	expect_answer(socket, "\xc3");
	send_fin(socket);
	expect_end(socket, false, COUNTER_IDLE);
}
END_TEST

START_TEST(idle_end_of_a_peer_that_is_gone_is_a_failure)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xc3");
	kernel_fail(KERNEL_SEND, 1, EPIPE);
	pass(IDLE_MS);
	expect_end(socket, true, COUNTER_FAILED);
}
END_TEST

START_TEST(stall_is_prolonged_by_progress_and_not_by_untrue_events)
{
	struct kernel_socket *socket = serve();
	socket->room = 1;
	send_text(socket, "hello");
	for (int i = 0; i < 3; i++) {
		pass(STALL_MS - 1);
		kernel_peer_reads(socket, 1);
		turn();
	}
	pass(STALL_MS - 1);
	ck_assert(!socket->closed);
	socket->untrue = true;
	turn();
	pass(1);
	expect_end(socket, true, COUNTER_STALLED);
	ck_assert_uint_eq(socket->calls[KERNEL_SET_RESET], 1);
	expect_answer(socket, "HELL");
}
END_TEST

START_TEST(stall_counts_from_the_first_pending_byte_and_idle_from_the_last)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS - 1);
	socket->room = 1;
	send_text(socket, "hi");
	pass(STALL_MS - 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	kernel_peer_reads(socket, 1);
	turn();
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	pass(IDLE_MS - 1);
	ck_assert(!socket->shut);
	pass(1);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(stall_resets_a_half_closed_connection_too)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "\xc3");
	socket->room = 0;
	pass(STALL_MS - 1);
	send_fin(socket);
	ck_assert_int_eq(conn_of(socket)->state, CONN_FINISHING);
	pass(STALL_MS - 1);
	ck_assert(!socket->closed);
	pass(1);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(stall_resets_a_refused_client_that_reads_nothing_without_idle_time)
{
	reopen(UPCASE_CLOSE, 0, STALL_MS);
	struct kernel_socket *socket = serve();
	socket->room = 0;
	send_text(socket, "good\xff");
	ck_assert_int_eq(conn_of(socket)->state, CONN_ENDING);
	pass(STALL_MS);
	expect_end(socket, true, COUNTER_STALLED);
	ck_assert_uint_eq(count(COUNTER_REFUSED), 0);
}
END_TEST

START_TEST(idle_and_stall_of_0_never_end_a_connection)
{
	reopen(UPCASE_PASS, 0, 0);
	struct kernel_socket *idle = serve();
	struct kernel_socket *stalled = serve();
	stalled->room = 1;
	send_text(stalled, "hello");
	ck_assert_int_eq(loop_turn(loop), 0);
	/* But for the memory, which is looked at while output is pending. */
	ck_assert_int_eq(kernel.timeout_ms, 60000);
	pass(UINT32_MAX);
	pass(UINT32_MAX);
	ck_assert_int_eq(conn_of(idle)->state, CONN_RECEIVING);
	ck_assert_int_eq(conn_of(stalled)->state, CONN_SENDING);
}
END_TEST

START_TEST(one_block_is_progress_though_the_next_meets_a_full_kernel)
{
	struct kernel_socket *socket = serve();
	size_t n = 2 * POOL_BLOCK_OUTPUT;
	socket->room = 0;
	kernel_peer_sends(socket, letters(n), n);
	turn();
	pass(STALL_MS - 1);
	socket->room = POOL_BLOCK_OUTPUT;
	turn();
	ck_assert_uint_eq(socket->out.end, POOL_BLOCK_OUTPUT);
	pass(STALL_MS - 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	pass(1);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(timeout_of_the_kernel_counts_as_a_stall)
{
	struct kernel_socket *sending = serve();
	sending->room = 1;
	send_text(sending, "hello");
	kernel_fail(KERNEL_SEND, 1, ETIMEDOUT);
	sending->untrue = true;
	turn();
	expect_end(sending, true, COUNTER_STALLED);
	struct kernel_socket *receiving = serve();
	kernel_fail(KERNEL_RECV, 1, ETIMEDOUT);
	send_text(receiving, "hello");
	ck_assert(receiving->closed);
	ck_assert_uint_eq(count(COUNTER_STALLED), 2);
	ck_assert_uint_eq(count(COUNTER_FAILED), 0);
}
END_TEST

/* What the peer did when the wait had ended, and the deadline has passed. */
static void
pass_unnoticed(struct kernel_socket *socket, unsigned ms)
{
	socket->unnoticed = true;
	pass(ms);
}

START_TEST(input_that_comes_with_the_idle_deadline_is_answered)
{
	struct kernel_socket *socket = serve();
	kernel_peer_sends(socket, "late", 4);
	pass_unnoticed(socket, IDLE_MS);
	expect_answer(socket, "LATE");
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	pass(IDLE_MS - 1);
	ck_assert(!socket->shut);
	socket->peer_shut = true;
	pass_unnoticed(socket, 1);
	expect_end(socket, false, COUNTER_ENDED);
	ck_assert_uint_eq(socket->calls[KERNEL_SHUTDOWN], 0);
}
END_TEST

START_TEST(output_that_moves_with_the_stall_deadline_goes_on)
{
	struct kernel_socket *socket = serve();
	socket->room = 1;
	send_text(socket, "abc");
	kernel_peer_reads(socket, 1);
	pass_unnoticed(socket, STALL_MS);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	pass(STALL_MS - 1);
	kernel_peer_reads(socket, 1);
	pass_unnoticed(socket, 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_RECEIVING);
	expect_answer(socket, "ABC");
	pass(IDLE_MS);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(input_that_comes_with_the_linger_deadline_causes_no_reset)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS);
	kernel_peer_sends(socket, "late", 4);
	pass_unnoticed(socket, LINGER_MS);
	expect_end(socket, false, COUNTER_IDLE);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("conn_deadlines");
	TCase *idle = fixture_case(suite, "idle and linger");
	tcase_add_test(idle,
	    idle_connection_gets_fin_and_input_does_not_prolong_its_linger);
	tcase_add_test(idle, input_but_no_untrue_event_prolongs_the_idle_time);
	tcase_add_test(idle, idle_end_sends_a_pending_tail_before_fin);
	tcase_add_test(idle, idle_end_of_a_peer_that_is_gone_is_a_failure);
	TCase *stall = fixture_case(suite, "stall");
	tcase_add_test(
	    stall, stall_is_prolonged_by_progress_and_not_by_untrue_events);
	tcase_add_test(stall,
	    stall_counts_from_the_first_pending_byte_and_idle_from_the_last);
	tcase_add_test(stall, stall_resets_a_half_closed_connection_too);
	tcase_add_test(stall,
	    stall_resets_a_refused_client_that_reads_nothing_without_idle_time);
	tcase_add_test(stall, idle_and_stall_of_0_never_end_a_connection);
	tcase_add_test(
	    stall, one_block_is_progress_though_the_next_meets_a_full_kernel);
	tcase_add_test(stall, timeout_of_the_kernel_counts_as_a_stall);
	TCase *late = fixture_case(suite, "late");
	tcase_add_test(
	    late, input_that_comes_with_the_idle_deadline_is_answered);
	tcase_add_test(late, output_that_moves_with_the_stall_deadline_goes_on);
	tcase_add_test(
	    late, input_that_comes_with_the_linger_deadline_causes_no_reset);
	return suite;
}
