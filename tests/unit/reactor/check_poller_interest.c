/* SPDX-License-Identifier: ISC */
/*
 * The contract of poller.h for changes: who is told of which descriptor.  It is
 * tested over each back end in turn, and over the kqueue back end in its nasty
 * modes (see backends.h).
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
#include <unistd.h>

enum { NPAIRS = 10 };

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

START_TEST(a_forgotten_number_that_is_reused_owes_the_old_owner_nothing)
{
	for (int wanted = POLLER_NOTHING; wanted <= POLLER_OUTPUT; wanted++) {
		open_poller(_i);
		struct pair old = pair_open(), fresh = pair_open();
		ck_assert_int_eq(sys_send(old.far, "abc", 3), 3);
		ck_assert_int_eq(sys_send(fresh.far, "abc", 3), 3);
		pair_want(&old, (enum poller_interest)wanted);
		int number = old.near;
		pair_end(&old);
		ck_assert_int_eq(dup2(fresh.near, number), number);
		ck_assert_int_eq(sys_close(fresh.near), 0);
		fresh.near = number;
		expect_silence(SHORT_MS);
		pair_want(&fresh, POLLER_INPUT);
		expect_only(&fresh);
		pair_want(&fresh, POLLER_OUTPUT);
		expect_only(&fresh);
		pair_end(&fresh);
		poller_close(poller);
	}
}
END_TEST

START_TEST(what_is_wanted_for_nothing_is_closed_though_a_duplicate_is_open)
{
	for (int wanted = POLLER_INPUT; wanted <= POLLER_OUTPUT; wanted++) {
		open_poller(_i);
		struct pair pair = pair_open();
		int copy = dup(pair.near);
		ck_assert_int_ne(copy, -1);
		ck_assert_int_eq(sys_send(pair.far, "abc", 3), 3);
		pair_want(&pair, (enum poller_interest)wanted);
		expect_only(&pair);
		pair_want(&pair, POLLER_NOTHING);
		pair_end(&pair);
		expect_silence(SHORT_MS);
		(void)close(copy);
		poller_close(poller);
	}
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

/* poll learns of a bad descriptor only in a wait, and calls it ready. */
START_TEST(a_change_that_fails_leaves_everything_as_it_was)
{
	open_poller(_i);
	struct pair pair = pair_open();
	int number = pair.near;
	ck_assert_int_eq(sys_close(pair.near), 0);
	bool is_poll = strcmp(poller_name(poller), "poll") == 0;
	for (int wanted = POLLER_INPUT; wanted <= POLLER_OUTPUT; wanted++) {
		int result = poller_set(poller, number, POLLER_NOTHING,
		    (enum poller_interest)wanted, &pair);
		if (is_poll) {
			ck_assert_int_eq(result, 0);
			expect_only(&pair);
			poller_forget(
			    poller, number, (enum poller_interest)wanted);
		} else {
			ck_assert_int_eq(result, -1);
			ck_assert_int_eq(errno, EBADF);
		}
	}
	struct pair fresh = pair_open();
	ck_assert_int_eq(dup2(fresh.near, number), number);
	expect_silence(SHORT_MS);
	pair_want(&fresh, POLLER_OUTPUT);
	expect_only(&fresh);
	pair_end(&fresh);
	(void)sys_close(number);
	(void)sys_close(pair.far);
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

START_TEST(the_first_descriptor_may_have_a_high_number)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	open_poller(_i);
	struct pair pair = pair_open();
	int number = limit.rlim_cur < 10000 ? (int)limit.rlim_cur - 1 : 9999;
	int high = dup2(pair.near, number);
	ck_assert_int_eq(high, number);
	ck_assert_int_eq(sys_close(pair.near), 0);
	pair.near = high;
	pair_want(&pair, POLLER_OUTPUT);
	expect_only(&pair);
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

static void
add_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(a_descriptor_is_reported_once_a_wait_and_to_its_present_owner);
	ADD(a_forgotten_number_that_is_reused_owes_the_old_owner_nothing);
	ADD(what_is_wanted_for_nothing_is_closed_though_a_duplicate_is_open);
	ADD(two_pollers_do_not_see_each_other);
	ADD(a_change_that_fails_leaves_everything_as_it_was);
	ADD(a_thousand_changes_leave_each_owner_its_own_interest);
#undef ADD
}

/* What a wait that ends early or untruly cannot show. */
static void
add_exact_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(the_first_descriptor_may_have_a_high_number);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller_interest");
	backends_add(suite, add_contract, add_exact_contract);
	return suite;
}
