/* SPDX-License-Identifier: ISC */
/*
 * What the kernel holds when all has been sent: a connection whose peer has not
 * acknowledged its answer is not over.
 */
#include "config.h"

#include "base/sys.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>

/* The largest answer that is not asked about, and one that is. */
enum { SMALL = 1024, LARGE = 30000 };

/* The longest time between two looks, in ms. */
enum { LOOK_MS = 1000 };

/* One that acknowledges what it reads, asks for n bytes and half-closes. */
static struct kernel_socket *
ask(size_t n)
{
	struct kernel_socket *socket = serve();
	socket->tight = true;
	kernel_peer_sends(socket, letters(n), n);
	turn();
	send_fin(socket);
	return socket;
}

/* Lets time pass in small steps, as long as the connection is open. */
static unsigned
pass_while_open(const struct kernel_socket *socket, unsigned ms)
{
	unsigned passed = 0;
	for (; passed < ms && !socket->closed; passed++)
		pass(1);
	return passed;
}

START_TEST(answer_of_1_KiB_costs_no_system_call_more)
{
	struct kernel_socket *socket = ask(SMALL);
	expect_end(socket, false, COUNTER_ENDED);
	ck_assert_uint_eq(socket->calls[KERNEL_RECV], 2);
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], 1);
	ck_assert_uint_eq(socket->calls[KERNEL_CLOSE], 1);
	ck_assert_uint_eq(socket->calls[KERNEL_ASK], 0);
	ck_assert_uint_eq(socket->calls[KERNEL_SHUTDOWN], 0);
}
END_TEST

START_TEST(small_answers_count_together)
{
	struct kernel_socket *socket = serve();
	socket->tight = true;
	for (size_t sent = 0; sent <= SMALL; sent += 100) {
		kernel_peer_sends(socket, letters(100), 100);
		turn();
	}
	send_fin(socket);
	ck_assert(!socket->closed);
	ck_assert_int_eq(conn_of(socket)->state, CONN_DELIVERING);
}
END_TEST

START_TEST(larger_answer_that_has_arrived_costs_one_question)
{
	struct kernel_socket *socket = ask(SMALL + 1);
	ck_assert(!socket->closed);
	socket = serve();
	kernel_peer_sends(socket, letters(LARGE), LARGE);
	turn();
	send_fin(socket);
	expect_end(socket, false, COUNTER_ENDED);
	ck_assert_uint_eq(socket->calls[KERNEL_ASK], 1);
	ck_assert_uint_eq(socket->calls[KERNEL_SHUTDOWN], 0);
}
END_TEST

START_TEST(connection_counts_until_its_answer_has_arrived)
{
	struct kernel_socket *socket = ask(LARGE);
	/* The peer need not wait for its end of file. */
	ck_assert(socket->shut);
	ck_assert(!socket->closed);
	ck_assert_int_eq(socket->wants, POLLER_NOTHING);
	pass(500);
	ck_assert(!socket->closed);
	kernel_peer_reads(socket, SIZE_MAX);
	ck_assert_uint_le(pass_while_open(socket, LOOK_MS + 1), LOOK_MS);
	expect_end(socket, false, COUNTER_ENDED);
	expect_capitals(socket, LARGE);
}
END_TEST

START_TEST(answer_that_arrives_at_once_ends_the_connection_soon)
{
	struct kernel_socket *socket = ask(LARGE);
	kernel_peer_reads(socket, SIZE_MAX);
	ck_assert_uint_le(pass_while_open(socket, LOOK_MS), 10);
	expect_end(socket, false, COUNTER_ENDED);
}
END_TEST

