/* SPDX-License-Identifier: ISC */
/*
 * The contract of poller.h: readiness, interest and waits.  It is tested over
 * each back end in turn, and over the kqueue back end in its nasty modes (see
 * backends.h).
 */
#include "config.h"

#include "base/sys.h"
#include "unit/backends.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/resource.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { NPAIRS = 10 };

START_TEST(an_unknown_name_is_refused)
{
	ck_assert_ptr_null(poller_open("select"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(poller_open(""));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(without_descriptors_only_poll_can_be_opened)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct rlimit low = {(rlim_t)descriptor_next(), limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++) {
		errno = 0;
		struct poller *opened = poller_open(name);
		if (strcmp(name, "poll") != 0) {
			ck_assert_ptr_null(opened);
			ck_assert_int_eq(errno, EMFILE);
		} else {
			ck_assert_ptr_nonnull(opened);
		}
		poller_close(opened);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

START_TEST(no_name_means_the_first_and_poll_is_always_the_last)
{
	size_t n = 0;
	while (poller_backend(n) != NULL)
		n++;
	ck_assert_str_eq(poller_backend(n - 1), "poll");
	poller = poller_open(NULL);
	ck_assert_str_eq(poller_name(poller), poller_backend(0));
	poller_close(poller);
	poller_close(NULL);
}
END_TEST

START_TEST(without_any_descriptor_a_wait_sleeps)
{
	open_poller(_i);
	expect_silence(LONG_MS);
	poller_close(poller);
}
END_TEST

START_TEST(a_wait_is_never_too_short)
{
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_INPUT);
	for (int ms = 0; ms < 24; ms += 3) {
		void *ready[1];
		struct timespec start, stop;
		(void)clock_gettime(CLOCK_MONOTONIC, &start);
		ck_assert_int_eq(poller_wait(poller, ready, 1, ms), 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &stop);
		long passed = (stop.tv_sec - start.tv_sec) * 1000000000 +
			      stop.tv_nsec - start.tv_nsec;
		ck_assert_int_ge(passed, (long)ms * 1000000);
	}
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

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

START_TEST(a_descriptor_is_reported_once_a_wait_and_to_its_present_owner)
{
	open_poller(_i);
	struct pair pair = pair_open(), heir = {.near = pair.near};
	ck_assert_int_eq(sys_send(pair.far, "abc", 3), 3);
	pair_want(&pair, POLLER_INPUT);
	expect_only(&pair);
	pair_want(&pair, POLLER_OUTPUT);
	expect_only(&pair);
	ck_assert_int_eq(
	    poller_set(poller, pair.near, POLLER_OUTPUT, POLLER_INPUT, &heir),
	    0);
	expect_only(&heir);
	pair.wants = POLLER_INPUT;
	pair_end(&pair);
	poller_close(poller);
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

START_TEST(two_pollers_do_not_see_each_other)
{
	open_poller(_i);
	struct poller *first = poller;
	struct pair pair = pair_open(), other = pair_open();
	pair_want(&pair, POLLER_INPUT);
	open_poller(_i);
	pair_want(&other, POLLER_INPUT);
	ck_assert_int_eq(sys_send(pair.far, "a", 1), 1);
	expect_unready();
	ck_assert_int_eq(sys_send(other.far, "a", 1), 1);
	expect_only(&other);
	pair_end(&other);
	poller_close(poller);
	poller = first;
	expect_only(&pair);
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

/* Even pairs have input and no room for output, odd ones the reverse. */
static struct pair
make_one_sided(int i)
{
	struct pair pair = pair_open();
	if (i % 2 == 0) {
		fill(pair.near);
		ck_assert_int_eq(sys_send(pair.far, "a", 1), 1);
	}
	return pair;
}

static bool
is_ready(const struct pair *pair, int i)
{
	return pair->wants == (i % 2 == 0 ? POLLER_INPUT : POLLER_OUTPUT);
}

/* Asks who is ready, until all that should be are there. */
static void
expect_ready(struct pair *pairs)
{
	int missing = 0, strangers = 0;
	for (int i = 0; i < NPAIRS; i++) {
		pairs[i].nevents = 0;
		missing += is_ready(&pairs[i], i);
	}
	for (int waits = 0; missing > 0; waits++) {
		ck_assert_int_lt(waits, 4 * NPAIRS);
		void *ready[2 * NPAIRS];
		int n = poller_wait(poller, ready, 2 * NPAIRS, 0);
		ck_assert_int_ge(n, 0);
		while (n-- > 0) {
			struct pair *pair = ready[n];
			if (!is_ready(pair, (int)(pair - pairs)))
				strangers++;
			else if (pair->nevents++ == 0)
				missing--;
			if (is_untrue)
				ck_assert_int_ne(pair->wants, POLLER_NOTHING);
		}
	}
	if (!is_untrue)
		ck_assert_int_eq(strangers, 0);
}

START_TEST(a_thousand_changes_leave_each_owner_its_own_interest)
{
	open_poller(_i);
	struct pair pairs[NPAIRS];
	for (int i = 0; i < NPAIRS; i++)
		pairs[i] = make_one_sided(i);
	uint32_t random = 1;
	for (int change = 0; change < 1000; change++) {
		random = random * 1664525 + 1013904223;
		int i = (int)(random >> 16) % NPAIRS;
		enum poller_interest wants = (random >> 8) % 4;
		if (wants <= POLLER_OUTPUT) {
			pair_want(&pairs[i], wants);
		} else {
			pair_end(&pairs[i]);
			pairs[i] = make_one_sided(i);
		}
		expect_ready(pairs);
	}
	for (int i = 0; i < NPAIRS; i++)
		pair_end(&pairs[i]);
	poller_close(poller);
}
END_TEST

static void
add_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(input_is_reported_as_long_as_it_is_there);
	ADD(output_is_reported_as_long_as_there_is_room);
	ADD(what_is_wanted_for_nothing_is_silent);
	ADD(only_what_is_wanted_wakes);
	ADD(a_descriptor_is_reported_once_a_wait_and_to_its_present_owner);
	ADD(hang_up_and_reset_wake_a_reader_and_a_writer);
	ADD(a_half_close_is_reported_until_all_is_read_and_then_as_end);
	ADD(two_pollers_do_not_see_each_other);
	ADD(a_thousand_changes_leave_each_owner_its_own_interest);
#undef ADD
}

/* What a wait that ends early or untruly cannot show. */
static void
add_exact_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(without_any_descriptor_a_wait_sleeps);
	ADD(a_wait_is_never_too_short);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller");
	TCase *names = tcase_create("names");
	tcase_add_test(names, an_unknown_name_is_refused);
	tcase_add_test(
	    names, no_name_means_the_first_and_poll_is_always_the_last);
	tcase_add_test(names, without_descriptors_only_poll_can_be_opened);
	suite_add_tcase(suite, names);
	backends_add(suite, add_contract, add_exact_contract);
	return suite;
}
