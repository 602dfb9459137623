/* SPDX-License-Identifier: ISC */
/* What connections share: slots, the pool, eviction, drain and release. */
#include "config.h"

#include "base/sys.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>
#include <string.h>

/* Less than a block holds, and than the least recv gets. */
enum { ANSWER = 4000 };

/* After how long memory that was not needed goes back, in ms. */
enum { TRIM_MS = 60000 };

static void
reopen(size_t blocks)
{
	fixture_close();
	nblocks = blocks;
	fixture_open();
}

/* The peer reads nothing, so the answer takes a block. */
static void
fill_block(struct kernel_socket *socket)
{
	socket->room = 0;
	kernel_peer_sends(socket, letters(ANSWER), ANSWER);
	turn();
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
}

START_TEST(whoever_takes_nothing_for_longest_is_reset_when_the_pool_is_dry)
{
	enum { N = 4 };
	struct kernel_socket *waiting[N];
	reopen(N);
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
	reopen(2);
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

START_TEST(last_block_bounds_a_recv_and_its_taker_is_not_the_one_reset)
{
	reopen(2);
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
	reopen(1);
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
	reopen(1);
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

static bool
is_zero(const unsigned char *bytes, size_t n)
{
	size_t i = 0;
	while (i < n && bytes[i] == 0)
		i++;
	return i == n;
}

START_TEST(memory_that_was_not_needed_for_long_goes_back_and_then_nothing_wakes)
{
	enum { BULK = 200000 };
	settings.idle_ms = settings.stall_ms = 0;
	reopen(LIMIT_BLOCKS);
	struct kernel_socket *socket = serve();
	socket->room = 1;
	kernel_peer_sends(socket, letters(BULK), BULK);
	turn();
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
	/* What is pending stays, for however long. */
	for (int i = 0; i < 5; i++)
		pass(TRIM_MS);
	socket->room = KERNEL_ROOM;
	turn_all();
	expect_capitals(socket, BULK);
	/* The first look sees what was in use, and the second one what was not.
	 */
	pass(TRIM_MS);
	ck_assert(!is_zero(shard.pool.memory, POOL_BLOCK));
	pass(TRIM_MS);
	ck_assert(is_zero(shard.pool.memory, POOL_BLOCK));
	ck_assert(is_zero(shard.input, BULK));
	ck_assert(is_zero(shard.output, BULK));
	pass(TRIM_MS);
	turn();
	ck_assert_int_eq(kernel.timeout_ms, -1);
	/* And it begins again with the next that is needed. */
	kernel_peer_sends(socket, letters(BULK), BULK);
	turn();
	pass(TRIM_MS);
	ck_assert(!is_zero(shard.input, BULK));
	pass(TRIM_MS);
	ck_assert(is_zero(shard.input, BULK));
}
END_TEST

/* The blocks that are gone or were never used. */
static size_t
count_cold(void)
{
	size_t ncold = 0;
	for (size_t i = 0; i < nblocks; i++)
		ncold +=
		    is_zero(shard.pool.memory + i * POOL_BLOCK, POOL_BLOCK);
	return ncold;
}

START_TEST(much_memory_goes_back_by_steps)
{
	enum { STEP = 128, STEP_MS = 10, TAKERS = 5, BULK = 1000000 };
	struct kernel_socket *takers[TAKERS];
	settings.idle_ms = settings.stall_ms = 0;
	/* All that is used goes back in three steps. */
	reopen(3 * STEP);
	memset(shard.pool.memory, 0, nblocks * POOL_BLOCK);
	for (int i = 0; i < TAKERS; i++) {
		takers[i] = serve();
		takers[i]->room = 0;
		kernel_peer_sends(takers[i], letters(BULK), BULK);
		turn();
	}
	for (int i = 0; i < TAKERS; i++)
		takers[i]->room = KERNEL_ROOM;
	turn_all();
	pass(TRIM_MS);
	size_t ncold = count_cold();
	ck_assert_uint_lt(ncold, STEP);
	pass(TRIM_MS);
	ck_assert_uint_eq(count_cold(), ncold + STEP);
	pass(STEP_MS);
	ck_assert_uint_eq(count_cold(), ncold + 2 * STEP);
	pass(STEP_MS);
	ck_assert_uint_eq(count_cold(), nblocks);
	pass(TRIM_MS);
	pass(STEP_MS);
	ck_assert_int_eq(kernel.timeout_ms, -1);
}
END_TEST

START_TEST(descriptor_is_closed_after_the_turn_only)
{
	struct kernel_socket *socket = serve();
	socket->peer_shut = true;
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert(!socket->closed);
	/* But it has ended, as far as the poller and the books go. */
	ck_assert_ptr_null(socket->poller);
	ck_assert_uint_eq(count(COUNTER_ENDED), 1);
	ck_assert_uint_eq(shard_release(&shard), 1);
	ck_assert(socket->closed);
	ck_assert_uint_eq(shard_release(&shard), 0);
}
END_TEST

START_TEST(slots_are_used_again_and_start_afresh)
{
	for (int round = 0; round < 100; round++) {
		struct kernel_socket *sockets[LIMIT_CONNECTIONS];
		for (int i = 0; i < LIMIT_CONNECTIONS; i++) {
			sockets[i] = serve();
			/* A rest of a character must not pass to the next. */
			send_text(sockets[i], "a\xc3");
			expect_answer(sockets[i], "A");
		}
		for (int i = 0; i < LIMIT_CONNECTIONS; i++)
			kernel_peer_resets(sockets[i]);
		turn();
		for (int i = 0; i < LIMIT_CONNECTIONS; i++)
			ck_assert(sockets[i]->closed);
		ck_assert_uint_eq(shard.nfresh, LIMIT_CONNECTIONS);
	}
	ck_assert_uint_eq(count(COUNTER_FAILED), 100 * LIMIT_CONNECTIONS);
}
END_TEST

START_TEST(one_connection_after_the_other_uses_one_slot)
{
	for (int i = 0; i < 100; i++) {
		struct kernel_socket *socket = serve();
		send_text(socket, "x");
		send_fin(socket);
		ck_assert(socket->closed);
	}
	ck_assert_uint_eq(shard.nfresh, 1);
}
END_TEST

START_TEST(socket_that_the_poller_refuses_is_counted_and_closed_after_the_turn)
{
	kernel_fail(KERNEL_WATCH, 1, ENOSPC);
	struct kernel_socket *socket = serve();
	ck_assert(!socket->closed);
	turn();
	expect_end(socket, true, COUNTER_FAILED);
	send_text(serve(), "x");
	ck_assert_uint_eq(shard.nfresh, 1);
}
END_TEST

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
	reopen(LIMIT_BLOCKS);
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

Suite *
suite(void)
{
	Suite *suite = suite_create("shard");
	TCase *evict = fixture_case(suite, "eviction");
	tcase_add_test(evict,
	    whoever_takes_nothing_for_longest_is_reset_when_the_pool_is_dry);
	tcase_add_test(
	    evict, whoever_takes_a_part_is_not_the_one_that_is_reset);
	tcase_add_test(
	    evict, last_block_bounds_a_recv_and_its_taker_is_not_the_one_reset);
	tcase_add_test(evict, tail_of_an_idle_connection_finds_room);
	tcase_add_test(evict,
	    evicted_connection_is_not_called_for_its_event_in_the_same_turn);
	TCase *slots = fixture_case(suite, "slots");
	tcase_add_test(slots,
	    memory_that_was_not_needed_for_long_goes_back_and_then_nothing_wakes);
	tcase_add_test(slots, much_memory_goes_back_by_steps);
	tcase_add_test(slots, descriptor_is_closed_after_the_turn_only);
	tcase_add_test(slots, slots_are_used_again_and_start_afresh);
	tcase_add_test(slots, one_connection_after_the_other_uses_one_slot);
	tcase_add_test(slots,
	    socket_that_the_poller_refuses_is_counted_and_closed_after_the_turn);
	TCase *drain = fixture_case(suite, "drain");
	tcase_add_test(
	    drain, drain_ends_a_quiet_connection_and_serves_a_busy_one);
	tcase_add_test(
	    drain, drain_waits_for_pending_output_as_long_as_it_moves);
	tcase_add_test(drain, drain_shortens_a_linger_that_has_begun);
	tcase_add_test(
	    drain, drain_ends_quiet_connections_without_an_idle_time);
	tcase_add_test(drain, cut_resets_what_is_left_in_every_state);
	return suite;
}
