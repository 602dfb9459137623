/* SPDX-License-Identifier: ISC */
/* A drain, its end by force, and settings that are exchanged. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

START_TEST(drain_ends_a_quiet_connection_and_serves_a_busy_one)
{
	struct kernel_socket *quiet = serve();
	struct kernel_socket *busy = serve();
	pass(QUIET_MS);
	service_text.drain(&shard);
	pass(QUIET_MS - 1);
	ck_assert(!quiet->shut);
	send_text(busy, "a");
	pass(1);
	ck_assert(quiet->shut && !busy->shut);
	pass(QUIET_MS - 2);
	send_text(busy, "b");
	pass(1);
	ck_assert(!quiet->closed);
	pass(1);
	/* The linger is short as well. */
	expect_end(quiet, false, COUNTER_QUIET);
	expect_answer(busy, "AB");
	send_fin(busy);
	expect_end(busy, false, COUNTER_ENDED);
}
END_TEST

START_TEST(drain_waits_for_pending_output_as_long_as_it_moves)
{
	struct kernel_socket *socket = serve();
	fill_block(socket);
	service_text.drain(&shard);
	pass(QUIET_MS);
	pass(STALL_MS - QUIET_MS - 1);
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	socket->room = KERNEL_ROOM;
	turn();
	expect_capitals(socket, ANSWER);
	pass(QUIET_MS - 1);
	ck_assert(!socket->shut);
	pass(1);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(drain_leaves_a_moment_to_one_that_was_idle_for_long)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS - 1);
	service_text.drain(&shard);
	pass(QUIET_MS - 1);
	ck_assert(!socket->shut);
	pass(1);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(drain_shortens_a_linger_that_has_begun)
{
	struct kernel_socket *socket = serve();
	pass(IDLE_MS);
	ck_assert_int_eq(conn_of(socket)->state, CONN_LINGERING);
	service_text.drain(&shard);
	pass(QUIET_MS);
	expect_end(socket, false, COUNTER_IDLE);
}
END_TEST

START_TEST(drain_ends_quiet_connections_without_an_idle_time)
{
	fixture_close();
	settings.idle_ms = 0;
	fixture_open();
	struct kernel_socket *before = serve();
	turn();
	service_text.drain(&shard);
	struct kernel_socket *after = serve();
	pass(QUIET_MS);
	ck_assert(before->shut && after->shut);
	ck_assert_int_eq(conn_of(before)->state, CONN_LINGERING);
}
END_TEST

START_TEST(cut_resets_what_is_left_in_every_state)
{
	settings.invalid = UPCASE_CLOSE;
	fixture_reopen(LIMIT_BLOCKS);
	struct kernel_socket *sockets[5];
	for (int i = 0; i < 5; i++)
		sockets[i] = serve();
	fill_block(sockets[1]);
	send_text(sockets[2], "\xff");
	sockets[3]->room = 0;
	send_text(sockets[3], "x\xff");
	sockets[4]->peer_shut = true;
	turn();
	service_text.drain(&shard);
	service_text.cut(&shard);
	ck_assert_uint_eq(shard_release(&shard), 4);
	ck_assert_uint_eq(count(COUNTER_CUT), 4);
	ck_assert_uint_eq(count(COUNTER_ENDED), 1);
	for (int i = 0; i < 4; i++) {
		ck_assert(sockets[i]->closed && sockets[i]->was_reset);
		ck_assert_uint_eq(sockets[i]->calls[KERNEL_SET_RESET], 1);
	}
	ck_assert(!sockets[4]->was_reset);
}
END_TEST

START_TEST(exchanged_settings_hold_for_what_is_open_and_for_what_comes)
{
	struct kernel_socket *before = serve();
	struct settings other = settings;
	other.idle_ms = IDLE_MS / 2;
	other.invalid = UPCASE_REPLACE;
	pass(IDLE_MS / 2 - 2);
	shard_set(&shard, &other);
	/* What has passed of its time counts. */
	pass(1);
	ck_assert(!before->shut);
	struct kernel_socket *after = serve();
	/* A connection keeps the policy that it began with. */
	send_text(before, "\xff");
	send_text(after, "\xff");
	expect_answer(before, "\xff");
	expect_answer(after, "\xef\xbf\xbd");
	pass(IDLE_MS / 2);
	ck_assert(before->shut && after->shut);
}
END_TEST

START_TEST(a_deadline_moves_by_the_difference_and_may_be_over_at_once)
{
	struct kernel_socket *socket = serve();
	struct settings longer = settings, shorter = settings;
	longer.idle_ms = IDLE_MS * 2;
	shorter.idle_ms = IDLE_MS / 2;
	pass(IDLE_MS - 1);
	shard_set(&shard, &longer);
	pass(IDLE_MS);
	ck_assert(!socket->shut);
	shard_set(&shard, &settings);
	turn();
	ck_assert(socket->shut);
	socket = serve();
	pass(IDLE_MS / 2 + 1);
	ck_assert(!socket->shut);
	shard_set(&shard, &shorter);
	turn();
	ck_assert(socket->shut);
}
END_TEST

START_TEST(from_and_to_no_limit_a_deadline_counts_anew)
{
	struct kernel_socket *socket = serve();
	struct settings never = settings;
	never.idle_ms = 0;
	pass(IDLE_MS - 1);
	shard_set(&shard, &never);
	pass(IDLE_MS * 10);
	ck_assert(!socket->shut);
	shard_set(&shard, &settings);
	pass(IDLE_MS - 1);
	ck_assert(!socket->shut);
	pass(1);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(deadline_whose_time_stays_is_not_put_off_by_other_settings)
{
	struct kernel_socket *socket = serve();
	struct settings other = settings;
	other.stall_ms = STALL_MS * 2;
	pass(IDLE_MS - 1);
	shard_set(&shard, &other);
	pass(1);
	ck_assert(socket->shut);
}
END_TEST

START_TEST(settings_that_come_in_a_drain_hold_in_it)
{
	struct kernel_socket *socket = serve();
	struct settings other = settings;
	other.quiet_ms = QUIET_MS * 2;
	service_text.drain(&shard);
	shard_set(&shard, &other);
	pass(QUIET_MS);
	ck_assert(!socket->shut);
	pass(QUIET_MS);
	ck_assert(socket->shut);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("drain");
	TCase *drain = fixture_case(suite, "drain");
	tcase_add_test(
	    drain, drain_ends_a_quiet_connection_and_serves_a_busy_one);
	tcase_add_test(
	    drain, drain_waits_for_pending_output_as_long_as_it_moves);
	tcase_add_test(
	    drain, drain_leaves_a_moment_to_one_that_was_idle_for_long);
	tcase_add_test(drain, drain_shortens_a_linger_that_has_begun);
	tcase_add_test(
	    drain, drain_ends_quiet_connections_without_an_idle_time);
	tcase_add_test(drain, cut_resets_what_is_left_in_every_state);
	TCase *exchange = fixture_case(suite, "exchange");
	tcase_add_test(exchange,
	    exchanged_settings_hold_for_what_is_open_and_for_what_comes);
	tcase_add_test(exchange,
	    a_deadline_moves_by_the_difference_and_may_be_over_at_once);
	tcase_add_test(exchange, from_and_to_no_limit_a_deadline_counts_anew);
	tcase_add_test(exchange,
	    deadline_whose_time_stays_is_not_put_off_by_other_settings);
	tcase_add_test(exchange, settings_that_come_in_a_drain_hold_in_it);
	return suite;
}
