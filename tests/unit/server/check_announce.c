/* SPDX-License-Identifier: ISC */
/* The counters in the log: each is there, however many there are. */
#include "config.h"

#include "base/log.h"
#include "server/announce.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t totals[NCOUNTERS];
static struct load load;
static char text[4 * LOG_LINE_MAX];

static void
announce(bool all)
{
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	announce_counters(totals, &load, all);
	(void)snprintf(text, sizeof text, "%s", written());
	capture_close();
}

static void
expect_number(const char *name, size_t number)
{
	char wanted[128];
	(void)snprintf(wanted, sizeof wanted, " %s=%zu", name, number);
	const char *found = strstr(text, wanted);
	ck_assert_msg(found != NULL, "%s is not in %s", wanted, text);
	ck_assert_ptr_nonnull(strchr(" \n", found[strlen(wanted)]));
}

START_TEST(all_counters_are_there_though_they_fill_more_than_a_line)
{
	for (int i = 0; i < NCOUNTERS; i++)
		totals[i] = SIZE_MAX - (size_t)i;
	load = (struct load){2, SIZE_MAX, SIZE_MAX, SIZE_MAX};
	announce(true);
	ck_assert_ptr_ne(strchr(text, '\n'), strrchr(text, '\n'));
	for (int i = 0; i < NCOUNTERS; i++)
		expect_number(counter_rows[i].name, totals[i]);
	expect_number("open", SIZE_MAX);
	expect_number("least", SIZE_MAX);
	expect_number("most", SIZE_MAX);
	expect_number("log-dropped", 0);
}
END_TEST

START_TEST(what_is_zero_is_left_out_at_the_end)
{
	memset(totals, 0, sizeof totals);
	totals[COUNTER_SENT] = 3;
	load = (struct load){.nworkers = 1};
	announce(false);
	ck_assert_ptr_nonnull(strstr(text, " accepted=0 sent=3\n"));
}
END_TEST

START_TEST(a_worker_has_a_line_that_holds_the_largest_figures)
{
	const struct worker_figures figures = {.connections = 1,
	    .turns = SIZE_MAX,
	    .longest_ms = 3,
	    .held = 4,
	    .blocks = 5};
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	announce_worker(UINT_MAX, &figures);
	char wanted[LOG_LINE_MAX];
	(void)snprintf(wanted, sizeof wanted,
	    " worker=%u connections=1 turns=%zu longest-turn-ms=3 "
	    "blocks-used=4 blocks=5\n",
	    UINT_MAX, SIZE_MAX);
	ck_assert_ptr_nonnull(strstr(written(), wanted));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("announce");
	TCase *tcase = tcase_create("counters");
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, all_counters_are_there_though_they_fill_more_than_a_line);
	tcase_add_test(tcase, what_is_zero_is_left_out_at_the_end);
	tcase_add_test(
	    tcase, a_worker_has_a_line_that_holds_the_largest_figures);
	return suite;
}
