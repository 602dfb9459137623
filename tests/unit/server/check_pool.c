/* SPDX-License-Identifier: ISC */
/* The pool: outputs as chains of blocks, and the order in which they wait. */
#include "config.h"

#include "server/pool.h"
#include "unit/runner.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NBLOCKS = 5 };

/* The size of all outputs that the pool can hold at once. */
#define ALL (NBLOCKS * POOL_BLOCK_OUTPUT)

static struct pool pool;
static unsigned char *bytes;

/* Owners are only compared. */
static int first, second, third;

static uint64_t now;

/* Stores for an owner for whom the kernel has nothing. */
static struct block *
store(const void *from, size_t n, int *owner, bool is_proven)
{
	return pool_store(&pool, from, n, owner, is_proven, now);
}

/* The same a moment later. */
static struct block *
store_later(const void *from, size_t n, int *owner, bool is_proven)
{
	now++;
	return store(from, n, owner, is_proven);
}

static void
set_up(void)
{
	now = 1000;
	ck_assert_int_eq(pool_open(&pool, NBLOCKS), 0);
	bytes = malloc(ALL);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < ALL; i++)
		bytes[i] = (unsigned char)(i % 251);
}

static void
tear_down(void)
{
	ck_assert_uint_eq(pool_room(&pool), ALL);
	ck_assert_ptr_null(pool_costliest(&pool, now));
	pool_close(&pool);
	free(bytes);
}

/* Reads an output that starts at bytes + at, in pieces of at most step. */
static void
drop_all(struct block *block, size_t at, size_t n, size_t step)
{
	size_t end = at + n;
	while (block != NULL) {
		size_t left = block->end - block->start;
		size_t piece = left < step ? left : step;
		ck_assert_uint_gt(piece, 0);
		ck_assert_mem_eq(
		    block->bytes + block->start, bytes + at, piece);
		at += piece;
		block = pool_drop(&pool, block, piece, now);
	}
	ck_assert_uint_eq(at, end);
}

START_TEST(room_is_exact_for_every_number_of_blocks)
{
	struct block *outputs[NBLOCKS];
	for (size_t i = 0; i < NBLOCKS; i++) {
		ck_assert_uint_eq(
		    pool_room(&pool), (NBLOCKS - i) * POOL_BLOCK_OUTPUT);
		/* One byte takes a block, as a full one does. */
		ck_assert_uint_eq(pool_held(&pool), i);
		outputs[i] =
		    store(bytes, i % 2 ? 1 : POOL_BLOCK_OUTPUT, &first, false);
	}
	ck_assert_uint_eq(pool_room(&pool), 0);
	ck_assert_uint_eq(pool_held(&pool), NBLOCKS);
	for (size_t i = 0; i < NBLOCKS; i++) {
		pool_release(&pool, outputs[i]);
		ck_assert_uint_eq(
		    pool_room(&pool), (i + 1) * POOL_BLOCK_OUTPUT);
		ck_assert_uint_eq(pool_held(&pool), NBLOCKS - 1 - i);
	}
}
END_TEST

START_TEST(outputs_of_every_size_round_a_border_come_back)
{
	static const size_t steps[] = {
	    1021, POOL_BLOCK_OUTPUT - 1, POOL_BLOCK_OUTPUT, SIZE_MAX};
	for (size_t n = 1; n <= NBLOCKS; n++) {
		for (size_t less = 0; less < 3; less++) {
			size_t size = n * POOL_BLOCK_OUTPUT - less;
			for (size_t i = 0; i < 4; i++) {
				drop_all(store(bytes, size, &first, false), 0,
				    size, steps[i]);
				ck_assert_uint_eq(pool_room(&pool), ALL);
			}
		}
	}
}
END_TEST

START_TEST(one_byte_more_than_a_block_takes_two)
{
	struct block *output =
	    store(bytes, POOL_BLOCK_OUTPUT + 1, &first, false);
	ck_assert_uint_eq(pool_room(&pool), (NBLOCKS - 2) * POOL_BLOCK_OUTPUT);
	output = pool_drop(&pool, output, POOL_BLOCK_OUTPUT, now);
	/* The first one is free as soon as it is empty. */
	ck_assert_uint_eq(pool_room(&pool), (NBLOCKS - 1) * POOL_BLOCK_OUTPUT);
	ck_assert_uint_eq(output->end - output->start, 1);
	ck_assert_ptr_null(pool_drop(&pool, output, 1, now));
}
END_TEST

