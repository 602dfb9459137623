/* SPDX-License-Identifier: ISC */
/*
 * The contract of poller.h for what is ready, and for how long.  It is tested
 * over each back end in turn, and over the kqueue back end in its nasty modes
 * (see backends.h).
 */
#include "config.h"

#include "base/sys.h"
#include "unit/backends.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/resource.h>

#include <errno.h>

enum { NPAIRS = 10 };

START_TEST(input_is_reported_as_long_as_it_is_there)
{
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_INPUT);
	expect_unready();
	ck_assert_int_eq(sys_send(pair.far, "abc", 3), 3);
	for (int i = 0; i < 3; i++) {
		char byte;
		expect_only(&pair);
		expect_only(&pair);
		ck_assert_int_eq(sys_recv(pair.near, &byte, 1), 1);
	}
	expect_unready();
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

START_TEST(output_is_reported_as_long_as_there_is_room)
{
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_OUTPUT);
	expect_only(&pair);
	expect_only(&pair);
	fill(pair.near);
	expect_unready();
	drain(pair.far);
	expect_only(&pair);
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

START_TEST(only_what_is_wanted_wakes)
{
	open_poller(_i);
	struct pair has_input = pair_open(), has_room = pair_open();
	fill(has_input.near);
	ck_assert_int_eq(sys_send(has_input.far, "abc", 3), 3);
	pair_want(&has_input, POLLER_INPUT);
	pair_want(&has_room, POLLER_OUTPUT);
	while (has_input.nevents == 0 || has_room.nevents == 0)
		(void)gather(POLLER_BATCH);
	pair_want(&has_input, POLLER_OUTPUT);
	pair_want(&has_room, POLLER_INPUT);
	expect_unready();
	pair_want(&has_input, POLLER_INPUT);
	expect_only(&has_input);
	pair_want(&has_input, POLLER_OUTPUT);
	pair_want(&has_room, POLLER_OUTPUT);
	expect_only(&has_room);
	pair_end(&has_input);
	pair_end(&has_room);
	poller_close(poller);
}
END_TEST

START_TEST(what_is_wanted_for_nothing_is_silent)
{
	for (int wanted = POLLER_INPUT; wanted <= POLLER_OUTPUT; wanted++) {
		open_poller(_i);
		/* One has input, one was hung up on, one was reset. */
		struct pair pairs[] = {
		    pair_open(), pair_open(), pair_connect()};
		for (int i = 0; i < 3; i++)
			pair_want(&pairs[i], (enum poller_interest)wanted);
		ck_assert_int_eq(sys_send(pairs[0].far, "abc", 3), 3);
		ck_assert_int_eq(sys_close(pairs[1].far), 0);
		ck_assert_int_eq(sys_set_reset(pairs[2].far), 0);
		ck_assert_int_eq(sys_close(pairs[2].far), 0);
		pairs[1].far = pairs[2].far = -1;
		for (int i = 0; i < 3; i++)
			pair_want(&pairs[i], POLLER_NOTHING);
		expect_silence(LONG_MS);
		for (int i = 0; i < 3; i++)
			pair_end(&pairs[i]);
		poller_close(poller);
	}
}
END_TEST

START_TEST(hang_up_and_reset_wake_a_reader_and_a_writer)
{
	for (int wanted = POLLER_INPUT; wanted <= POLLER_OUTPUT; wanted++) {
		open_poller(_i);
		struct pair left = pair_open(), reset = pair_connect();
		fill(left.near);
		fill(reset.near);
		ck_assert_int_eq(sys_close(left.far), 0);
		pair_want(&left, (enum poller_interest)wanted);
		expect_only(&left);
		ck_assert_int_eq(sys_set_reset(reset.far), 0);
		ck_assert_int_eq(sys_close(reset.far), 0);
		pair_want(&left, POLLER_NOTHING);
		pair_want(&reset, (enum poller_interest)wanted);
		expect_only(&reset);
		ck_assert_int_eq(sys_recv(reset.near, &(char){0}, 1), -1);
		ck_assert_int_eq(errno, ECONNRESET);
		left.far = reset.far = -1;
		pair_end(&left);
		pair_end(&reset);
		poller_close(poller);
	}
}
END_TEST

