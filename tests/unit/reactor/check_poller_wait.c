/* SPDX-License-Identifier: ISC */
/*
 * The contract of poller.h for how long a wait lasts and what ends it.  It is
 * tested over each back end in turn, and over the kqueue back end in its nasty
 * modes (see backends.h).
 */
#include "config.h"

#include "base/sys.h"
#include "unit/backends.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

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
	ADD(a_descriptor_ends_a_wait_for_ever);
#undef ADD
}

/* What a wait that ends early or untruly cannot show. */
static void
add_exact_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(without_any_descriptor_a_wait_sleeps);
	ADD(a_wait_is_never_too_short);
	ADD(a_signal_ends_a_wait_for_ever_with_no_event);
	ADD(a_wait_that_the_system_refuses_fails);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller_wait");
	backends_add(suite, add_contract, add_exact_contract);
	return suite;
}
