/* SPDX-License-Identifier: ISC */
/*
 * Workers with threads of their own, on the real system: what is handed over,
 * ordered and reported.  To be run under ThreadSanitizer as well.
 */
#include "config.h"

#include "base/log.h"
#include "server/service.h"
#include "server/worker.h"
#include "unit/runner.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { NWORKERS = 2, NSLOTS = 64, NBLOCKS = 8, PATIENCE_MS = 60000 };

static const struct settings settings = {
    .workers = NWORKERS, .quiet_ms = PATIENCE_MS};

static struct loop *loop;
static struct worker_wake wake;
static struct worker workers[NWORKERS];
static int nheard;

static void
hear(struct bell *bell)
{
	ck_assert_ptr_eq(bell, &wake.bell);
	nheard++;
}

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	memset(workers, 0, sizeof workers);
	nheard = 0;
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	atomic_init(&wake.wanted, false);
	ck_assert_int_eq(bell_open(&wake.bell, loop, hear), 0);
	for (int i = 0; i < NWORKERS; i++)
		ck_assert_int_eq(worker_open_thread(&workers[i], NULL, &wake,
				     &settings, NSLOTS, NBLOCKS),
		    0);
}

static void
start_all(void)
{
	for (int i = 0; i < NWORKERS; i++)
		ck_assert_int_eq(worker_start(&workers[i]), 0);
}

static size_t
load(void)
{
	size_t sum = 0;
	for (int i = 0; i < NWORKERS; i++)
		sum += worker_load(&workers[i]);
	return sum;
}

/* Waits as the server does: first the wish, then another look. */
static void
wait_for_load(size_t most)
{
	while (load() > most) {
		atomic_store(&wake.wanted, true);
		if (load() > most)
			ck_assert_int_eq(loop_turn(loop), 0);
	}
}

static void
tear_down(void)
{
	wait_for_load(0);
	for (int i = 0; i < NWORKERS; i++)
		worker_stop(&workers[i]);
	for (int i = 0; i < NWORKERS; i++)
		worker_close(&workers[i]);
	bell_close(&wake.bell, loop);
	loop_close(loop);
}

/* Returns the client's end of a connection that the worker has. */
static int
hand(struct worker *worker)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	const struct handoff handoff = {.fd = ends[1], .service = SERVICE_TEXT};
	worker_hand(worker, &handoff);
	return ends[0];
}

static void
wait_readable(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&entry, 1, PATIENCE_MS), 1);
}

static void
ask(int fd, const char *question, const char *answer)
{
	char text[32];
	size_t n = strlen(answer), got = 0;
	ck_assert_int_ne(send(fd, question, strlen(question), 0), -1);
	while (got < n) {
		wait_readable(fd);
		ssize_t piece = recv(fd, text + got, n - got, 0);
		ck_assert_int_gt(piece, 0);
		got += (size_t)piece;
	}
	ck_assert_mem_eq(text, answer, n);
}

static void
expect_end(int fd)
{
	char byte;
	wait_readable(fd);
	ssize_t got = recv(fd, &byte, 1, 0);
	ck_assert(got == 0 || (got == -1 && errno == ECONNRESET));
	(void)close(fd);
}

static size_t
count(enum counter counter)
{
	size_t totals[NCOUNTERS] = {0};
	for (int i = 0; i < NWORKERS; i++)
		counters_sum(&workers[i].counters, totals);
	return totals[counter];
}

START_TEST(handed_over_connections_are_served_and_their_ends_counted)
{
	int clients[NWORKERS];
	start_all();
	for (int i = 0; i < NWORKERS; i++)
		clients[i] = hand(&workers[i]);
	ck_assert_uint_eq(load(), NWORKERS);
	for (int i = 0; i < NWORKERS; i++)
		ask(clients[i], "hello", "HELLO");
	ck_assert_uint_eq(load(), NWORKERS);
	for (int i = 0; i < NWORKERS; i++) {
		ck_assert_int_eq(shutdown(clients[i], SHUT_WR), 0);
		expect_end(clients[i]);
	}
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_ENDED), NWORKERS);
}
END_TEST

START_TEST(full_hand_over_waits_for_the_thread)
{
	int clients[NWORKERS * NSLOTS];
	for (int i = 0; i < NWORKERS * NSLOTS; i++)
		clients[i] = hand(&workers[i % NWORKERS]);
	start_all();
	for (int i = 0; i < NWORKERS * NSLOTS; i++)
		ask(clients[i], "a", "A");
	for (int i = 0; i < NWORKERS * NSLOTS; i++)
		(void)close(clients[i]);
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_ENDED), NWORKERS * NSLOTS);
}
END_TEST

