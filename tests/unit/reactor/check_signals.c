/* SPDX-License-Identifier: ISC */
/* Signals as events, and the bell that carries them, over each back end. */
#include "config.h"

#include "base/sys.h"
#include "reactor/bell.h"
#include "reactor/signals.h"
#include "unit/runner.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Bounds a wait for something that must come: turns that bring nothing. */
enum { TURNS_MAX = 100000 };

/* More than a pipe holds. */
enum { STORM = 70000 };

static const int signos[] = {SIGTERM, SIGHUP, SIGUSR1, 0};

static struct loop *loop;
static int counts[32];
static int argument;

static void
caught(int signo, void *arg)
{
	ck_assert_ptr_eq(arg, &argument);
	counts[signo]++;
}

static void
open_signals(int i)
{
	memset(counts, 0, sizeof counts);
	loop = loop_open(poller_backend((size_t)i));
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(signals_open(loop, signos, caught, &argument), 0);
}

static void
close_signals(void)
{
	signals_close(loop);
	loop_close(loop);
}

static void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
}

START_TEST(each_signal_is_passed_on_as_often_as_it_came)
{
	open_signals(_i);
	(void)raise(SIGTERM);
	(void)raise(SIGUSR1);
	(void)raise(SIGTERM);
	ck_assert_int_eq(counts[SIGTERM], 0);
	turn();
	ck_assert_int_eq(counts[SIGTERM], 2);
	ck_assert_int_eq(counts[SIGUSR1], 1);
	ck_assert_int_eq(counts[SIGHUP], 0);
	(void)raise(SIGTERM);
	turn();
	ck_assert_int_eq(counts[SIGTERM], 3);
	ck_assert_int_eq(counts[SIGUSR1], 1);
	close_signals();
}
END_TEST

static bool is_late;

static void
be_late(struct timer *timer)
{
	(void)timer;
	is_late = true;
}

START_TEST(the_loop_sleeps_again_when_a_signal_was_passed_on)
{
	open_signals(_i);
	struct timer_queue queue;
	struct timer timer;
	timer_queue_init(&queue, loop_timers(loop), 30, be_late);
	timer_init(&timer);
	(void)raise(SIGTERM);
	turn();
	is_late = false;
	timer_arm(&queue, &timer, loop_now(loop));
	for (int turns = 0; !is_late; turns++) {
		ck_assert_int_lt(turns, 3);
		turn();
	}
	ck_assert_int_eq(counts[SIGTERM], 1);
	close_signals();
}
END_TEST

START_TEST(a_storm_is_counted_in_full_and_does_not_block)
{
	open_signals(_i);
	for (int i = 0; i < STORM; i++)
		(void)raise(SIGHUP);
	turn();
	ck_assert_int_eq(counts[SIGHUP], STORM);
	close_signals();
}
END_TEST

START_TEST(signals_of_another_process_wake_a_loop_that_waits)
{
	open_signals(_i);
	pid_t parent = getpid(), child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		for (int i = 0; i < 1000; i++)
			(void)kill(parent, SIGHUP);
		(void)kill(parent, SIGTERM);
		_exit(0);
	}
	/* There is no deadline: each turn waits for a signal. */
	while (counts[SIGTERM] == 0)
		turn();
	ck_assert_int_eq(counts[SIGTERM], 1);
	ck_assert_int_ge(counts[SIGHUP], 1);
	ck_assert_int_le(counts[SIGHUP], 1000);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	close_signals();
}
END_TEST

START_TEST(the_handler_keeps_errno_even_if_its_write_fails)
{
	int first = dup(0);
	(void)close(first);
	open_signals(_i);
	/* The descriptors that were opened become such as nobody can write. */
	int deaf = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(deaf, -1);
	for (int fd = first; fd < deaf; fd++)
		ck_assert_int_eq(dup2(deaf, fd), fd);
	errno = ENOTTY;
	(void)raise(SIGTERM);
	ck_assert_int_eq(errno, ENOTTY);
	(void)close(deaf);
	close_signals();
}
END_TEST

START_TEST(after_the_end_the_signals_are_ignored_and_nothing_is_left_open)
{
	int flags[32];
	for (int fd = 0; fd < LENGTH(flags); fd++)
		flags[fd] = fcntl(fd, F_GETFD);
	open_signals(_i);
	close_signals();
	(void)raise(SIGTERM);
	ck_assert_int_eq(counts[SIGTERM], 0);
	for (int fd = 0; fd < LENGTH(flags); fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), flags[fd]);
	/* And it can be begun anew. */
	open_signals(_i);
	(void)raise(SIGTERM);
	turn();
	ck_assert_int_eq(counts[SIGTERM], 1);
	close_signals();
}
END_TEST

