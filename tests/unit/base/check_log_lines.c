/* SPDX-License-Identifier: ISC */
/* The lines of the log: what they look like, and which are written. */
#include "config.h"

#include "base/log.h"
#include "base/log_latest.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <sys/stat.h>

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The length of the time and the process that a line must begin with. */
static size_t
stamp_length(const char *line)
{
	char pattern[128];
	(void)snprintf(pattern, sizeof pattern,
	    "^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\\.[0-9]{3}Z "
	    "\\[%ld\\] ",
	    (long)getpid());
	regex_t stamp;
	regmatch_t match;
	ck_assert_int_eq(regcomp(&stamp, pattern, REG_EXTENDED), 0);
	ck_assert_msg(
	    regexec(&stamp, line, 1, &match, 0) == 0, "no stamp: %s", line);
	regfree(&stamp);
	return (size_t)match.rm_eo;
}

/* What has been written, without what each line must begin with. */
static const char *
unstamped(void)
{
	static char text[65536 + 1];
	const char *line = written();
	size_t end = 0;
	while (*line != '\0') {
		line += stamp_length(line);
		size_t length = strcspn(line, "\n") + 1;
		memcpy(text + end, line, length);
		end += length;
		line += length;
	}
	text[end] = '\0';
	return text;
}

START_TEST(lines_carry_their_level_and_the_reason)
{
	capture(STDERR_FILENO);
	log_open("prog", LOG_LEVEL_DEBUG);
	errno = ENOENT;
	log_error("cannot open %s", "x");
	log_errorx("%d is wrong", 7);
	log_warn("odd");
	log_warnx("odd");
	log_info("100%%");
	log_debug("detail");
	log_debug_errno("sent");
	ck_assert_str_eq(unstamped(),
	    "prog: cannot open x: No such file or directory\n"
	    "prog: 7 is wrong\n"
	    "warning: odd: No such file or directory\n"
	    "warning: odd\n"
	    "100%\n"
	    "detail\n"
	    "sent: No such file or directory\n");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(levels_below_the_chosen_one_are_silent)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	capture(STDERR_FILENO);
	unsigned long dropped = log_dropped();
	for (int level = 0; level < LENGTH(names); level++) {
		ck_assert_str_eq(log_level_names[level], names[level]);
		log_open("p", (enum log_level)level);
		for (int other = 0; other < LENGTH(names); other++)
			ck_assert_int_eq(
			    log_enabled((enum log_level)other), other <= level);
		log_errorx("e");
		log_warnx("w");
		log_info("i");
		log_debug("d");
		static const char *const lines[] = {"p: e\n",
		    "p: e\nwarning: w\n", "p: e\nwarning: w\ni\n",
		    "p: e\nwarning: w\ni\nd\n"};
		ck_assert_str_eq(unstamped(), lines[level]);
	}
	ck_assert_ptr_null(log_level_names[LENGTH(names)]);
	ck_assert_uint_eq(log_dropped(), dropped);
}
END_TEST

START_TEST(bytes_outside_printable_ascii_and_the_backslash_are_escaped)
{
	capture(STDERR_FILENO);
	log_open("prog", LOG_LEVEL_INFO);
	log_info("a\nb\r\t\x01\x1b[m\x7f\x80\xff~ \\x41 %s", "\xc3\xa4");
	ck_assert_str_eq(unstamped(),
	    "a\\x0ab\\x0d\\x09\\x01\\x1b[m\\x7f\\x80\\xff~ \\x5cx41 \\xc3\\xa4\n");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut_and_still_one_line)
{
	char text[2 * LOG_LINE_MAX + 1];
	capture(STDERR_FILENO);
	log_open("prog", LOG_LEVEL_INFO);
	/* Printable or not, and at each place where an escape can be cut. */
	for (size_t i = 0; i < 8; i++) {
		bool is_escaped = i % 2 != 0;
		memset(text, 'a', i / 2);
		memset(text + i / 2, is_escaped ? '\n' : 'b',
		    sizeof text - 1 - i / 2);
		text[sizeof text - 1] = '\0';
		log_error("%s", text);
		const char *line = written();
		size_t length = strlen(line);
		ck_assert_uint_le(length, LOG_LINE_MAX);
		ck_assert_uint_ge(length, LOG_LINE_MAX - 8);
		ck_assert_ptr_eq(strchr(line, '\n'), line + length - 1);
		if (is_escaped)
			ck_assert_int_eq(
			    memcmp(line + length - 5, "\\x0a", 4), 0);
	}
}
END_TEST