START_TEST(what_was_handed_over_before_a_drain_is_served)
{
	int clients[NSLOTS];
	for (int i = 0; i < NSLOTS; i++)
		clients[i] = hand(&workers[0]);
	worker_drain(&workers[0]);
	start_all();
	for (int i = 0; i < NSLOTS; i++) {
		ask(clients[i], "still here", "STILL HERE");
		(void)close(clients[i]);
	}
}
END_TEST

START_TEST(drain_ends_quiet_connections_in_the_thread)
{
	static const struct settings short_quiet = {
	    .workers = NWORKERS, .quiet_ms = 1};
	worker_close(&workers[0]);
	ck_assert_int_eq(worker_open_thread(&workers[0], NULL, &wake,
			     &short_quiet, NSLOTS, NBLOCKS),
	    0);
	start_all();
	int client = hand(&workers[0]);
	ask(client, "a", "A");
	worker_drain(&workers[0]);
	expect_end(client);
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_QUIET), 1);
}
END_TEST

START_TEST(settings_are_exchanged_in_the_thread)
{
	static const struct settings impatient = {
	    .workers = NWORKERS, .quiet_ms = PATIENCE_MS, .idle_ms = 1};
	start_all();
	int client = hand(&workers[0]);
	ask(client, "a", "A");
	worker_set(&workers[0], &impatient);
	expect_end(client);
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_IDLE), 1);
}
END_TEST

START_TEST(what_is_handed_over_later_begins_with_the_last_settings)
{
	static const struct settings replacing = {.workers = NWORKERS,
	    .quiet_ms = PATIENCE_MS,
	    .invalid = UPCASE_REPLACE};
	start_all();
	for (int i = 0; i < 200; i++) {
		const struct settings *last = i % 2 ? &settings : &replacing;
		/* Both may be heard of by one ring of the bell. */
		worker_set(&workers[0], last);
		int client = hand(&workers[0]);
		ask(client, "\xff", i % 2 ? "\xff" : "\xef\xbf\xbd");
		ck_assert(worker_follows(&workers[0]));
		(void)close(client);
		wait_for_load(0);
	}
}
END_TEST

START_TEST(settings_are_in_use_until_they_are_no_longer_followed)
{
	static const struct settings other = {
	    .workers = NWORKERS, .quiet_ms = PATIENCE_MS};
	worker_set(&workers[0], &other);
	ck_assert(!worker_follows(&workers[0]));
	ck_assert(worker_follows(&workers[1]));
	start_all();
	int client = hand(&workers[0]);
	ask(client, "a", "A");
	ck_assert(worker_follows(&workers[0]));
	(void)close(client);
}
END_TEST

START_TEST(cut_resets_all_even_those_just_handed_over)
{
	int clients[NSLOTS];
	start_all();
	for (int i = 0; i < NSLOTS; i++)
		clients[i] = hand(&workers[1]);
	worker_drain(&workers[1]);
	worker_cut(&workers[1]);
	for (int i = 0; i < NSLOTS; i++)
		expect_end(clients[i]);
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_CUT), NSLOTS);
}
END_TEST

START_TEST(bell_rings_once_and_only_when_it_is_wanted)
{
	struct pollfd bell = {.fd = wake.bell.watch.fd, .events = POLLIN};
	int clients[3];
	for (int i = 0; i < 3; i++)
		clients[i] = hand(&workers[0]);
	start_all();
	(void)close(clients[0]);
	while (load() > 2)
		ask(clients[1], "a", "A");
	ck_assert_int_eq(poll(&bell, 1, 0), 0);
	atomic_store(&wake.wanted, true);
	(void)close(clients[1]);
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(nheard, 1);
	ck_assert_uint_eq(load(), 1);
	ck_assert(!atomic_load(&wake.wanted));
	(void)close(clients[2]);
	while (load() > 0)
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(poll(&bell, 1, 0), 0);
}
END_TEST

/* Asks until the worker has turned since the time before. */
static void
wait_for_turn(struct worker *worker)
{
	(void)worker_probe(worker);
	while (!worker_probe(worker))
		(void)poll(NULL, 0, 1);
}

