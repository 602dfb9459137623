/* SPDX-License-Identifier: ISC */
/* The metrics at their longest, and where they do not fit. */
#include "config.h"

#include "server/metrics.h"
#include "unit/runner.h"

#include <stdlib.h>
#include <string.h>

static struct worker *workers;
static struct http_server http;
static struct loop *loop;

/* Figures of which each number is as long as can be. */
static struct metrics_figures
longest(unsigned nworkers)
{
	static const char name[] = "1234567890123456789012345678901234567890";
	struct metrics_figures figures = {
	    .nworkers = nworkers,
	    .connections_limit = SIZE_MAX,
	    .memory_limit = UINT64_MAX,
	    .log_dropped = SIZE_MAX,
	    .version = name,
	    .backend = name,
	    .kernel = name,
	    .unicode = name,
	    .http = &http,
	};
	memset(figures.totals, 0xff, sizeof figures.totals);
	memset(&figures.process, 0xff, sizeof figures.process);
	memset(http.nanswers, 0xff, sizeof http.nanswers);
	loop = loop_open(NULL);
	workers = calloc(nworkers, sizeof *workers);
	ck_assert(loop != NULL && workers != NULL);
	atomic_store(&loop->turns, SIZE_MAX);
	atomic_store(&loop->longest, SIZE_MAX);
	atomic_store(&loop->lengths_sum, SIZE_MAX);
	atomic_store(&loop->readies_sum, SIZE_MAX);
	for (unsigned i = 0; i < nworkers; i++) {
		struct worker *worker = &workers[i];
		worker->loop = loop;
		worker->shard.pool.nblocks = UINT32_MAX;
		atomic_store(&worker->shard.pool.nheld, UINT32_MAX);
		for (unsigned k = 0; k < CONN_NSTATES; k++)
			atomic_store(&worker->shard.states[k], SIZE_MAX);
	}
	figures.workers = workers;
	return figures;
}

static void
free_longest(void)
{
	loop_close(loop);
	free(workers);
}

START_TEST(the_room_is_enough_for_the_longest_metrics)
{
	static const unsigned numbers[] = {1, 2, 9, 10, SETTINGS_WORKERS_MAX};
	for (int i = 0; i < LENGTH(numbers); i++) {
		struct metrics_figures figures = longest(numbers[i]);
		size_t room = metrics_room(numbers[i]);
		char *bytes = malloc(room);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_uint_gt(
		    metrics_write(&figures, METRICS_PROMETHEUS, bytes, room),
		    0);
		ck_assert_uint_gt(
		    metrics_write(&figures, METRICS_JSON, bytes, room), 0);
		free(bytes);
		free_longest();
	}
}
END_TEST

START_TEST(what_has_no_room_is_never_written_in_part)
{
	struct metrics_figures figures = longest(1);
	size_t room = metrics_room(1);
	char *bytes = malloc(room + 1);
	ck_assert_ptr_nonnull(bytes);
	size_t n = metrics_write(&figures, METRICS_PROMETHEUS, bytes, room);
	for (size_t i = 1; i <= n; i++) {
		bytes[i] = 'x';
		ck_assert_uint_eq(
		    metrics_write(&figures, METRICS_PROMETHEUS, bytes, i), 0);
		ck_assert_int_eq(bytes[i], 'x');
	}
	ck_assert_uint_eq(
	    metrics_write(&figures, METRICS_PROMETHEUS, bytes, n + 1), n);
	free(bytes);
	free_longest();
}
END_TEST

/* Counts of a histogram, whatever they are when all are added. */
static void
expect(const struct loop_histogram *histogram, size_t place, size_t n)
{
	ck_assert_msg(histogram->counts[place] == n, "place %zu has %zu", place,
	    histogram->counts[place]);
}

START_TEST(what_most_turns_are_is_worked_out)
{
	struct loop_histogram lengths = {.sum = 0}, readies = {.sum = 0};
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	atomic_store(&loop->turns, 10);
	atomic_store(&loop->lengths[3], 2);
	atomic_store(&loop->lengths_sum, 9);
	atomic_store(&loop->readies[0], 1);
	atomic_store(&loop->readies[4], 3);
	atomic_store(&loop->readies_sum, 15);
	loop_lengths(loop, &lengths);
	loop_readies(loop, &readies);
	expect(&lengths, 0, 8);
	expect(&lengths, 3, 2);
	ck_assert_uint_eq(lengths.sum, 9);
	expect(&readies, 0, 1);
	expect(&readies, 1, 6);
	expect(&readies, 4, 3);
	/* Those in which one was ready add as many. */
	ck_assert_uint_eq(readies.sum, 15 + 6);
	/* Another loop is added; what is counted too early is no turn less. */
	atomic_store(&loop->turns, 1);
	loop_lengths(loop, &lengths);
	expect(&lengths, 0, 8);
	expect(&lengths, 3, 4);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_room_is_enough_for_the_longest_metrics);
	tcase_add_test(tc, what_has_no_room_is_never_written_in_part);
	tcase_add_test(tc, what_most_turns_are_is_worked_out);
	suite_add_tcase(s, tc);
	return s;
}
