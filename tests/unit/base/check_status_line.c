/* SPDX-License-Identifier: ISC */
/* When a line on a terminal is drawn, and what stands there then. */
#include "config.h"

#include "base/status_line.h"
#include "base/sys.h"
#include "unit/runner.h"

#include <string.h>

static int ends[2];
static struct status_line line;

static void
prepare(void)
{
	ck_assert_int_eq(sys_pipe(ends), 0);
	status_line_start(&line, ends[1], 1000, 200, 5000);
}

static void
end(void)
{
	(void)sys_close(ends[0]);
	(void)sys_close(ends[1]);
}

static const char *
written(void)
{
	static char text[1024];
	ssize_t n = sys_read(ends[0], text, sizeof text - 1);
	text[n == -1 ? 0 : n] = '\0';
	return text;
}

START_TEST(a_line_is_due_first_and_then_at_intervals)
{
	ck_assert_int_eq(status_line_wait(&line, 5000), 1000);
	ck_assert(!status_line_is_due(&line, 5999));
	ck_assert(status_line_is_due(&line, 6000));
	status_line_draw(&line, "a", 6100);
	ck_assert_int_eq(status_line_wait(&line, 6100), 200);
	ck_assert(!status_line_is_due(&line, 6299));
	ck_assert_int_eq(status_line_wait(&line, 6400), 0);
}
END_TEST

START_TEST(without_a_terminal_it_is_never_due)
{
	status_line_start(&line, -1, 1000, 200, 5000);
	ck_assert(!status_line_is_due(&line, 9000));
	ck_assert_int_eq(status_line_wait(&line, 9000), -1);
}
END_TEST

START_TEST(nothing_stays_of_a_longer_line)
{
	status_line_draw(&line, "longer", 6000);
	ck_assert_str_eq(written(), "\rlonger");
	status_line_draw(&line, "short", 6200);
	ck_assert_str_eq(written(), "\rshort ");
	status_line_erase(&line);
	ck_assert_str_eq(written(), "\r      \r");
}
END_TEST

START_TEST(what_was_not_drawn_is_not_erased)
{
	status_line_erase(&line);
	ck_assert_str_eq(written(), "");
	status_line_draw(&line, "a", 6000);
	status_line_erase(&line);
	(void)written();
	status_line_erase(&line);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut)
{
	char text[100] = "";
	memset(text, 'a', sizeof text - 1);
	status_line_draw(&line, text, 6000);
	ck_assert_uint_eq(strlen(written()), STATUS_LINE_MAX);
	status_line_erase(&line);
	ck_assert_uint_eq(strlen(written()), STATUS_LINE_MAX + 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("status line");
	TCase *shown = tcase_create("shown");
	tcase_add_checked_fixture(shown, prepare, end);
	tcase_add_test(shown, a_line_is_due_first_and_then_at_intervals);
	tcase_add_test(shown, without_a_terminal_it_is_never_due);
	tcase_add_test(shown, nothing_stays_of_a_longer_line);
	tcase_add_test(shown, what_was_not_drawn_is_not_erased);
	tcase_add_test(shown, a_line_that_is_too_long_is_cut);
	suite_add_tcase(suite, shown);
	return suite;
}
