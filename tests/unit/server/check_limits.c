/* SPDX-License-Identifier: ISC */
/* The limits: descriptors, connections and memory against each other. */
#include "config.h"

#include "fake/kernel.h"
#include "server/limits.h"
#include "server/worker.h"
#include "unit/runner.h"

#include <errno.h>
#include <string.h>

/* What limits.c keeps free for the C library. */
enum { SPARE = 4 };

START_TEST(every_small_number_of_descriptors_gives_what_it_can)
{
	for (size_t limit = 0; limit <= 70; limit++) {
		for (size_t open = 0; open <= 70; open++) {
			struct settings settings = {.workers = 1};
			struct sys_descriptors descriptors = {open, limit};
			struct limits limits;
			int status =
			    limits_compute(&limits, &settings, &descriptors);
			if (limit <= open + SPARE) {
				ck_assert_int_eq(status, -1);
				ck_assert_int_eq(errno, EMFILE);
				ck_assert_uint_eq(limits.connections, 0);
			} else {
				ck_assert_int_eq(status, 0);
				ck_assert_uint_eq(
				    limits.connections, limit - open - SPARE);
			}
		}
	}
}
END_TEST

START_TEST(what_is_asked_for_is_given_exactly_or_refused)
{
	struct sys_descriptors descriptors = {10, 64};
	for (size_t wanted = 1; wanted <= 70; wanted++) {
		struct settings settings = {
		    .workers = 2, .max_connections = wanted};
		struct limits limits;
		int status = limits_compute(&limits, &settings, &descriptors);
		ck_assert_int_eq(status, wanted <= 50 ? 0 : -1);
		ck_assert_uint_eq(
		    limits.connections, wanted <= 50 ? wanted : 50);
		if (status == -1)
			ck_assert_int_eq(errno, EMFILE);
	}
}
END_TEST

START_TEST(default_of_connections_has_a_bound_that_asking_can_exceed)
{
	struct sys_descriptors descriptors = {
	    10, SETTINGS_CONNECTIONS_MAX + 100};
	struct settings settings = {.workers = 1};
	struct limits limits;
	ck_assert_int_eq(limits_compute(&limits, &settings, &descriptors), 0);
	ck_assert_uint_eq(limits.connections, LIMITS_CONNECTIONS_DEFAULT);
	settings.max_connections = SETTINGS_CONNECTIONS_MAX;
	ck_assert_int_eq(limits_compute(&limits, &settings, &descriptors), 0);
	ck_assert_uint_eq(limits.connections, SETTINGS_CONNECTIONS_MAX);
}
END_TEST

START_TEST(memory_for_pending_output_is_shared_by_workers_with_a_least_for_each)
{
	static const unsigned workers[] = {1, 2, 3, 16, SETTINGS_WORKERS_MAX};
	static const size_t memory[] = {
	    0, SETTINGS_MEMORY_MIN, (size_t)1 << 20, (size_t)100000001};
	struct sys_descriptors descriptors = {10, 2000};
	for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
		for (size_t j = 0; j < sizeof memory / sizeof memory[0]; j++) {
			struct settings settings = {
			    .workers = workers[i], .memory_limit = memory[j]};
			struct limits limits;
			ck_assert_int_eq(
			    limits_compute(&limits, &settings, &descriptors),
			    0);
			size_t each = limits.blocks * POOL_BLOCK;
			ck_assert_uint_ge(each, SETTINGS_MEMORY_MIN);
			/* What leaves less than that is no option. */
			if (memory[j] / workers[i] >= SETTINGS_MEMORY_MIN)
				ck_assert_uint_le(each * workers[i], memory[j]);
		}
	}
}
END_TEST

START_TEST(memory_follows_the_connections_between_two_bounds)
{
	static const struct {
		size_t connections, mebibytes;
	} cases[] = {{1, 1}, {64, 1}, {128, 2}, {16384, 256}, {65536, 256},
	    {SETTINGS_CONNECTIONS_MAX, 256}};
	struct sys_descriptors descriptors = {
	    10, SETTINGS_CONNECTIONS_MAX + 100};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings settings = {
		    .workers = 1, .max_connections = cases[i].connections};
		struct limits limits;
		ck_assert_int_eq(
		    limits_compute(&limits, &settings, &descriptors), 0);
		ck_assert_uint_eq(
		    limits.blocks * POOL_BLOCK, cases[i].mebibytes << 20);
	}
	/* Many workers have their least besides, however few may come. */
	struct settings many = {
	    .workers = SETTINGS_WORKERS_MAX, .max_connections = 1};
	struct limits limits;
	ck_assert_int_eq(limits_compute(&limits, &many, &descriptors), 0);
	ck_assert_uint_eq(limits.blocks * POOL_BLOCK, SETTINGS_MEMORY_MIN);
}
END_TEST

/* What a worker holds, all of it used, without the fixed odds and ends. */
static size_t
memory_of(const struct worker *worker)
{
	const struct shard *shard = &worker->shard;
	size_t each = sizeof *shard->slots + sizeof *shard->source_of;
	size_t memory = shard->nslots * each + shard->pool.nblocks * POOL_COST +
			SHARD_INPUT + UPCASE_BOUND(SHARD_INPUT);
	if (shard->records != NULL)
		memory += shard->nslots * sizeof *shard->records;
	if (worker->has_thread)
		memory += worker->handover.size * worker->handover.stride;
	return memory;
}

START_TEST(memory_figure_bounds_what_workers_take)
{
	enum { NWORKERS = 3 };
	static struct worker workers[NWORKERS];
	struct worker_wake wake;
	/* Each number of them twice, without records and with them. */
	for (unsigned round = 0; round < 2 * NWORKERS; round++) {
		unsigned n = round / 2 + 1;
		kernel_boot();
		struct loop *loop = loop_open(NULL);
		struct settings settings = {
		    .workers = n, .nproxies = round % 2};
		struct sys_descriptors descriptors = {10, 20000};
		struct limits limits;
		ck_assert_int_eq(
		    limits_compute(&limits, &settings, &descriptors), 0);
		size_t sum = sources_memory(limits.connections);
		memset(workers, 0, sizeof workers);
		for (unsigned i = 0; i < n; i++) {
			int result =
			    n > 1 ? worker_open_thread(&workers[i], NULL, &wake,
					&settings, limits.connections,
					limits.blocks)
				  : worker_open(&workers[i], loop, &settings,
					limits.connections, limits.blocks);
			ck_assert_int_eq(result, 0);
			sum += memory_of(&workers[i]);
		}
		ck_assert_uint_eq(sum, limits.memory);
		for (unsigned i = 0; i < n; i++)
			worker_close(&workers[i]);
		loop_close(loop);
		ck_assert_uint_eq(kernel_halt(), 0);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = tcase_create("limits");
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, every_small_number_of_descriptors_gives_what_it_can);
	tcase_add_test(tcase, what_is_asked_for_is_given_exactly_or_refused);
	tcase_add_test(
	    tcase, default_of_connections_has_a_bound_that_asking_can_exceed);
	tcase_add_test(tcase,
	    memory_for_pending_output_is_shared_by_workers_with_a_least_for_each);
	tcase_add_test(
	    tcase, memory_follows_the_connections_between_two_bounds);
	tcase_add_test(tcase, memory_figure_bounds_what_workers_take);
	return suite;
}