START_TEST(bytes_are_added_to_a_block_until_it_is_full)
{
	struct block *output = store(bytes, 1, &first, false);
	pool_append(output, bytes + 1, 9);
	pool_append(output, bytes + 10, POOL_BLOCK_OUTPUT - 10);
	ck_assert_uint_eq(pool_size(output), POOL_BLOCK_OUTPUT);
	ck_assert_uint_eq(pool_room(&pool), (NBLOCKS - 1) * POOL_BLOCK_OUTPUT);
	drop_all(output, 0, POOL_BLOCK_OUTPUT, 1000);
}
END_TEST

START_TEST(dropping_nothing_changes_nothing)
{
	struct block *output = store(bytes, 10, &first, false);
	ck_assert_ptr_eq(pool_drop(&pool, output, 0, now), output);
	drop_all(output, 0, 10, 3);
}
END_TEST

START_TEST(outputs_do_not_touch_each_other)
{
	/* Stored and dropped crosswise, so that chains mix in memory. */
	size_t n = POOL_BLOCK_OUTPUT + 100;
	struct block *a = store(bytes, n, &first, false);
	struct block *b = store(bytes + 7, n, &second, false);
	a = pool_drop(&pool, a, POOL_BLOCK_OUTPUT, now);
	struct block *c = store(bytes + 13, n, &third, false);
	drop_all(b, 7, n, 999);
	drop_all(a, POOL_BLOCK_OUTPUT, 100, 10);
	drop_all(c, 13, n, 1000);
}
END_TEST

START_TEST(costliest_is_who_makes_no_progress_for_longest)
{
	struct block *a = store(bytes, POOL_BLOCK_OUTPUT, &first, _i);
	struct block *b = store_later(bytes, POOL_BLOCK_OUTPUT, &second, _i);
	struct block *c = store_later(bytes, POOL_BLOCK_OUTPUT, &third, _i);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	/* Whoever takes a byte is one that reads. */
	now += 10;
	a = pool_drop(&pool, a, 1, now);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	b = pool_drop(&pool, b, 1, ++now);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &third);
	/* To be asked to take nothing is no progress. */
	c = pool_drop(&pool, c, 0, ++now);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &third);
	pool_release(&pool, c);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	pool_release(&pool, a);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	pool_release(&pool, b);
}
END_TEST

START_TEST(who_never_read_costs_more_than_who_has_just_read)
{
	/* It came first, and holds more. */
	struct block *reader =
	    store(bytes, 3 * POOL_BLOCK_OUTPUT, &first, true);
	now += 100;
	struct block *other = store(bytes, 1, &second, false);
	now += 100;
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	/* Taking a part is reading. */
	other = pool_drop(&pool, other, 0, now);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	pool_release(&pool, other);
	other = store(bytes, 2, &second, false);
	other = pool_drop(&pool, other, 1, now);
	now += 100;
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	pool_release(&pool, other);
	pool_release(&pool, reader);
}
END_TEST

START_TEST(who_read_once_is_not_trusted_for_long)
{
	struct block *reader = store(bytes, 1, &first, true);
	now += POOL_TRUST_MS - 1;
	struct block *other = store(bytes, 1, &second, false);
	now += 100 - (POOL_TRUST_MS - 1) % 100;
	pool_release(&pool, other);
	other = store(bytes, 1, &second, false);
	now++;
	/* Both count in full now, and it waits for longer. */
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	pool_release(&pool, other);
	pool_release(&pool, reader);
}
END_TEST

START_TEST(costliest_holds_most_of_those_without_progress_for_as_long)
{
	struct block *a = store(bytes, 1, &first, false);
	now += 60;
	struct block *b = store(bytes, 2 * POOL_BLOCK_OUTPUT, &second, false);
	/* One block for 100 ms costs more than two for 40. */
	now += 40;
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	/* And two for 140 cost more than one for 200. */
	now += 100;
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	pool_release(&pool, a);
	/* Of two that came together it is who holds more. */
	a = store(bytes, POOL_BLOCK_OUTPUT + 1, &first, false);
	struct block *c = store(bytes, 1, &third, false);
	pool_release(&pool, b);
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	pool_release(&pool, a);
	pool_release(&pool, c);
}
END_TEST