START_TEST(each_line_begins_with_the_time_and_the_process)
{
	capture(STDERR_FILENO);
	log_open("prog", LOG_LEVEL_INFO);
	/* The wall clock shows milliseconds, so the same one may be shown. */
	struct timespec before, after;
	(void)clock_gettime(CLOCK_REALTIME, &before);
	log_error("x");
	(void)clock_gettime(CLOCK_REALTIME, &after);
	const char *line = written();
	(void)stamp_length(line);
	char earliest[32], latest[32];
	struct tm utc;
	(void)strftime(earliest, sizeof earliest, "%Y-%m-%dT%H:%M:%S",
	    gmtime_r(&before.tv_sec, &utc));
	(void)strftime(latest, sizeof latest, "%Y-%m-%dT%H:%M:%S",
	    gmtime_r(&after.tv_sec, &utc));
	char shown[20];
	(void)snprintf(shown, sizeof shown, "%s", line);
	ck_assert_str_ge(shown, earliest);
	ck_assert_str_le(shown, latest);
	long ms = strtol(line + sizeof shown, NULL, 10);
	if (before.tv_sec == after.tv_sec) {
		ck_assert_int_ge(ms, before.tv_nsec / 1000000);
		ck_assert_int_le(ms, after.tv_nsec / 1000000);
	}
}
END_TEST

START_TEST(only_the_journal_gets_priorities)
{
	capture(STDERR_FILENO);
	struct stat status;
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	static const struct {
		int more_device, more_inode;
		const char *lines;
	} cases[] = {
	    {0, 0, "<3>p: e\n<4>warning: w\n<6>i\n<7>d\n"},
	    {1, 0, "p: e\nwarning: w\ni\nd\n"},
	    {0, 1, "p: e\nwarning: w\ni\nd\n"},
	};
	for (int i = 0; i < LENGTH(cases); i++) {
		char stream[64];
		(void)snprintf(stream, sizeof stream, "%llu:%llu",
		    (unsigned long long)status.st_dev +
			(unsigned long long)cases[i].more_device,
		    (unsigned long long)status.st_ino +
			(unsigned long long)cases[i].more_inode);
		ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
		log_open("p", LOG_LEVEL_DEBUG);
		log_errorx("e");
		log_warnx("w");
		log_info("i");
		log_debug("d");
		ck_assert_str_eq(
		    i == 0 ? written() : unstamped(), cases[i].lines);
	}
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	log_open("p", LOG_LEVEL_INFO);
	log_info("i");
	ck_assert_str_eq(unstamped(), "i\n");
	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
}
END_TEST

START_TEST(a_limited_line_passes_once_a_second_and_tells_what_was_withheld)
{
	struct log_limit limit = {0};
	char note[LOG_NOTE_MAX] = "?";
	ck_assert(log_limit_pass(&limit, 5, note));
	ck_assert_str_eq(note, "");
	for (uint64_t now = 5; now < 1005; now += 100)
		ck_assert(!log_limit_pass(&limit, now, note));
	ck_assert(!log_limit_pass(&limit, 1004, note));
	ck_assert(log_limit_pass(&limit, 1005, note));
	ck_assert_str_eq(note, " (11 more)");
	ck_assert(log_limit_pass(&limit, 2005, note));
	ck_assert_str_eq(note, "");
}
END_TEST

START_TEST(the_last_problem_is_kept_without_what_is_before_it)
{
	char text[LOG_LATEST_MAX] = "?", name[2 * LOG_LATEST_MAX];
	capture(STDERR_FILENO);
	log_open("p", LOG_LEVEL_WARN);
	log_latest_copy(text);
	ck_assert_str_eq(text, "");
	errno = ENOENT;
	log_error("no file");
	log_latest_copy(text);
	ck_assert_str_eq(text, "no file: No such file or directory");
	log_warnx("slow\n");
	log_info("fast");
	log_latest_copy(text);
	ck_assert_str_eq(text, "slow\\x0a");
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	log_warnx("%s", name);
	log_latest_copy(text);
	ck_assert_uint_eq(strlen(text), LOG_LATEST_MAX - 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("log_lines");
	TCase *log = tcase_create("log");
	tcase_add_test(log, lines_carry_their_level_and_the_reason);
	tcase_add_test(log, levels_below_the_chosen_one_are_silent);
	tcase_add_test(
	    log, bytes_outside_printable_ascii_and_the_backslash_are_escaped);
	tcase_add_test(log, a_line_that_is_too_long_is_cut_and_still_one_line);
	tcase_add_test(log, each_line_begins_with_the_time_and_the_process);
	tcase_add_test(log, only_the_journal_gets_priorities);
	tcase_add_test(log,
	    a_limited_line_passes_once_a_second_and_tells_what_was_withheld);
	tcase_add_test(log, the_last_problem_is_kept_without_what_is_before_it);
	suite_add_tcase(suite, log);
	return suite;
}
