/* SPDX-License-Identifier: ISC */
/*
 * What a service manager is told, and when: a whole server on the kernel of the
 * tests, in whose time things happen as each test says.
 */
#include "config.h"

#include "base/log.h"
#include "config/values.h"
#include "daemon/notify.h"
#include "daemon/supervision.h"
#include "fake/kernel.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct settings settings = {.workers = 1,
    .max_connections = 4,
    .source_connections = 9,
    .idle_ms = 3600000,
    .stall_ms = 3600000,
    .send_buffer = 1,
    .receive_buffer = 1};

static struct server *server;
static struct kernel_socket *listener, *client;
static uint64_t start;

/* What happens, and when, in ms from the start; the last one ends the run. */
struct event {
	uint64_t at;
	void (*happen)(void);
};
static const struct event *next, *end;
static unsigned nwaits; /* that ended for nothing but the time */

/* What was told, and when. */
static struct {
	uint64_t at;
	char text[700];
} told[64];
static int ntold;
static bool is_full; /* nothing can be told now */

/* In place of notify.c. */
void
notify_open(void)
{
}

bool
notify_is_open(void)
{
	return true;
}

void
notify_close(void)
{
}

int
notify_send(const char *message, const int *descriptors, size_t n)
{
	ck_assert_ptr_null(descriptors);
	ck_assert_uint_eq(n, 0);
	if (is_full) {
		errno = EAGAIN;
		return -1;
	}
	ck_assert_int_lt(ntold, LENGTH(told));
	told[ntold].at = kernel.now - start;
	(void)snprintf(
	    told[ntold].text, sizeof told[ntold].text, "%s", message);
	ntold++;
	return 0;
}

static void
expect(int i, uint64_t at, const char *words)
{
	ck_assert_int_lt(i, ntold);
	ck_assert_msg(
	    strstr(told[i].text, words) != NULL, "%d: %s", i, told[i].text);
	ck_assert_uint_eq(told[i].at, at);
}

static int
enter(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket, (void)call;
	return 0;
}

static void
move(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket, (void)call;
}

/* Lets time pass up to the timeout, or to the next event. */
static void
wait_for_next(struct poller *poller, int timeout_ms)
{
	if (kernel_is_ready(poller))
		return;
	/* Without another event nothing would ever end this wait. */
	ck_assert_ptr_ne(next, end);
	uint64_t at = start + next->at;
	if (timeout_ms >= 0 && kernel.now + (unsigned)timeout_ms < at) {
		kernel.now += (unsigned)timeout_ms;
		nwaits++;
		return;
	}
	kernel.now = at;
	(next++)->happen();
}

static int
arrange(void **ready, int n)
{
	(void)ready;
	return n;
}

static const struct kernel_hooks hooks = {
    .enter = enter, .moved = move, .wait = wait_for_next, .arrange = arrange};

static void
boot(const char *watchdog_usec)
{
	log_open("test", LOG_LEVEL_ERROR);
	if (watchdog_usec == NULL)
		ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	else
		ck_assert_int_eq(setenv("WATCHDOG_USEC", watchdog_usec, 1), 0);
	kernel_boot();
	kernel.hooks = &hooks;
	server = server_open(&settings);
	ck_assert_ptr_nonnull(server);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct listen_address wanted = {.transport = &transport_tcp,
	    .service = &service_text,
	    .address = (struct sockaddr *)&address,
	    .length = sizeof address};
	size_t refused;
	ck_assert_int_eq(server_bind(server, &wanted, 1, &refused), 0);
	for (int fd = 0; fd < KERNEL_DESCRIPTORS; fd++) {
		if (kernel_is_open(fd) && kernel_find(fd)->is_listening)
			listener = kernel_find(fd);
	}
	ck_assert_int_eq(server_start(server), 0);
	supervision_open();
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	start = kernel.now;
	supervision_start(server);
}

