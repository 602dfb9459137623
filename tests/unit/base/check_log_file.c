/* SPDX-License-Identifier: ISC */
/* The log in a file that has a limit. */
#include "config.h"

#include "base/log.h"
#include "unit/base/log_fixture.h"
#include "unit/runner.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <signal.h>
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

Suite *
suite(void)
{
	Suite *suite = suite_create("log_file");
	TCase *log = tcase_create("log_file");
	tcase_add_loop_test(log, a_file_at_its_limit_has_whole_lines, 0, 2);
	tcase_add_test(log, a_line_that_a_file_cannot_give_back_is_completed);
	suite_add_tcase(suite, log);
	return suite;
}
