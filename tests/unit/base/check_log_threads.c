/* SPDX-License-Identifier: ISC */
/* The log of several threads, which share a file. */
#include "config.h"

#include "base/log.h"
#include "base/log_stream.h"
#include "unit/base/log_fixture.h"
#include "unit/runner.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

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
	Suite *suite = suite_create("log_threads");
	TCase *log = tcase_create("log_threads");
	tcase_add_loop_test(
	    log, lines_of_several_threads_are_whole_and_none_is_left_out, 0, 2);
	tcase_add_test(
	    log, a_write_that_does_not_return_costs_the_lines_of_other_threads);
	suite_add_tcase(suite, log);
	return suite;
}