START_TEST(many_that_take_a_part_do_not_hide_one_that_takes_nothing)
{
	enum { MANY = 200 };
	struct pool many;
	struct block *blocks[MANY + 1];
	ck_assert_int_eq(pool_open(&many, MANY + 1), 0);
	for (size_t i = 0; i < MANY; i++)
		blocks[i] = pool_store(&many, bytes, 10, &first, false, now);
	blocks[MANY] = pool_store(&many, bytes, 10, &second, false, now);
	now++;
	for (size_t i = 0; i < MANY; i++)
		blocks[i] = pool_drop(&many, blocks[i], 1, now);
	ck_assert_ptr_eq(pool_costliest(&many, now), &second);
	for (size_t i = 0; i <= MANY; i++)
		pool_release(&many, blocks[i]);
	pool_close(&many);
}
END_TEST

START_TEST(release_of_a_part_and_of_nothing_gives_all_back)
{
	struct block *output = store(bytes, ALL, &first, false);
	output = pool_drop(&pool, output, POOL_BLOCK_OUTPUT, now);
	output = pool_drop(&pool, output, 1, now);
	pool_release(&pool, output);
	pool_release(&pool, NULL);
	ck_assert_uint_eq(pool_room(&pool), ALL);
}
END_TEST

START_TEST(blocks_that_were_not_needed_stay_untouched)
{
	static const unsigned char mark = 0xa5;
	unsigned char *rest = pool.memory + 2 * POOL_BLOCK;
	memset(rest, mark, (NBLOCKS - 2) * POOL_BLOCK);
	/* Many outputs, but never more than two blocks at once. */
	for (int i = 0; i < 100; i++) {
		struct block *a = store(bytes, 1, &first, false);
		struct block *b =
		    store(bytes, POOL_BLOCK_OUTPUT, &second, false);
		pool_release(&pool, a);
		pool_release(&pool, b);
	}
	size_t i = 0;
	while (i < (NBLOCKS - 2) * POOL_BLOCK && rest[i] == mark)
		i++;
	ck_assert_uint_eq(i, (NBLOCKS - 2) * POOL_BLOCK);
}
END_TEST

START_TEST(taking_what_the_kernel_holds_is_progress)
{
	enum { HELD = 100000 };
	struct block *a = store(bytes, 1, &first, false);
	pool_set_held(a, HELD);
	struct block *b = store_later(bytes, 1, &second, false);
	ck_assert_ptr_eq(pool_costliest(&pool, ++now), &first);
	/* Less than a block is what the network takes, and no reading. */
	ck_assert(!pool_note_held(&pool, a, HELD - POOL_BLOCK + 1, now));
	ck_assert(!pool_note_held(&pool, a, HELD, now));
	ck_assert_ptr_eq(pool_costliest(&pool, now), &first);
	ck_assert(pool_note_held(&pool, a, HELD - POOL_BLOCK, now));
	ck_assert_ptr_eq(pool_costliest(&pool, now), &second);
	/* That was counted; it takes as much again. */
	ck_assert(!pool_note_held(&pool, a, HELD - POOL_BLOCK - 1, now));
	ck_assert(pool_note_held(&pool, a, HELD - 2 * POOL_BLOCK, ++now));
	pool_release(&pool, b);
	pool_release(&pool, a);
}
END_TEST

START_TEST(what_the_kernel_takes_more_is_not_taken_for_what_it_had)
{
	enum { HELD = 100000 };
	struct block *a = store(bytes, 2 * POOL_BLOCK_OUTPUT, &first, false);
	pool_set_held(a, HELD);
	a = pool_drop(&pool, a, POOL_BLOCK_OUTPUT, now);
	a = pool_drop(&pool, a, 1, now);
	/* It would have these as well. */
	size_t sum = HELD + POOL_BLOCK_OUTPUT + 1;
	ck_assert(!pool_note_held(&pool, a, sum - POOL_BLOCK + 1, now));
	ck_assert(pool_note_held(&pool, a, sum - POOL_BLOCK, now));
	pool_release(&pool, a);
}
END_TEST

