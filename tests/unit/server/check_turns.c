/* SPDX-License-Identifier: ISC */
/* How much a connection moves in one turn, and who has large buffers. */
#include "config.h"

#include "base/sys.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <stdlib.h>
#include <string.h>

enum {
	SMALL_SEND = 65000, /* of the kernel's buffers */
	SMALL = 45000,      /* of those that receive */
	LARGE = 500000,
	LONG = 3 << 20,  /* more than any turn moves */
	UNUSED_MS = 1000 /* after so long it may lose its large buffers */
};

/* Blocks for the answer to the largest recv, and some more. */
enum { ENOUGH_BLOCKS = 200 };

static void
set_up(void)
{
	fixture_close();
	nblocks = ENOUGH_BLOCKS;
	settings.send_buffer = SMALL_SEND;
	settings.receive_buffer = SMALL;
	settings.large_buffer = LARGE;
	fixture_open();
}

static void
tear_down(void)
{
	settings.workers = 1;
}

static bool
has_buffers(const struct kernel_socket *socket, int send, int receive)
{
	return kernel_option(socket, SOL_SOCKET, SO_SNDBUF) == send &&
	       kernel_option(socket, SOL_SOCKET, SO_RCVBUF) == receive;
}

static bool
is_large(const struct kernel_socket *socket)
{
	return has_buffers(socket, LARGE, LARGE);
}

/* The peer sends as much as is bulk, and is answered. */
static void
move_bulk(struct kernel_socket *socket)
{
	kernel_peer_sends(
	    socket, letters(KERNEL_BUFFERS_BULK), KERNEL_BUFFERS_BULK);
	turn();
}

START_TEST(message_costs_one_wait_one_recv_and_one_send)
{
	struct kernel_socket *socket = serve();
	send_text(socket, "the first");
	size_t before[KERNEL_NCALLS];
	memcpy(before, kernel.calls, sizeof before);
	send_text(socket, "another");
	for (int call = 0; call < KERNEL_NCALLS; call++) {
		bool once = call == KERNEL_WAIT || call == KERNEL_RECV ||
			    call == KERNEL_SEND;
		ck_assert_msg(kernel.calls[call] - before[call] == (size_t)once,
		    "call %d", call);
	}
}
END_TEST

START_TEST(turn_is_one_recv_of_so_much)
{
	struct kernel_socket *sockets[3];
	for (int i = 0; i < 3; i++) {
		sockets[i] = serve();
		kernel_peer_sends(sockets[i], letters(LONG), LONG);
	}
	turn();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(sockets[i]->in.start, SHARD_INPUT);
	turn_all();
	for (int i = 0; i < 3; i++)
		expect_capitals(sockets[i], LONG);
}
END_TEST

START_TEST(buffers_begin_with_a_cache_line_wherever_memory_is_free)
{
	void *kept[8];
	for (size_t i = 0; i < 8; i++) {
		fixture_close();
		kept[i] = malloc(SHARD_INPUT + 16 * i);
		fixture_open();
		ck_assert_uint_eq((uintptr_t)shard.input % CONN_ALIGNMENT, 0);
		ck_assert_uint_eq((uintptr_t)shard.output % CONN_ALIGNMENT, 0);
	}
	for (size_t i = 0; i < 8; i++)
		free(kept[i]);
}
END_TEST

START_TEST(output_in_many_blocks_is_sent_by_one_call)
{
	enum { SIZE = 16 * POOL_BLOCK_OUTPUT };
	struct kernel_socket *socket = serve();
	socket->room = 0;
	kernel_peer_sends(socket, letters(SIZE), SIZE);
	turn();
	ck_assert_uint_eq(socket->in.start, SIZE);
	/* It ends inside a block, and goes on from there. */
	socket->room = 100;
	turn();
	size_t before = socket->calls[KERNEL_SEND];
	socket->room = KERNEL_ROOM;
	turn();
	ck_assert_uint_eq(socket->calls[KERNEL_SEND], before + 1);
	turn_all();
	expect_capitals(socket, SIZE);
}
END_TEST