START_TEST(a_worker_that_does_not_turn_is_found_out)
{
	/* There is nothing to look for yet. */
	ck_assert(worker_probe(&workers[0]));
	for (int i = 0; i < 3; i++)
		ck_assert(!worker_probe(&workers[0]));
	start_all();
	wait_for_turn(&workers[0]);
	wait_for_turn(&workers[1]);
}
END_TEST

/* Whether the bell has something to read. */
static bool
is_rung(const struct bell *bell)
{
	struct pollfd entry = {.fd = bell->watch.fd, .events = POLLIN};
	return poll(&entry, 1, 0) == 1;
}

START_TEST(the_next_activity_of_a_worker_is_told_once)
{
	/* The turns of the worker are made here. */
	struct worker *worker = &workers[0];
	worker_report_activity(worker);
	worker_turn(worker);
	ck_assert(!is_rung(&wake.bell));
	/* It need not be woken to be asked for what it was asked for. */
	worker_report_activity(worker);
	ck_assert(!is_rung(&worker->bell));
	int client = hand(worker);
	worker_turn(worker);
	ck_assert(is_rung(&wake.bell));
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(send(client, "a", 1, 0), 1);
	worker_turn(worker);
	ck_assert(!is_rung(&wake.bell));
	worker_report_activity(worker);
	worker_turn(worker);
	ck_assert(!is_rung(&wake.bell));
	ck_assert_int_eq(send(client, "a", 1, 0), 1);
	worker_turn(worker);
	ck_assert(is_rung(&wake.bell));
	start_all();
	(void)close(client);
}
END_TEST

START_TEST(threads_take_no_signals)
{
	sigset_t set;
	start_all();
	int client = hand(&workers[0]);
	ask(client, "a", "A");
	/* It would end the program if a worker took it. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	ask(client, "b", "B");
	int taken = 0;
	ck_assert_int_eq(sigwait(&set, &taken), 0);
	ck_assert_int_eq(taken, SIGUSR1);
	(void)close(client);
}
END_TEST

START_TEST(many_short_connections_leave_no_load_behind)
{
	start_all();
	for (int i = 0; i < 1000; i++) {
		/* As the server does, never more than there are slots. */
		wait_for_load(NSLOTS - 1);
		int client = hand(&workers[i % NWORKERS]);
		if (i % 3 == 0)
			ask(client, "hello", "HELLO");
		(void)close(client);
	}
	wait_for_load(0);
	ck_assert_uint_eq(count(COUNTER_ENDED) + count(COUNTER_FAILED), 1000);
}
END_TEST

START_TEST(worker_without_a_thread_serves_in_the_loop_of_its_caller)
{
	static struct worker alone;
	start_all();
	ck_assert_int_eq(
	    worker_open(&alone, loop, &settings, NSLOTS, NBLOCKS), 0);
	int client = hand(&alone);
	ck_assert_int_eq(send(client, "hello", 5, 0), 5);
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	while (worker_load(&alone) > 0)
		worker_turn(&alone);
	char text[8];
	ck_assert_int_eq(recv(client, text, sizeof text, 0), 5);
	ck_assert_mem_eq(text, "HELLO", 5);
	expect_end(client);
	worker_stop(&alone);
	worker_close(&alone);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("worker");
	TCase *tcase = tcase_create("worker");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(
	    tcase, handed_over_connections_are_served_and_their_ends_counted);
	tcase_add_test(tcase, full_hand_over_waits_for_the_thread);
	tcase_add_test(tcase, what_was_handed_over_before_a_drain_is_served);
	tcase_add_test(tcase, drain_ends_quiet_connections_in_the_thread);
	tcase_add_test(tcase, settings_are_exchanged_in_the_thread);
	tcase_add_test(
	    tcase, what_is_handed_over_later_begins_with_the_last_settings);
	tcase_add_test(
	    tcase, settings_are_in_use_until_they_are_no_longer_followed);
	tcase_add_test(tcase, cut_resets_all_even_those_just_handed_over);
	tcase_add_test(tcase, bell_rings_once_and_only_when_it_is_wanted);
	tcase_add_test(tcase, a_worker_that_does_not_turn_is_found_out);
	tcase_add_test(tcase, the_next_activity_of_a_worker_is_told_once);
	tcase_add_test(tcase, threads_take_no_signals);
	tcase_add_test(tcase, many_short_connections_leave_no_load_behind);
	tcase_add_test(
	    tcase, worker_without_a_thread_serves_in_the_loop_of_its_caller);
	return suite;
}