START_TEST(without_descriptors_it_fails_and_catches_nothing)
{
	loop = loop_open(poller_backend((size_t)_i));
	ck_assert_ptr_nonnull(loop);
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int next = dup(0);
	(void)close(next);
	/* Room for none, then for one end of the pipe. */
	for (int room = 0; room < 2; room++) {
		const struct rlimit low = {
		    (rlim_t)(next + room), limit.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
		ck_assert_int_eq(
		    signals_open(loop, signos, caught, &argument), -1);
		ck_assert_int_eq(errno, EMFILE);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct sigaction action;
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
	ck_assert(action.sa_handler == SIG_DFL);
	ck_assert_int_eq(dup(0), next);
	(void)close(next);
	loop_close(loop);
}
END_TEST

enum { RINGERS = 4, RINGS = 2000 };

static struct bell bell;
static atomic_int published;
static int heard;

static void
look(struct bell *self)
{
	ck_assert_ptr_eq(self, &bell);
	heard = atomic_load(&published);
}

static void *
ring_often(void *arg)
{
	for (int i = 0; i < RINGS; i++) {
		atomic_fetch_add(&published, 1);
		bell_ring(&bell);
	}
	return arg;
}

static void
look_and_ring(struct bell *self)
{
	if (++heard < 3)
		bell_ring(self);
}

START_TEST(a_ring_inside_the_callback_is_heard_in_the_next_turn)
{
	loop = loop_open(poller_backend((size_t)_i));
	ck_assert_ptr_nonnull(loop);
	heard = 0;
	ck_assert_int_eq(bell_open(&bell, loop, look_and_ring), 0);
	bell_ring(&bell);
	bell_ring(&bell);
	for (int turns = 1; turns <= 3; turns++) {
		turn();
		ck_assert_int_eq(heard, turns);
	}
	bell_close(&bell, loop);
	loop_close(loop);
}
END_TEST

START_TEST(nothing_that_was_published_before_a_ring_is_missed)
{
	loop = loop_open(poller_backend((size_t)_i));
	ck_assert_ptr_nonnull(loop);
	heard = 0;
	atomic_store(&published, 0);
	ck_assert_int_eq(bell_open(&bell, loop, look), 0);
	pthread_t ringers[RINGERS];
	for (int i = 0; i < RINGERS; i++)
		ck_assert_int_eq(
		    pthread_create(&ringers[i], NULL, ring_often, NULL), 0);
	for (int turns = 0; heard < RINGERS * RINGS; turns++) {
		ck_assert_int_lt(turns, TURNS_MAX);
		turn();
	}
	for (int i = 0; i < RINGERS; i++)
		ck_assert_int_eq(pthread_join(ringers[i], NULL), 0);
	bell_close(&bell, loop);
	loop_close(loop);
}
END_TEST

/* As they do when another program is executed then. */
START_TEST(what_was_caught_and_not_passed_on_can_wait_behind_a_mask)
{
	sigset_t all, before, waiting;
	(void)sigfillset(&all);
	open_signals(_i);
	(void)raise(SIGUSR1);
	turn();
	(void)raise(SIGTERM);
	(void)raise(SIGTERM);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
	signals_return();
	ck_assert_int_eq(sigpending(&waiting), 0);
	ck_assert(sigismember(&waiting, SIGTERM));
	ck_assert(!sigismember(&waiting, SIGUSR1));
	ck_assert(!sigismember(&waiting, SIGHUP));
	turn();
	ck_assert_int_eq(counts[SIGTERM], 0);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	turn();
	/* Those that are the same wait as one. */
	ck_assert_int_eq(counts[SIGTERM], 1);
	ck_assert_int_eq(counts[SIGUSR1], 1);
	close_signals();
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("signals");
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		TCase *tcase = tcase_create(poller_backend((size_t)i));
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
		ADD(each_signal_is_passed_on_as_often_as_it_came);
		ADD(the_loop_sleeps_again_when_a_signal_was_passed_on);
		ADD(a_storm_is_counted_in_full_and_does_not_block);
		ADD(signals_of_another_process_wake_a_loop_that_waits);
		ADD(the_handler_keeps_errno_even_if_its_write_fails);
		ADD(after_the_end_the_signals_are_ignored_and_nothing_is_left_open);
		ADD(without_descriptors_it_fails_and_catches_nothing);
		ADD(a_ring_inside_the_callback_is_heard_in_the_next_turn);
		ADD(nothing_that_was_published_before_a_ring_is_missed);
		ADD(what_was_caught_and_not_passed_on_can_wait_behind_a_mask);
#undef ADD
		suite_add_tcase(suite, tcase);
	}
	return suite;
}
