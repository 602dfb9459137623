/* SPDX-License-Identifier: ISC */
/*
 * The contract of poller.h at its edges: reused numbers, many descriptors,
 * signals and failures.  It is tested over each back end in turn, and over the
 * kqueue back end in its nasty modes (see backends.h).
 */
#include "config.h"

#include "base/sys.h"
#include "unit/backends.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { NPAIRS = 10 };

START_TEST(its_own_descriptors_are_close_on_exec_and_given_back)
{
	int before = descriptor_next();
	open_poller(_i);
	ck_assert_str_eq(poller_name(poller), poller_backend((size_t)_i));
	for (int fd = before; fcntl(fd, F_GETFD) != -1; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	poller_close(poller);
	ck_assert_int_eq(dup(0), before);
	(void)close(before);
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

static int bell;

static void
ring(int signo)
{
	(void)signo;
	if (bell != -1)
		(void)sys_send(bell, "a", 1);
}

/* Again and again, in case the first comes before there is a wait. */
static void
ring_each(int ms)
{
	struct sigaction action = {.sa_handler = ring, .sa_flags = SA_RESTART};
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	const struct itimerval timer = {{0, ms * 1000}, {0, ms * 1000}};
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

START_TEST(a_signal_ends_a_wait_for_ever_with_no_event)
{
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_INPUT);
	bell = -1;
	void *ready[1];
	uint64_t start = sys_now();
	ring_each(50);
	ck_assert_int_eq(poller_wait(poller, ready, 1, -1), 0);
	ring_each(0);
	ck_assert_uint_ge(sys_now() - start, 49);
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

START_TEST(a_descriptor_ends_a_wait_for_ever)
{
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_INPUT);
	bell = pair.far;
	void *ready[1] = {NULL};
	int n = 0;
	ring_each(50);
	for (int waits = 0; waits < 8 && n == 0; waits++)
		n = poller_wait(poller, ready, 1, -1);
	ring_each(0);
	ck_assert_int_eq(n, 1);
	ck_assert_ptr_eq(ready[0], &pair);
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

START_TEST(a_wait_that_the_system_refuses_fails)
{
	int before = descriptor_next();
	open_poller(_i);
	struct pair pair = pair_open();
	pair_want(&pair, POLLER_INPUT);
	void *ready[1];
	waits_break(poller_name(poller), before);
	errno = 0;
	ck_assert_int_eq(poller_wait(poller, ready, 1, 0), -1);
	ck_assert_int_ne(errno, 0);
	waits_mend();
	pair_end(&pair);
	poller_close(poller);
}
END_TEST

static void
add_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(a_forgotten_number_that_is_reused_owes_the_old_owner_nothing);
	ADD(what_is_wanted_for_nothing_is_closed_though_a_duplicate_is_open);
	ADD(all_are_served_in_turn_when_the_array_is_small);
	ADD(all_are_served_in_turn_when_they_are_more_than_a_batch);
	ADD(a_descriptor_ends_a_wait_for_ever);
	ADD(a_change_that_fails_leaves_everything_as_it_was);
#undef ADD
}

/* What a wait that ends early or untruly cannot show. */
static void
add_exact_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(its_own_descriptors_are_close_on_exec_and_given_back);
	ADD(the_first_descriptor_may_have_a_high_number);
	ADD(a_signal_ends_a_wait_for_ever_with_no_event);
	ADD(a_wait_that_the_system_refuses_fails);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller edges");
	backends_add(suite, add_contract, add_exact_contract);
	return suite;
}