START_TEST(peer_that_never_reads_is_reset_after_the_stall_time)
{
	struct kernel_socket *socket = ask(LARGE);
	unsigned passed = pass_while_open(socket, 10 * STALL_MS);
	ck_assert_uint_ge(passed, STALL_MS);
	ck_assert_uint_le(passed, STALL_MS + LOOK_MS);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(peer_that_reads_on_is_not_reset)
{
	struct kernel_socket *socket = ask(LARGE);
	for (size_t n = 4096; n < LARGE; n += 4096) {
		(void)pass_while_open(socket, STALL_MS - LOOK_MS - 1);
		ck_assert(!socket->closed);
		kernel_peer_reads(socket, 4096);
	}
	unsigned passed = pass_while_open(socket, 10 * STALL_MS);
	ck_assert_uint_ge(passed, STALL_MS);
	ck_assert_uint_le(passed, STALL_MS + 2 * LOOK_MS);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(peer_that_drips_is_reset)
{
	struct kernel_socket *socket = ask(LARGE);
	unsigned passed = 0;
	for (; passed < 10 * STALL_MS && !socket->closed; passed++) {
		if (passed % 10 == 0)
			kernel_peer_reads(socket, 1);
		pass(1);
	}
	ck_assert_uint_le(passed, STALL_MS + LOOK_MS);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(peer_that_is_gone_is_noticed)
{
	struct kernel_socket *socket = ask(LARGE);
	pass(LOOK_MS);
	kernel_peer_resets(socket);
	ck_assert_uint_le(pass_while_open(socket, LOOK_MS + 1), LOOK_MS);
	expect_end(socket, true, COUNTER_FAILED);
}
END_TEST

START_TEST(what_is_delivered_is_looked_at_less_and_less_often)
{
	enum { SECONDS = 100 };
	fixture_close();
	settings.stall_ms = 0;
	fixture_open();
	struct kernel_socket *socket = ask(LARGE);
	(void)pass_while_open(socket, SECONDS * 1000);
	ck_assert(!socket->closed);
	ck_assert_uint_le(socket->calls[KERNEL_ASK], SECONDS + 5);
	/* Without a stall time it is waited for as long as it takes. */
	kernel_peer_reads(socket, SIZE_MAX);
	(void)pass_while_open(socket, LOOK_MS + 1);
	expect_end(socket, false, COUNTER_ENDED);
}
END_TEST

START_TEST(stall_time_that_there_was_not_counts_from_its_beginning)
{
	fixture_close();
	settings.stall_ms = 0;
	fixture_open();
	struct settings other = settings;
	other.stall_ms = STALL_MS;
	struct kernel_socket *socket = ask(LARGE);
	(void)pass_while_open(socket, 2 * STALL_MS);
	ck_assert(!socket->closed);
	shard_set(&shard, &other);
	unsigned passed = pass_while_open(socket, 10 * STALL_MS);
	ck_assert_uint_ge(passed, STALL_MS);
	ck_assert_uint_le(passed, STALL_MS + LOOK_MS);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

/* One that has its answer in the kernel when the idle time is over. */
static struct kernel_socket *
serve_until_idle(void)
{
	struct kernel_socket *socket = serve();
	socket->tight = true;
	kernel_peer_sends(socket, letters(LARGE), LARGE);
	turn();
	pass(IDLE_MS);
	return socket;
}

START_TEST(one_that_lingered_counts_until_its_answer_has_arrived)
{
	struct kernel_socket *socket = serve_until_idle();
	ck_assert_int_eq(conn_of(socket)->state, CONN_LINGERING);
	/* By its end of file, or by the end of lingering. */
	if (_i == 0)
		send_fin(socket);
	else
		pass(LINGER_MS);
	ck_assert_int_eq(conn_of(socket)->state, CONN_DELIVERING);
	kernel_peer_reads(socket, SIZE_MAX);
	(void)pass_while_open(socket, LOOK_MS + 1);
	expect_end(socket, false, COUNTER_IDLE);
}
END_TEST

START_TEST(one_that_lingered_and_never_reads_is_reset)
{
	struct kernel_socket *socket = serve_until_idle();
	pass(LINGER_MS);
	unsigned passed = pass_while_open(socket, 10 * STALL_MS);
	ck_assert_uint_ge(passed, STALL_MS);
	ck_assert_uint_le(passed, STALL_MS + LOOK_MS);
	expect_end(socket, true, COUNTER_STALLED);
}
END_TEST

START_TEST(in_a_drain_the_kernel_delivers_alone)
{
	struct kernel_socket *before = ask(LARGE);
	ck_assert(!before->closed);
	service_text.drain(&shard);
	(void)shard_release(&shard);
	expect_end(before, false, COUNTER_ENDED);
	struct kernel_socket *after = ask(LARGE);
	ck_assert(after->closed);
	ck_assert(!after->was_reset);
	ck_assert_uint_eq(count(COUNTER_ENDED), 2);
}
END_TEST

START_TEST(peer_that_is_gone_is_noticed_when_a_drain_begins)
{
	struct kernel_socket *socket = ask(LARGE);
	/* It has read enough to count as one that goes on. */
	kernel_peer_reads(socket, 5000);
	kernel_peer_resets(socket);
	service_text.drain(&shard);
	(void)shard_release(&shard);
	expect_end(socket, true, COUNTER_FAILED);
}
END_TEST

START_TEST(in_a_drain_a_kernel_that_never_gives_up_is_looked_at_on)
{
	kernel.is_stubborn = true;
	struct kernel_socket *reads = ask(LARGE), *never = ask(LARGE);
	service_text.drain(&shard);
	(void)shard_release(&shard);
	ck_assert(!reads->closed);
	kernel_peer_reads(reads, SIZE_MAX);
	(void)pass_while_open(reads, LOOK_MS + 1);
	expect_end(reads, false, COUNTER_ENDED);
	(void)pass_while_open(never, STALL_MS + LOOK_MS);
	expect_end(never, true, COUNTER_STALLED);
}
END_TEST

START_TEST(end_of_a_drain_resets_what_is_left)
{
	struct kernel_socket *socket = ask(LARGE);
	service_text.cut(&shard);
	(void)shard_release(&shard);
	expect_end(socket, true, COUNTER_CUT);
}
END_TEST

START_TEST(answer_that_was_pending_is_delivered_as_well)
{
	struct kernel_socket *socket = serve();
	socket->tight = true;
	socket->room = 1000;
	kernel_peer_sends(socket, letters(LARGE), LARGE);
	turn();
	socket->peer_shut = true;
	for (size_t read = 0; read < LARGE - 1000; read += 1000) {
		kernel_peer_reads(socket, 1000);
		turn_all();
	}
	ck_assert_int_eq(conn_of(socket)->state, CONN_DELIVERING);
	kernel_peer_reads(socket, SIZE_MAX);
	(void)pass_while_open(socket, LOOK_MS + 1);
	expect_end(socket, false, COUNTER_ENDED);
	expect_capitals(socket, LARGE);
}
END_TEST

START_TEST(shutdown_that_fails_does_not_keep_it_open)
{
	kernel_fail(KERNEL_SHUTDOWN, 1, ENOTCONN);
	struct kernel_socket *socket = ask(LARGE);
	kernel_peer_reads(socket, SIZE_MAX);
	(void)pass_while_open(socket, LOOK_MS + 1);
	expect_end(socket, false, COUNTER_ENDED);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("conn_delivery");
	TCase *tcase = fixture_case(suite, "delivery");
	tcase_add_test(tcase, answer_of_1_KiB_costs_no_system_call_more);
	tcase_add_test(tcase, small_answers_count_together);
	tcase_add_test(
	    tcase, larger_answer_that_has_arrived_costs_one_question);
	tcase_add_test(tcase, connection_counts_until_its_answer_has_arrived);
	tcase_add_test(
	    tcase, answer_that_arrives_at_once_ends_the_connection_soon);
	tcase_add_test(
	    tcase, peer_that_never_reads_is_reset_after_the_stall_time);
	tcase_add_test(tcase, peer_that_reads_on_is_not_reset);
	tcase_add_test(tcase, peer_that_drips_is_reset);
	tcase_add_test(tcase, peer_that_is_gone_is_noticed);
	tcase_add_test(
	    tcase, what_is_delivered_is_looked_at_less_and_less_often);
	tcase_add_test(
	    tcase, stall_time_that_there_was_not_counts_from_its_beginning);
	tcase_add_loop_test(
	    tcase, one_that_lingered_counts_until_its_answer_has_arrived, 0, 2);
	tcase_add_test(tcase, one_that_lingered_and_never_reads_is_reset);
	tcase_add_test(tcase, in_a_drain_the_kernel_delivers_alone);
	tcase_add_test(tcase, peer_that_is_gone_is_noticed_when_a_drain_begins);
	tcase_add_test(
	    tcase, in_a_drain_a_kernel_that_never_gives_up_is_looked_at_on);
	tcase_add_test(tcase, end_of_a_drain_resets_what_is_left);
	tcase_add_test(tcase, answer_that_was_pending_is_delivered_as_well);
	tcase_add_test(tcase, shutdown_that_fails_does_not_keep_it_open);
	return suite;
}
