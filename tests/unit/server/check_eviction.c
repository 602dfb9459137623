/* SPDX-License-Identifier: ISC */
/* Who is reset where the memory for pending output is full. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

START_TEST(whoever_takes_nothing_for_longest_is_reset_when_the_pool_is_dry)
{
	enum { N = 4 };
	struct kernel_socket *waiting[N];
	fixture_reopen(N);
	for (int i = 0; i < N; i++)
		waiting[i] = serve();
	/* Not in the order in which they came. */
	for (int i = N - 1; i >= 0; i--) {
		fill_block(waiting[i]);
		kernel.now++;
	}
	ck_assert_uint_eq(count(COUNTER_EVICTED), 0);
	struct kernel_socket *socket = serve();
	send_text(socket, "x");
	expect_answer(socket, "X");
	expect_end(waiting[N - 1], true, COUNTER_EVICTED);
	ck_assert_int_eq(conn_of(waiting[N - 2])->state, CONN_SENDING);
	/* There is room again, so nobody else is reset. */
	send_text(socket, "y");
	ck_assert_uint_eq(count(COUNTER_EVICTED), 1);
	for (int i = 0; i < N - 1; i++) {
		waiting[i]->room = KERNEL_ROOM;
		turn();
		expect_capitals(waiting[i], ANSWER);
	}
}
END_TEST

START_TEST(whoever_takes_a_part_is_not_the_one_that_is_reset)
{
	struct kernel_socket *dripping, *blocked;
	fixture_reopen(2);
	dripping = serve();
	blocked = serve();
	fill_block(dripping);
	pass(10);
	fill_block(blocked);
	/* It has waited longer, and then it reads one byte. */
	pass(10);
	dripping->room = 1;
	pass(1);
	ck_assert_uint_eq(dripping->out.end, 1);
	send_text(serve(), "x");
	expect_end(blocked, true, COUNTER_EVICTED);
	ck_assert(!dripping->closed);
}
END_TEST

START_TEST(whoever_has_read_since_is_not_the_one_that_is_reset)
{
	enum { HELD = 40000 };
	fixture_reopen(2);
	struct kernel_socket *evictor = serve();
	struct kernel_socket *reader = serve(), *blocked = serve();
	reader->tight = true;
	reader->room = HELD;
	kernel_peer_sends(reader, letters(HELD + ANSWER), HELD + ANSWER);
	turn_all();
	ck_assert_int_eq(conn_of(reader)->state, CONN_SENDING);
	pass(10);
	fill_block(blocked);
	pass(10);
	/* It has waited longer; what it reads now was with the kernel. */
	kernel_peer_reads(reader, HELD / 2);
	kernel_peer_sends(evictor, "x", 1);
	ck_assert_int_lt(evictor->fd, reader->fd);
	turn();
	expect_answer(evictor, "X");
	expect_end(blocked, true, COUNTER_EVICTED);
	ck_assert(!reader->closed);
}
END_TEST

START_TEST(last_block_bounds_a_recv_and_its_taker_is_not_the_one_reset)
{
	fixture_reopen(2);
	struct kernel_socket *first = serve();
	fill_block(first);
	struct kernel_socket *second = serve();
	second->room = 0;
	kernel_peer_sends(second, letters(50000), 50000);
	turn();
	ck_assert_uint_eq(second->recv_asked, POOL_BLOCK_OUTPUT / 3 - 3);
	ck_assert_uint_ge(second->recv_asked, SHARD_INPUT_MIN);
	ck_assert_uint_eq(pool_room(&shard.pool), 0);
	struct kernel_socket *third = serve();
	third->room = 0;
	kernel_peer_sends(third, letters(50000), 50000);
	turn();
	expect_end(first, true, COUNTER_EVICTED);
	ck_assert_int_eq(conn_of(second)->state, CONN_SENDING);
	ck_assert_int_eq(conn_of(third)->state, CONN_SENDING);
	ck_assert_uint_eq(third->recv_asked, POOL_BLOCK_OUTPUT / 3 - 3);
}
END_TEST

START_TEST(tail_of_an_idle_connection_finds_room)
{
	fixture_reopen(1);
	struct kernel_socket *tail = serve();
	send_text(tail, "\xc3");
	pass(IDLE_MS - 1);
	struct kernel_socket *waiting = serve();
	fill_block(waiting);
	tail->room = 0;
	pass(1);
	expect_end(waiting, true, COUNTER_EVICTED);
	ck_assert_int_eq(conn_of(tail)->state, CONN_ENDING);
}
END_TEST

START_TEST(evicted_connection_is_not_called_for_its_event_in_the_same_turn)
{
	fixture_reopen(1);
	struct kernel_socket *evictor = serve();
	struct kernel_socket *evicted = serve();
	fill_block(evicted);
	ck_assert_int_lt(evictor->fd, evicted->fd);
	size_t nsends = evicted->calls[KERNEL_SEND];
	evicted->room = KERNEL_ROOM;
	kernel_peer_sends(evictor, "x", 1);
	turn();
	expect_answer(evictor, "X");
	ck_assert_uint_eq(evicted->calls[KERNEL_SEND], nsends);
	expect_end(evicted, true, COUNTER_EVICTED);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("eviction");
	TCase *eviction = fixture_case(suite, "eviction");
	tcase_add_test(eviction,
	    whoever_takes_nothing_for_longest_is_reset_when_the_pool_is_dry);
	tcase_add_test(
	    eviction, whoever_takes_a_part_is_not_the_one_that_is_reset);
	tcase_add_test(
	    eviction, whoever_has_read_since_is_not_the_one_that_is_reset);
	tcase_add_test(eviction,
	    last_block_bounds_a_recv_and_its_taker_is_not_the_one_reset);
	tcase_add_test(eviction, tail_of_an_idle_connection_finds_room);
	tcase_add_test(eviction,
	    evicted_connection_is_not_called_for_its_event_in_the_same_turn);
	return suite;
}
