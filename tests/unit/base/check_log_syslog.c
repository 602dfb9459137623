/* SPDX-License-Identifier: ISC */
/* The log of the host: a reader that is there, full, gone and back again. */
#include "config.h"

#include "base/log.h"
#include "base/log_syslog.h"
#include "base/sys.h"
#include "unit/base/log_fixture.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, NTHREADS = 4, NLINES = 500 };

static char folder[] = "/tmp/check_syslog.XXXXXX";
static char first[64], second[64];
static const char *const paths[] = {first, second, NULL};
static char datagram[4096];

static void
set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(first, sizeof first, "%s/first", folder);
	(void)snprintf(second, sizeof second, "%s/second", folder);
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_DEBUG);
	next = 0;
}

static void
tear_down(void)
{
	(void)unlink(first);
	(void)unlink(second);
	(void)rmdir(folder);
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	(void)unlink(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The next datagram, which has to be there by now; NULL: there is none. */
static char *
receive(int fd)
{
	ssize_t n = recv(fd, datagram, sizeof datagram - 1, MSG_DONTWAIT);
	if (n == -1)
		return NULL;
	datagram[n] = '\0';
	return datagram;
}

static void
expect(int fd, int priority, const char *text)
{
	char wanted[2 * LOG_LINE_MAX];
	(void)snprintf(wanted, sizeof wanted, "<%d>test[%ld]: %s", priority,
	    (long)getpid(), text);
	ck_assert_str_eq(receive(fd), wanted);
}

/* Takes all that has come; each line is the one due, or tells of those. */
static void
take_all(int fd, unsigned *due)
{
	while (receive(fd) != NULL) {
		char *text = strstr(datagram, "]: ");
		ck_assert_ptr_nonnull(text);
		check_line(text + 3, due);
	}
}

/* Logs and reads until each line has come or was told of. */
static void
log_until_all_are_told(int fd, unsigned *due)
{
	for (int ms = 0; ms < PATIENCE_MS && *due != next; ms += 10) {
		log_next();
		take_all(fd, due);
		if (*due != next)
			(void)poll(NULL, 0, 10);
	}
	ck_assert_uint_eq(*due, next);
}

START_TEST(a_line_is_a_datagram_with_its_priority)
{
	int fd = listen_at(first);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_errorx("broken");
	errno = ENOENT;
	log_warn("odd");
	log_info("a\nb\\%s", "\xc3\xa9");
	log_debug("detail");
	expect(fd, 27, "error: broken");
	expect(fd, 28, "warning: odd: No such file or directory");
	expect(fd, 30, "a\\x0ab\\x5c\\xc3\\xa9");
	expect(fd, 31, "detail");
	ck_assert_ptr_null(receive(fd));
	ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

START_TEST(standard_error_has_the_lines_until_it_is_left)
{
	int fd = listen_at(first);
	log_info("before");
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_info("both");
	log_leave_stderr();
	log_info("after");
	expect(fd, 30, "both");
	expect(fd, 30, "after");
	const char *text = written();
	ck_assert_ptr_nonnull(strstr(text, "] before\n"));
	ck_assert_ptr_nonnull(strstr(text, "] both\n"));
	ck_assert_ptr_null(strstr(text, "after"));
}
END_TEST

START_TEST(standard_error_is_not_left_for_nothing)
{
	log_leave_stderr();
	log_info("here");
	ck_assert_ptr_nonnull(strstr(written(), "] here\n"));
}
END_TEST

START_TEST(the_longest_line_comes_whole_or_is_cut)
{
	char text[2 * LOG_LINE_MAX];
	int fd = listen_at(first);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_error("%s", text);
	ck_assert_ptr_nonnull(receive(fd));
	ck_assert_uint_gt(strlen(datagram), LOG_LINE_MAX - 32);
	ck_assert_uint_lt(strlen(datagram), LOG_LINE_MAX + 64);
}
END_TEST

START_TEST(the_second_path_is_for_when_there_is_no_first)
{
	int fd = listen_at(second);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_info("there");
	expect(fd, 30, "there");
}
END_TEST

START_TEST(lines_for_a_full_reader_are_left_out_and_told_of)
{
	unsigned due = 0;
	int fd = listen_at(first);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_leave_stderr();
	for (int round = 0; round < 3; round++) {
		unsigned long before = log_dropped();
		/* No queue is as long as that. */
		for (int i = 0; i < 100000 && log_dropped() < before + 3; i++)
			log_next();
		ck_assert_uint_eq(log_dropped(), before + 3);
		log_until_all_are_told(fd, &due);
	}
}
END_TEST

START_TEST(a_reader_that_comes_later_is_found)
{
	unsigned due = 0;
	ck_assert_int_eq(log_add_syslog(paths), 0);
	ck_assert_ptr_nonnull(strstr(written(), "warning: cannot reach"));
	log_leave_stderr();
	log_next();
	ck_assert_uint_eq(log_dropped(), 1);
	int fd = listen_at(_i == 0 ? first : second);
	log_until_all_are_told(fd, &due);
}
END_TEST

START_TEST(a_reader_that_is_started_again_is_found)
{
	unsigned due = 0;
	int fd = listen_at(first);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_leave_stderr();
	for (int round = 0; round < 2; round++) {
		log_until_all_are_told(fd, &due);
		log_next();
		take_all(fd, &due);
		ck_assert_int_eq(close(fd), 0);
		log_next();
		fd = listen_at(first);
		log_until_all_are_told(fd, &due);
	}
}
END_TEST

START_TEST(the_first_line_after_a_restart_comes)
{
	uint64_t start = sys_now();
	int fd = listen_at(first);
	ck_assert_int_eq(log_add_syslog(paths), 0);
	/* It was connected to, which is not done again within a second. */
	while (sys_now() < start + 1100)
		(void)poll(NULL, 0, 50);
	ck_assert_int_eq(close(fd), 0);
	fd = listen_at(first);
	log_info("first");
	expect(fd, 30, "first");
}
END_TEST

START_TEST(it_connects_at_most_once_a_second)
{
	uint64_t before = sys_now();
	ck_assert_int_eq(log_add_syslog(paths), 0);
	int fd = listen_at(first);
	log_info("too early");
	/* A machine that was busy meanwhile proves nothing. */
	if (sys_now() - before < 1000)
		ck_assert_ptr_null(receive(fd));
}
END_TEST

START_TEST(a_path_that_no_address_holds_is_no_reader)
{
	char longest[200];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	const char *const others[] = {longest, NULL};
	ck_assert_int_eq(log_syslog_open("test", others), 0);
	ck_assert_int_eq(log_syslog_connect(), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert(!log_syslog_write(6, "x", 1));
	log_syslog_close();
}
END_TEST

static void *
log_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < NLINES; i++)
		log_info("line");
	return NULL;
}

/* Counts the lines that come and those that are told of. */
static unsigned
count_lines(int fd)
{
	unsigned n = 0, more;
	while (receive(fd) != NULL) {
		const char *text = strstr(datagram, "]: ");
		ck_assert_ptr_nonnull(text);
		if (sscanf(text, "]: warning: %u line", &more) == 1)
			n += more;
		else
			n++;
	}
	return n;
}

START_TEST(lines_of_several_threads_come_or_are_told_of_once)
{
	pthread_t threads[NTHREADS];
	int fd = listen_at(first);
	unsigned n = 0, wanted = NTHREADS * NLINES;
	ck_assert_int_eq(log_add_syslog(paths), 0);
	log_leave_stderr();
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, log_many, NULL), 0);
	for (int i = 0; i < 1000; i++)
		n += count_lines(fd);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	n += count_lines(fd);
	log_info("last");
	n += count_lines(fd);
	ck_assert_uint_eq(n, wanted + 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("log_syslog");
	TCase *log = tcase_create("log_syslog");
	tcase_add_checked_fixture(log, set_up, tear_down);
	tcase_add_test(log, a_line_is_a_datagram_with_its_priority);
	tcase_add_test(log, standard_error_has_the_lines_until_it_is_left);
	tcase_add_test(log, standard_error_is_not_left_for_nothing);
	tcase_add_test(log, the_longest_line_comes_whole_or_is_cut);
	tcase_add_test(log, the_second_path_is_for_when_there_is_no_first);
	tcase_add_test(log, lines_for_a_full_reader_are_left_out_and_told_of);
	tcase_add_loop_test(log, a_reader_that_comes_later_is_found, 0, 2);
	tcase_add_test(log, a_reader_that_is_started_again_is_found);
	tcase_add_test(log, the_first_line_after_a_restart_comes);
	tcase_add_test(log, it_connects_at_most_once_a_second);
	tcase_add_test(log, a_path_that_no_address_holds_is_no_reader);
	tcase_add_test(log, lines_of_several_threads_come_or_are_told_of_once);
	suite_add_tcase(suite, log);
	return suite;
}