START_TEST(a_half_close_is_reported_until_all_is_read_and_then_as_end)
{
	open_poller(_i);
	struct pair pair = pair_connect();
	static const char bytes[1000];
	ck_assert_int_eq(sys_send(pair.far, bytes, 1000), 1000);
	ck_assert_int_eq(sys_shutdown(pair.far), 0);
	pair_want(&pair, POLLER_INPUT);
	size_t received = 0;
	ssize_t n = -1;
	for (int i = 0; i < 40 && n != 0; i++) {
		char part[100];
		expect_only(&pair);
		n = sys_recv(pair.near, part, sizeof part);
		received += n > 0 ? (size_t)n : 0;
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(received, 1000);
	expect_only(&pair);
	pair_want(&pair, POLLER_NOTHING);
	expect_silence(SHORT_MS);
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

START_TEST(all_are_served_in_turn_when_the_array_is_small)
{
	open_poller(_i);
	struct pair pairs[NPAIRS];
	for (int i = 0; i < NPAIRS; i++) {
		pairs[i] = pair_open();
		pair_want(&pairs[i], POLLER_OUTPUT);
	}
	/* Three rounds, by threes, so that the last wait overlaps. */
	for (int n = 0; n < 3 * NPAIRS;)
		n += gather(3);
	for (int i = 0; i < NPAIRS; i++) {
		ck_assert_int_ge(pairs[i].nevents, 2);
		ck_assert_int_le(pairs[i].nevents, 4);
		pair_end(&pairs[i]);
	}
	poller_close(poller);
}
END_TEST

START_TEST(all_are_served_in_turn_when_they_are_more_than_a_batch)
{
	enum { NDESCRIPTORS = POLLER_BATCH + 44 };
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	open_poller(_i);
	static struct pair ends[NDESCRIPTORS];
	for (int i = 0; i < NDESCRIPTORS; i += 2) {
		struct pair pair = pair_open();
		ends[i] = (struct pair){.near = pair.near, .far = -1};
		ends[i + 1] = (struct pair){.near = pair.far, .far = -1};
		pair_want(&ends[i], POLLER_OUTPUT);
		pair_want(&ends[i + 1], POLLER_OUTPUT);
	}
	static void *ready[NDESCRIPTORS + 1];
	int n = 0, served = 0;
	for (int waits = 0; n < 2 * NDESCRIPTORS; waits++) {
		ck_assert_int_lt(waits, 4 * NDESCRIPTORS);
		int got = poller_wait(poller, ready, NDESCRIPTORS, 1000);
		ck_assert_int_ge(got, 0);
		ck_assert_int_le(got, POLLER_BATCH);
		for (int i = 0; i < got; i++)
			((struct pair *)ready[i])->nevents++;
		n += got;
	}
	for (int i = 0; i < NDESCRIPTORS; i++) {
		served += ends[i].nevents > 0;
		pair_end(&ends[i]);
	}
	ck_assert_int_eq(served, NDESCRIPTORS);
	poller_close(poller);
}
END_TEST

static void
add_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(input_is_reported_as_long_as_it_is_there);
	ADD(output_is_reported_as_long_as_there_is_room);
	ADD(only_what_is_wanted_wakes);
	ADD(what_is_wanted_for_nothing_is_silent);
	ADD(hang_up_and_reset_wake_a_reader_and_a_writer);
	ADD(a_half_close_is_reported_until_all_is_read_and_then_as_end);
	ADD(all_are_served_in_turn_when_the_array_is_small);
	ADD(all_are_served_in_turn_when_they_are_more_than_a_batch);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller_readiness");
	backends_add(suite, add_contract, NULL);
	return suite;
}