static void
run(const struct event *events, int n)
{
	next = events;
	end = events + n;
	server_run(server);
	supervision_close();
	server_close(server);
	ck_assert_uint_eq(kernel_halt(), 0);
}

static void
come(void)
{
	client = kernel_queue(listener, 0);
}

static void
speak(void)
{
	static const char text[1000] = {'a'};
	kernel_peer_sends(client, text, sizeof text);
}

static void
leave(void)
{
	kernel_peer_resets(client);
}

static void
stop(void)
{
	server_drain(server);
	supervision_drain();
	/* A wait that finds nothing ready, and this turn has to end. */
	listener->untrue = true;
}

START_TEST(a_service_that_rests_is_ready_and_never_wakes_up)
{
	static const struct event events[] = {{UINT32_MAX, stop}};
	boot(NULL);
	expect(0, 0, "READY=1\nSTATUS=serving 0 connections;");
	run(events, LENGTH(events));
	expect(1, UINT32_MAX, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 2);
	ck_assert_uint_eq(nwaits, 0);
}
END_TEST

START_TEST(a_status_is_told_after_10_s_at_the_earliest_and_only_if_it_changed)
{
	static const struct event events[] = {{100000, come}, {104000, speak},
	    {111000, speak}, {900000, speak}, {1000000, leave},
	    {2000000, stop}};
	boot(NULL);
	run(events, LENGTH(events));
	/* 10 s after the end of the rest. */
	expect(1, 110000, "STATUS=serving 1 connection; accepted 1, 0.1 ");
	expect(2, 120000, "; received 1.9 KiB, 100 bytes a second;");
	expect(3, 130000, "; received 1.9 KiB, 0 bytes a second;");
	/* Then there was nothing to tell, and so the loop slept. */
	expect(4, 910000, "; received 2.9 KiB, 100 bytes a second;");
	expect(5, 920000, "; received 2.9 KiB, 0 bytes a second;");
	expect(6, 1010000, "STATUS=serving 0 connections;");
	expect(7, 2000000, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 8);
	ck_assert_uint_lt(nwaits, 16);
}
END_TEST

START_TEST(a_drain_asks_for_patience_as_long_as_it_takes)
{
	static const struct event events[] = {
	    {5000, come}, {20000, stop}, {45000, speak}, {55000, stop}};
	boot(NULL);
	run(events, LENGTH(events));
	expect(1, 15000, "STATUS=serving 1 connection;");
	for (int i = 0; i < 4; i++)
		expect(2 + i, 20000 + (unsigned)i * 10000,
		    "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000\n"
		    "STATUS=draining 1 connection;");
	ck_assert_int_eq(ntold, 6);
}
END_TEST

START_TEST(a_reload_is_told_with_its_time_and_its_end)
{
	static const struct event events[] = {{0, stop}};
	char words[64];
	boot(NULL);
	kernel.now += 3;
	supervision_reload();
	supervision_serve();
	(void)snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)kernel.now);
	expect(1, 3, words);
	expect(2, 3, "READY=1\nSTATUS=serving ");
	start = kernel.now;
	run(events, LENGTH(events));
	/* It is final. */
	supervision_serve();
	expect(3, 0, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 4);
}
END_TEST

static void
make_room(void)
{
	is_full = false;
	listener->untrue = true;
}

START_TEST(a_state_that_did_not_go_is_told_again)
{
	static const struct event events[] = {{4500, make_room}, {60000, stop}};
	is_full = true;
	boot(NULL);
	ck_assert_int_eq(ntold, 0);
	run(events, LENGTH(events));
	expect(0, 5000, "READY=1\n");
	expect(1, 60000, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 2);
}
END_TEST

static void
exhaust(void)
{
	is_full = true;
	come();
}

START_TEST(a_status_that_did_not_go_is_told_with_the_next)
{
	static const struct event events[] = {
	    {1000, exhaust}, {15000, make_room}, {60000, stop}, {61000, leave}};
	boot(NULL);
	run(events, LENGTH(events));
	expect(1, 21000, "STATUS=serving 1 connection;");
	expect(2, 60000, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 3);
}
END_TEST

