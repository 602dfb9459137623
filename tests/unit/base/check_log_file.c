/* SPDX-License-Identifier: ISC */
/* The log in a file: at a limit, and of several threads. */
#include "config.h"

#include "base/log.h"
#include "base/log_stream.h"
#include "unit/base/log_fixture.h"
#include "unit/runner.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of which the limits here let only a part be written. */
enum { ENOUGH = 20000 };

/*
 * Logs until a file of that size has cost some lines.  Check's own file has the
 * same limit, so nothing is asserted as long as it holds.
 */
static void
log_up_to(rlim_t size)
{
	struct rlimit usual, limit;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &usual), 0);
	limit = usual;
	limit.rlim_cur = size;
	unsigned long dropped = log_dropped();
	(void)signal(SIGXFSZ, SIG_IGN);
	int failed = setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < ENOUGH && log_dropped() < dropped + 5; i++)
		log_next();
	(void)setrlimit(RLIMIT_FSIZE, &usual);
	ck_assert_int_eq(failed, 0);
	ck_assert_uint_eq(log_dropped(), dropped + 5);
}

static int
open_file(int flags)
{
	char path[] = "/tmp/check_log.XXXXXX";
	int fd = mkstemp(path);
	int log = open(path, O_WRONLY | flags);
	ck_assert_int_ne(log, -1);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(close(log), 0);
	log_open("test", LOG_LEVEL_INFO);
	return fd;
}

static void
read_file(int fd)
{
	ssize_t n = pread(fd, seen, sizeof seen - 1, 0);
	ck_assert_int_ge(n, 0);
	nseen = (size_t)n;
	seen[nseen] = '\0';
}

START_TEST(a_file_at_its_limit_has_whole_lines)
{
	int fd = open_file(_i == 0 ? O_APPEND : 0);
	for (rlim_t limit = 1000; limit < 20000; limit += 1009) {
		log_up_to(limit);
		read_file(fd);
		ck_assert_uint_le(nseen, limit);
		ck_assert_uint_le(check_seen(0), next);
	}
	log_next();
	read_file(fd);
	ck_assert_uint_eq(check_seen(0), next);
}
END_TEST

START_TEST(a_line_that_a_file_cannot_give_back_is_completed)
{
	/* There is something behind it. */
	int fd = open_file(0);
	static const char filling[4000];
	ck_assert_int_eq(
	    pwrite(fd, filling, sizeof filling, 0), sizeof filling);
	log_up_to(1000);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), sizeof filling);
	log_next();
	ck_assert_int_eq(ftruncate(fd, lseek(STDERR_FILENO, 0, SEEK_CUR)), 0);
	read_file(fd);
	ck_assert_uint_eq(check_seen(0), next);
}
END_TEST

enum { NTHREADS = 4, NLINES = 2000 };

static void *
log_often(void *arg)
{
	char text[LOG_LINE_MAX];
	for (unsigned i = 0; i < NLINES; i++) {
		(void)format_line(text, i);
		log_info("%c%s", *(const char *)arg, text);
	}
	return NULL;
}

/* Each thread's lines are there in their order, and none is missing. */
static void
check_threads(void)
{
	unsigned due[NTHREADS] = {0};
	char *line = seen;
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		char *text = text_of(line);
		ck_assert_int_ge(text[0], '0');
		ck_assert_int_lt(text[0], '0' + NTHREADS);
		check_line(text + 1, &due[text[0] - '0']);
	}
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_uint_eq(due[i], NLINES);
}

/* Threads that are in each other's way lose nothing. */
static void
log_at_once(void)
{
	static const char names[NTHREADS] = "0123";
	pthread_t threads[NTHREADS];
	unsigned long dropped = log_dropped();
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_often,
				     (void *)(uintptr_t)&names[i]),
		    0);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(log_dropped(), dropped);
}

START_TEST(lines_of_several_threads_are_whole_and_none_is_left_out)
{
	int fd = open_file(_i == 0 ? O_APPEND : 0);
	log_at_once();
	read_file(fd);
	check_threads();
}
END_TEST

static void *
log_one(void *arg)
{
	log_next();
	log_next();
	return arg;
}

START_TEST(a_write_that_does_not_return_costs_the_lines_of_other_threads)
{
	pthread_t other;
	int fd = open_file(O_APPEND);
	/* It is this thread that writes, and it stays at it. */
	ck_assert(log_stream_claim());
	ck_assert_int_eq(pthread_create(&other, NULL, log_one, NULL), 0);
	ck_assert_int_eq(pthread_join(other, NULL), 0);
	ck_assert_uint_eq(log_dropped(), 2);
	log_stream_release();
	log_next();
	read_file(fd);
	ck_assert_uint_eq(check_seen(0), 3);
	log_at_once();
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("log_file");
	TCase *log = tcase_create("log_file");
	tcase_set_timeout(log, 60);
	tcase_add_loop_test(log, a_file_at_its_limit_has_whole_lines, 0, 2);
	tcase_add_test(log, a_line_that_a_file_cannot_give_back_is_completed);
	tcase_add_loop_test(
	    log, lines_of_several_threads_are_whole_and_none_is_left_out, 0, 2);
	tcase_add_test(
	    log, a_write_that_does_not_return_costs_the_lines_of_other_threads);
	suite_add_tcase(suite, log);
	return suite;
}
