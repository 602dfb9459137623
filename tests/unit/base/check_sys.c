/* SPDX-License-Identifier: ISC */
/* The calls of the system, against a real one. */
#include "config.h"

#include "base/sys.h"
#include "net/address.h"
#include "unit/runner.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
expect_flags(int fd)
{
	ck_assert_int_ne(fd, -1);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

/* A listener on a free port of the loopback, and a connection to it. */
static int
make_connection(int *far)
{
	struct sockaddr_storage address;
	const struct sockaddr_in loopback = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = sys_socket(AF_INET);
	expect_flags(listener);
	ck_assert_int_eq(sys_accept(listener, NULL), -1);
	ck_assert_int_eq(sys_bind(listener, (const struct sockaddr *)&loopback,
			     sizeof loopback),
	    0);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	ck_assert_int_eq(sys_getsockname(listener, &address), 0);
	ck_assert_int_eq(sys_accept(listener, NULL), -1);
	ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
	*far = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    connect(*far, (struct sockaddr *)&address, sizeof loopback), 0);
	int near = sys_accept(listener, NULL);
	expect_flags(near);
	ck_assert_int_eq(sys_close(listener), 0);
	return near;
}

START_TEST(a_connection_moves_bytes_and_ends_with_end_of_file)
{
	int far, near = make_connection(&far);
	struct sockaddr_storage address;
	char text[ADDRESS_TEXT_MAX], bytes[8];
	ck_assert_int_eq(sys_getpeername(near, &address), 0);
	ck_assert_int_eq(
	    strncmp(address_format((struct sockaddr *)&address, text),
		"127.0.0.1:", 10),
	    0);
	ck_assert_int_eq(sys_recv(near, bytes, sizeof bytes), -1);
	ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
	char abc[] = "abc";
	struct iovec pieces[] = {
	    {.iov_base = abc, .iov_len = 1},
	    {.iov_base = abc + 1, .iov_len = 2},
	};
	ck_assert_int_eq(sys_sendv(far, pieces, 2), 3);
	ck_assert_int_eq(sys_shutdown(far), 0);
	/* What is only looked at is still to be received. */
	ck_assert_int_eq(sys_peek(near, bytes, 2), 2);
	ck_assert_mem_eq(bytes, "ab", 2);
	ck_assert_int_eq(sys_recv(near, bytes, 2), 2);
	ck_assert_mem_eq(bytes, "ab", 2);
	ck_assert_int_eq(sys_recv(near, bytes, sizeof bytes), 1);
	ck_assert_int_eq(sys_peek(near, bytes, sizeof bytes), 0);
	ck_assert_int_eq(sys_recv(near, bytes, sizeof bytes), 0);
	ck_assert_int_eq(sys_set_user_timeout(near, 1000), 0);
	/* A reset is seen by the peer. */
	ck_assert_int_eq(sys_set_partial(near, true), 0);
	ck_assert_int_eq(sys_set_partial(near, false), 0);
	ck_assert_int_eq(sys_set_reset(near), 0);
	ck_assert_int_eq(sys_close(near), 0);
	ck_assert_int_eq(sys_recv(far, bytes, sizeof bytes), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	/* And sending there is an error, and not the end of the program. */
	(void)signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(sys_send(far, "abc", 3), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(sys_sendv(far, pieces, 2), -1);
	ck_assert_int_eq(errno, EPIPE);
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(sys_close(far), 0);
}
END_TEST

START_TEST(what_the_peer_has_not_acknowledged_is_known_until_it_is_gone)
{
	static const char bytes[4096];
	int far, near = make_connection(&far);
	ck_assert_uint_eq(sys_unacknowledged(near), 0);
	ck_assert_int_eq(sys_check_connection(near), 0);
	/* Until the peer's system takes no more. */
	while (sys_send(near, bytes, sizeof bytes) > 0)
		continue;
	ck_assert_uint_gt(sys_unacknowledged(near), 0);
	ck_assert_int_eq(sys_check_connection(near), 0);
	/* With its input unread it resets, which comes at once here. */
	ck_assert_int_eq(close(far), 0);
	ck_assert_int_eq(sys_check_connection(near), -1);
	ck_assert(errno == ECONNRESET || errno == EPIPE);
	ck_assert_int_eq(sys_close(near), 0);
}
END_TEST

START_TEST(a_pipe_has_the_flags_and_ends_with_end_of_file)
{
	int ends[2];
	char bytes[8];
	ck_assert_int_eq(sys_pipe(ends), 0);
	expect_flags(ends[0]);
	expect_flags(ends[1]);
	ck_assert_int_eq(sys_read(ends[0], bytes, sizeof bytes), -1);
	ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
	ck_assert_int_eq(sys_write(ends[1], "abc", 3), 3);
	ck_assert_int_eq(sys_close(ends[1]), 0);
	ck_assert_int_eq(sys_read(ends[0], bytes, sizeof bytes), 3);
	ck_assert_int_eq(sys_read(ends[0], bytes, sizeof bytes), 0);
	ck_assert_int_eq(sys_close(ends[0]), 0);
}
END_TEST

static int far_end;
static int nalarms;

/* The second alarm brings what the interrupted call waits for. */
static void
answer(int signo)
{
	(void)signo;
	if (++nalarms == 2)
		(void)send(far_end, "a", 1, 0);
}

START_TEST(a_signal_does_not_show_in_a_call)
{
	int ends[2];
	char byte;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	far_end = ends[1];
	const struct sigaction action = {.sa_handler = answer};
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	const struct itimerval often = {{0, 10000}, {0, 10000}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	for (int i = 0; i < 2; i++) {
		nalarms = 0;
		ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
		ck_assert_int_eq(i == 0 ? sys_recv(ends[0], &byte, 1)
					: sys_read(ends[0], &byte, 1),
		    1);
		ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
		ck_assert_int_ge(nalarms, 2);
	}
	(void)sys_close(ends[0]);
	(void)sys_close(ends[1]);
}
END_TEST

START_TEST(an_error_is_told_also_when_it_cannot_be_asked_for)
{
	ck_assert_int_eq(sys_socket_error(-1), EBADF);
}
END_TEST

START_TEST(the_clock_does_not_go_back_and_a_sleep_takes_its_time)
{
	uint64_t start = sys_now();
	sys_sleep(20);
	ck_assert_uint_ge(sys_now(), start + 20);
}
END_TEST

START_TEST(limit_of_descriptors_is_raised_and_those_open_are_counted)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(limit.rlim_max >= 200);
	limit.rlim_max = 200;
	limit.rlim_cur = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct sys_descriptors before, after;
	sys_count_descriptors(&before);
	ck_assert_uint_eq(before.limit, 200);
	int fd = open("/dev/null", O_RDONLY);
	/* One far away is counted as well. */
	int far = fcntl(fd, F_DUPFD, 150);
	ck_assert_int_ge(far, 150);
	sys_count_descriptors(&after);
	ck_assert_uint_eq(after.open, before.open + 2);
	(void)close(fd);
	(void)close(far);
}
END_TEST

/* Notes which of the signals the thread takes. */
static void *
list_signals(void *taken)
{
	sigset_t blocked;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (int signo = 1; signo < 32; signo++) {
		if (signo != SIGKILL && signo != SIGSTOP &&
		    sigismember(&blocked, signo) == 0)
			((bool *)taken)[signo] = true;
	}
	return NULL;
}

START_TEST(both_clocks_tell_the_monotonic_time_each_in_its_unit)
{
	for (int i = 0; i < 1000; i++) {
		struct timespec before, after;
		ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &before), 0);
		uint64_t ms = sys_now(), us = sys_now_us(), later = sys_now();
		ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &after), 0);
		ck_assert_uint_le(ms, us / 1000);
		ck_assert_uint_le(us / 1000, later);
		ck_assert_uint_le((uint64_t)before.tv_sec, ms / 1000);
		ck_assert_uint_le(later / 1000, (uint64_t)after.tv_sec);
	}
}
END_TEST

