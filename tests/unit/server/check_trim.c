/* SPDX-License-Identifier: ISC */
/* Memory that was not needed goes back to the system. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <string.h>

/* After how long memory that was not needed goes back, in ms. */
enum { TRIM_MS = 60000 };

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
	fixture_reopen(LIMIT_BLOCKS);
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
	enum { STEP = 128, STEP_MS = 10, TAKERS = LIMIT_CONNECTIONS };
	struct kernel_socket *takers[TAKERS];
	settings.idle_ms = settings.stall_ms = 0;
	/* All that is used goes back in three steps. */
	fixture_reopen(3 * STEP);
	memset(shard.pool.memory, 0, nblocks * POOL_BLOCK);
	for (int i = 0; i < TAKERS; i++) {
		takers[i] = serve();
		takers[i]->room = 0;
		kernel_peer_sends(takers[i], letters(SHARD_INPUT), SHARD_INPUT);
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

Suite *
suite(void)
{
	Suite *suite = suite_create("trim");
	TCase *trim = fixture_case(suite, "trim");
	tcase_add_test(trim,
	    memory_that_was_not_needed_for_long_goes_back_and_then_nothing_wakes);
	tcase_add_test(trim, much_memory_goes_back_by_steps);
	return suite;
}