START_TEST(buffers_are_small_until_one_recv_is_bulk)
{
	struct kernel_socket *socket = serve();
	/* The other one is inherited from the listener. */
	ck_assert(has_buffers(socket, -1, SMALL));
	kernel_peer_sends(
	    socket, letters(KERNEL_BUFFERS_BULK), KERNEL_BUFFERS_BULK - 1);
	turn();
	ck_assert(has_buffers(socket, -1, SMALL));
	move_bulk(socket);
	ck_assert(is_large(socket));
	size_t ncalls = socket->calls[KERNEL_SETSOCKOPT];
	move_bulk(socket);
	ck_assert_uint_eq(socket->calls[KERNEL_SETSOCKOPT], ncalls);
}
END_TEST

START_TEST(only_so_many_have_large_buffers_and_who_needs_them_least_loses_them)
{
	enum { SHARE = 4 };
	fixture_close();
	settings.workers = KERNEL_BUFFERS_LARGE_MAX / SHARE;
	fixture_open();
	struct kernel_socket *sockets[SHARE + 1];
	for (int i = 0; i <= SHARE; i++) {
		sockets[i] = serve();
		move_bulk(sockets[i]);
	}
	for (int i = 0; i < SHARE; i++)
		ck_assert(is_large(sockets[i]));
	ck_assert(has_buffers(sockets[SHARE], -1, SMALL));
	pass(UNUSED_MS / 2);
	move_bulk(sockets[1]);
	pass(UNUSED_MS / 2 - 1);
	move_bulk(sockets[SHARE]);
	ck_assert(has_buffers(sockets[SHARE], -1, SMALL));
	/* This one cannot give back what the kernel holds for it. */
	sockets[0]->room = 0;
	kernel_peer_sends(sockets[0], "x", 1);
	pass(1);
	ck_assert_int_eq(conn_of(sockets[0])->state, CONN_SENDING);
	move_bulk(sockets[SHARE]);
	ck_assert(is_large(sockets[SHARE]));
	ck_assert(is_large(sockets[0]) && is_large(sockets[1]));
	ck_assert(has_buffers(sockets[2], SMALL_SEND, SMALL));
	ck_assert(is_large(sockets[3]));
}
END_TEST

START_TEST(large_buffers_are_no_smaller_than_those_that_all_have)
{
	fixture_close();
	settings.send_buffer = 2 * LARGE;
	fixture_open();
	struct kernel_socket *socket = serve();
	move_bulk(socket);
	ck_assert(has_buffers(socket, 2 * LARGE, LARGE));
}
END_TEST

START_TEST(closed_connection_leaves_its_large_buffers_to_others)
{
	fixture_close();
	settings.workers = KERNEL_BUFFERS_LARGE_MAX;
	fixture_open();
	struct kernel_socket *socket = serve(), *other = serve();
	move_bulk(socket);
	move_bulk(other);
	ck_assert(is_large(socket) && !is_large(other));
	send_fin(socket);
	move_bulk(other);
	ck_assert(is_large(other));
}
END_TEST

START_TEST(every_worker_has_at_least_one_with_large_buffers)
{
	ck_assert_uint_eq(kernel_buffers_large(1), KERNEL_BUFFERS_LARGE_MAX);
	ck_assert_uint_eq(
	    kernel_buffers_large(3), KERNEL_BUFFERS_LARGE_MAX / 3);
	ck_assert_uint_eq(kernel_buffers_large(SETTINGS_WORKERS_MAX), 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *turns = fixture_case(suite, "turns");
	tcase_add_checked_fixture(turns, set_up, tear_down);
	tcase_add_test(turns, message_costs_one_wait_one_recv_and_one_send);
	tcase_add_test(turns, turn_is_one_recv_of_so_much);
	tcase_add_test(
	    turns, buffers_begin_with_a_cache_line_wherever_memory_is_free);
	tcase_add_test(turns, output_in_many_blocks_is_sent_by_one_call);
	TCase *buffers = fixture_case(suite, "buffers");
	tcase_add_checked_fixture(buffers, set_up, tear_down);
	tcase_add_test(buffers, buffers_are_small_until_one_recv_is_bulk);
	tcase_add_test(buffers,
	    only_so_many_have_large_buffers_and_who_needs_them_least_loses_them);
	tcase_add_test(
	    buffers, large_buffers_are_no_smaller_than_those_that_all_have);
	tcase_add_test(
	    buffers, closed_connection_leaves_its_large_buffers_to_others);
	tcase_add_test(
	    buffers, every_worker_has_at_least_one_with_large_buffers);
	return suite;
}
