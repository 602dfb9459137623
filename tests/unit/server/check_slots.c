/* SPDX-License-Identifier: ISC */
/* The memory of connections, from the start of one to its release. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <errno.h>

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

Suite *
suite(void)
{
	Suite *suite = suite_create("slots");
	TCase *slots = fixture_case(suite, "slots");
	tcase_add_test(slots, descriptor_is_closed_after_the_turn_only);
	tcase_add_test(slots, slots_are_used_again_and_start_afresh);
	tcase_add_test(slots, one_connection_after_the_other_uses_one_slot);
	tcase_add_test(slots,
	    socket_that_the_poller_refuses_is_counted_and_closed_after_the_turn);
	return suite;
}