START_TEST(a_thread_takes_no_signal_and_its_starter_takes_what_it_took)
{
	bool before[32] = {false}, taken[32] = {false}, after[32] = {false};
	pthread_t thread;
	(void)list_signals(before);
	ck_assert(before[SIGTERM]);
	ck_assert_int_eq(sys_thread_start(&thread, list_signals, taken), 0);
	sys_thread_join(thread);
	(void)list_signals(after);
	for (int signo = 1; signo < 32; signo++) {
		ck_assert(!taken[signo]);
		ck_assert(before[signo] == after[signo]);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("sys");
	TCase *sys = tcase_create("sys");
	tcase_add_test(sys, a_connection_moves_bytes_and_ends_with_end_of_file);
	tcase_add_test(
	    sys, what_the_peer_has_not_acknowledged_is_known_until_it_is_gone);
	tcase_add_test(sys, a_pipe_has_the_flags_and_ends_with_end_of_file);
	tcase_add_test(sys, a_signal_does_not_show_in_a_call);
	tcase_add_test(sys, an_error_is_told_also_when_it_cannot_be_asked_for);
	tcase_add_test(
	    sys, the_clock_does_not_go_back_and_a_sleep_takes_its_time);
	tcase_add_test(
	    sys, both_clocks_tell_the_monotonic_time_each_in_its_unit);
	tcase_add_test(
	    sys, a_thread_takes_no_signal_and_its_starter_takes_what_it_took);
	suite_add_tcase(suite, sys);
	/* valgrind lets nobody change the limit, and leaves these out. */
	TCase *limits = tcase_create("limits");
	tcase_set_tags(limits, "limits");
	tcase_add_test(
	    limits, limit_of_descriptors_is_raised_and_those_open_are_counted);
	suite_add_tcase(suite, limits);
	return suite;
}