START_TEST(a_watchdog_is_fed_three_times_in_its_time)
{
	static const struct event events[] = {{35000, stop}};
	boot("30000000");
	run(events, LENGTH(events));
	for (int i = 1; i <= 3; i++)
		expect(i, (unsigned)i * 10000, "WATCHDOG=1\n");
	ck_assert_str_eq(told[1].text, "WATCHDOG=1\n");
	expect(4, 35000, "STOPPING=1\n");
	ck_assert_int_eq(ntold, 5);
	ck_assert_uint_eq(nwaits, 3);
}
END_TEST

START_TEST(a_watchdog_brings_the_status_with_it)
{
	static const struct event events[] = {
	    {12000, come}, {13000, speak}, {45000, stop}, {46000, stop}};
	boot("30000000");
	run(events, LENGTH(events));
	expect(1, 10000, "WATCHDOG=1\n");
	expect(2, 20000, "WATCHDOG=1\n");
	expect(3, 20000, "STATUS=serving 1 connection; accepted 1, 0.1 ");
	int nfed = 0, nstatus = 0;
	for (int i = 0; i < ntold; i++) {
		nfed += strcmp(told[i].text, "WATCHDOG=1\n") == 0;
		nstatus += strncmp(told[i].text, "STATUS=", 7) == 0;
	}
	ck_assert_int_eq(nfed, 4);
	/* And when it has come to rest. */
	ck_assert_int_eq(nstatus, 2);
	/* No wait ended for the status alone while nothing happened. */
	ck_assert_uint_le(nwaits, 6);
}
END_TEST

START_TEST(a_watchdog_is_fed_in_a_drain)
{
	static const struct event events[] = {
	    {1000, come}, {2000, stop}, {50000, stop}};
	boot("60000000");
	run(events, LENGTH(events));
	int nfed = 0;
	for (int i = 0; i < ntold; i++)
		nfed += strcmp(told[i].text, "WATCHDOG=1\n") == 0;
	ck_assert_int_eq(nfed, 2);
}
END_TEST

static const struct {
	const char *usec, *pid;
	int64_t ms;
} watchdogs[] = {
    {NULL, NULL, 0},
    {NULL, "77", 0},
    {"30000000", NULL, 10000},
    {"30000000", "77", 10000},
    {"30000000", "78", 0},
    {"30000000", "x", 0},
    {"30000000", "", 0},
    {"1", "77", 1},
    {"0", "77", -1},
    {"", "77", -1},
    {"30s", "77", -1},
    {"-1", "77", -1},
    {"18446744073709551615", "77", VALUE_WEEK},
    {"18446744073709551616", "77", -1},
};

START_TEST(the_variables_say_how_often_to_feed)
{
	ck_assert_int_eq(
	    supervision_feed_ms(watchdogs[_i].usec, watchdogs[_i].pid, 77),
	    watchdogs[_i].ms);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("supervision");
	TCase *tcase = tcase_create("states");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_service_that_rests_is_ready_and_never_wakes_up);
	tcase_add_test(tcase,
	    a_status_is_told_after_10_s_at_the_earliest_and_only_if_it_changed);
	tcase_add_test(tcase, a_drain_asks_for_patience_as_long_as_it_takes);
	tcase_add_test(tcase, a_reload_is_told_with_its_time_and_its_end);
	tcase_add_test(tcase, a_state_that_did_not_go_is_told_again);
	tcase_add_test(tcase, a_status_that_did_not_go_is_told_with_the_next);
	tcase_add_test(tcase, a_watchdog_is_fed_three_times_in_its_time);
	tcase_add_test(tcase, a_watchdog_brings_the_status_with_it);
	tcase_add_test(tcase, a_watchdog_is_fed_in_a_drain);
	tcase_add_loop_test(
	    tcase, the_variables_say_how_often_to_feed, 0, LENGTH(watchdogs));
	return suite;
}
