/* SPDX-License-Identifier: ISC */
/* The longer lines of the log: nothing is missing, and the sums are right. */
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

static void
announce_bounds(size_t send_buffer, size_t naddresses)
{
	const struct settings settings = {.workers = 2,
	    .send_buffer = send_buffer,
	    .receive_buffer = 16384,
	    .large_buffer = 16384};
	const struct limits limits = {
	    .connections = 100, .backlog = 128, .memory = 5 << 20};
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	announce_memory(&settings, &limits, naddresses);
	(void)snprintf(text, sizeof text, "%s", written());
	capture_close();
}

START_TEST(bounds_of_memory_add_up_to_the_one_for_all)
{
	unsigned long total, ours, connections, queues;
	for (size_t n = 0; n < 3; n++) {
		announce_bounds(16384, n);
		const char *found = strstr(text, " memory: ");
		ck_assert_ptr_nonnull(found);
		ck_assert_int_eq(
		    sscanf(found,
			" memory: at most about %lu KiB in all: %lu of ours, "
			"%lu of the kernel's for connections and %lu for "
			"clients that wait\n",
			&total, &ours, &connections, &queues),
		    4);
		ck_assert_uint_eq(total, ours + connections + queues);
		ck_assert_uint_eq(ours, 5 << 10);
		ck_assert_uint_ge(connections, 100UL * 32);
		ck_assert_uint_eq(queues, n * 128 * 90);
	}
}
END_TEST

START_TEST(what_the_system_does_not_give_of_a_buffer_is_told)
{
	announce_bounds(16384, 1);
	ck_assert_ptr_null(strstr(text, "warning"));
	/* Nor is there a system that gives so much. */
	announce_bounds(INT_MAX, 1);
	ck_assert_ptr_nonnull(strstr(text, "send-buffer: the system gives "));
	ck_assert_ptr_nonnull(strstr(text, " bytes, not 2147483647; raise "));
	ck_assert_ptr_null(strstr(text, "receive-buffer"));
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
	tcase_add_test(tcase, bounds_of_memory_add_up_to_the_one_for_all);
	tcase_add_test(
	    tcase, what_the_system_does_not_give_of_a_buffer_is_told);
	tcase_add_test(tcase, what_is_zero_is_left_out_at_the_end);
	tcase_add_test(
	    tcase, a_worker_has_a_line_that_holds_the_largest_figures);
	return suite;
}