/* True if the pages of a block are gone: they read as zeros. */
static bool
is_cold(size_t i)
{
	const unsigned char *block = pool.memory + i * POOL_BLOCK;
	for (size_t j = 0; j < POOL_BLOCK; j++) {
		if (block[j] != 0)
			return false;
	}
	return true;
}

/* As the server does it, at the end of each minute; true if it has to go on. */
static bool
trim(void)
{
	while (pool_trim(&pool, 2))
		continue;
	return pool_begin(&pool);
}

START_TEST(trim_gives_back_what_was_not_needed_since_the_last)
{
	/* MemorySanitizer does not see that the kernel clears pages. */
	memset(pool.memory, 0, NBLOCKS * POOL_BLOCK);
	struct block *kept = store(bytes, 1, &first, false);
	pool_release(
	    &pool, store(bytes, ALL - POOL_BLOCK_OUTPUT, &second, false));
	/* All but one were needed until now. */
	ck_assert(trim());
	for (size_t i = 0; i < NBLOCKS; i++)
		ck_assert(!is_cold(i));
	/* Two are needed once more, each the one that was used last. */
	pool_release(
	    &pool, store(bytes, 2 * POOL_BLOCK_OUTPUT, &second, false));
	ck_assert(trim());
	size_t ncold = 0;
	for (size_t i = 0; i < NBLOCKS; i++)
		ncold += is_cold(i);
	ck_assert_uint_eq(ncold, NBLOCKS - 3);
	pool_release(&pool, kept);
	ck_assert(trim());
	/* At last nothing is left to give, until something is used again. */
	ck_assert(!trim());
	for (size_t i = 0; i < NBLOCKS; i++)
		ck_assert(is_cold(i));
	ck_assert(!trim());
	drop_all(store(bytes, ALL, &first, false), 0, ALL, SIZE_MAX);
	ck_assert(trim());
}
END_TEST

START_TEST(trim_goes_by_steps)
{
	pool_release(&pool, store(bytes, ALL, &first, false));
	ck_assert(pool_begin(&pool));
	for (size_t i = 1; i <= NBLOCKS; i++) {
		ck_assert_int_eq(pool_trim(&pool, 1), i < NBLOCKS);
		size_t ncold = 0;
		for (size_t j = 0; j < NBLOCKS; j++)
			ncold += is_cold(j);
		ck_assert_uint_eq(ncold, i);
	}
	ck_assert(!pool_begin(&pool));
}
END_TEST

START_TEST(size_that_overflows_is_a_lack_of_memory)
{
	struct pool other;
	ck_assert_int_eq(pool_open(&other, SIZE_MAX / 2), -1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *tcase = tcase_create("pool");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, room_is_exact_for_every_number_of_blocks);
	tcase_add_test(tcase, outputs_of_every_size_round_a_border_come_back);
	tcase_add_test(tcase, one_byte_more_than_a_block_takes_two);
	tcase_add_test(tcase, bytes_are_added_to_a_block_until_it_is_full);
	tcase_add_test(tcase, dropping_nothing_changes_nothing);
	tcase_add_test(tcase, outputs_do_not_touch_each_other);
	tcase_add_loop_test(
	    tcase, costliest_is_who_makes_no_progress_for_longest, 0, 2);
	tcase_add_test(tcase, who_never_read_costs_more_than_who_has_just_read);
	tcase_add_test(tcase, who_read_once_is_not_trusted_for_long);
	tcase_add_test(
	    tcase, costliest_holds_most_of_those_without_progress_for_as_long);
	tcase_add_test(tcase, taking_what_the_kernel_holds_is_progress);
	tcase_add_test(
	    tcase, what_the_kernel_takes_more_is_not_taken_for_what_it_had);
	tcase_add_test(
	    tcase, many_that_take_a_part_do_not_hide_one_that_takes_nothing);
	tcase_add_test(
	    tcase, trim_gives_back_what_was_not_needed_since_the_last);
	tcase_add_test(tcase, release_of_a_part_and_of_nothing_gives_all_back);
	tcase_add_test(tcase, blocks_that_were_not_needed_stay_untouched);
	tcase_add_test(tcase, trim_goes_by_steps);
	tcase_add_test(tcase, size_that_overflows_is_a_lack_of_memory);
	return suite;
}
