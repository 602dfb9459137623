/* SPDX-License-Identifier: ISC */
/* What a server and its workers leave behind when they cannot start or wait. */
#include "config.h"

#include "base/log.h"
#include "fake/kernel.h"
#include "server/server.h"
#include "server/worker.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <errno.h>

static const struct sockaddr_in address = {.sin_family = AF_INET};

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	kernel_boot();
}

/* Takes a server with two workers up to where it would serve. */
static int
start(struct server *server)
{
	const struct listen_address wanted = {.transport = &transport_tcp,
	    .service = &service_text,
	    .address = (const struct sockaddr *)&address,
	    .length = sizeof address};
	size_t refused;
	if (server_bind(server, &wanted, 1, &refused) == -1)
		return -1;
	return server_start(server);
}

START_TEST(a_call_that_fails_ends_the_start_and_nothing_stays_open)
{
	static const struct {
		enum kernel_call call;
		size_t n;
	} cases[] = {
	    {KERNEL_SOCKET, 1},
	    {KERNEL_BIND, 1},
	    {KERNEL_LISTEN, 1},
	    {KERNEL_PIPE, 3},
	    {KERNEL_THREAD, 2},
	    {KERNEL_WATCH, 4},
	};
	struct settings settings = settings_without_options;
	settings.workers = 2;
	settings.max_connections = 4;
	settings.source_connections = 9;
	for (int i = 0; i < LENGTH(cases); i++) {
		for (size_t nth = 1; nth <= cases[i].n + 1; nth++) {
			kernel_boot();
			kernel_fail(cases[i].call, nth, ENOSPC);
			struct server *server = server_open(&settings);
			int status = server == NULL ? -1 : start(server);
			int error = errno;
			ck_assert_int_eq(status, nth <= cases[i].n ? -1 : 0);
			if (status == -1)
				ck_assert_int_eq(error, ENOSPC);
			server_close(server);
			ck_assert_uint_eq(kernel_halt(), 0);
		}
	}
}
END_TEST

START_TEST(memory_that_cannot_be_had_ends_a_worker_and_nothing_stays_open)
{
	static struct worker_wake wake;
	static const struct {
		bool has_thread;
		size_t nslots, nblocks;
	} cases[] = {
	    {false, SIZE_MAX, 1}, {false, 1, SIZE_MAX}, {true, 1, SIZE_MAX}};
	struct settings settings = settings_without_options;
	settings.workers = 1;
	for (int i = 0; i < LENGTH(cases); i++) {
		struct worker worker = {0};
		struct loop *loop = loop_open(NULL);
		int result =
		    cases[i].has_thread
			? worker_open_thread(&worker, NULL, &wake, &settings,
			      cases[i].nslots, cases[i].nblocks)
			: worker_open(&worker, loop, &settings, cases[i].nslots,
			      cases[i].nblocks);
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(errno, ENOMEM);
		loop_close(loop);
		ck_assert_uint_eq(kernel_halt(), 0);
	}
}
END_TEST

START_TEST(a_wait_that_fails_is_counted_and_comes_before_a_pause)
{
	static struct worker worker;
	struct settings settings = settings_without_options;
	settings.workers = 1;
	size_t totals[NCOUNTERS] = {0};
	struct loop *loop = loop_open(NULL);
	ck_assert_int_eq(worker_open(&worker, loop, &settings, 1, 1), 0);
	worker_turn(&worker);
	ck_assert_uint_eq(kernel.slept_ms, 0);
	kernel_fail(KERNEL_WAIT, 1, ENOMEM);
	worker_turn(&worker);
	ck_assert_uint_eq(kernel.slept_ms, 1000);
	counters_sum(&worker.counters, totals);
	ck_assert_uint_eq(totals[COUNTER_WAIT_FAILURES], 1);
	worker_close(&worker);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("server_start");
	TCase *start = tcase_create("start");
	tcase_add_checked_fixture(start, set_up, NULL);
	tcase_add_test(
	    start, a_call_that_fails_ends_the_start_and_nothing_stays_open);
	tcase_add_test(start,
	    memory_that_cannot_be_had_ends_a_worker_and_nothing_stays_open);
	tcase_add_test(
	    start, a_wait_that_fails_is_counted_and_comes_before_a_pause);
	suite_add_tcase(suite, start);
	return suite;
}
