/* SPDX-License-Identifier: ISC */
/* How many connections each source may have, and what is said of that. */
#include "config.h"

#include "base/log.h"
#include "server/sources.h"
#include "server/throttling.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { NCONNS = 40 };

static struct settings settings;
static struct sources *sources;

/* All random numbers of a test are the same each time. */
static const struct siphash_key key = {{3, 4}};

static void
reopen(void)
{
	sources_close(sources);
	sources = sources_open(&settings, NCONNS, &key);
	ck_assert_ptr_nonnull(sources);
}

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	settings = (struct settings){
	    .source_prefix_ipv4 = 32,
	    .source_prefix_ipv6 = 64,
	    .source_exempt = {{.kind = PREFIX_LOOPBACK}},
	    .nsource_exempt = 1,
	    .allow = {{.kind = PREFIX_ALL}},
	    .nallow = 1,
	};
	sources = NULL;
	reopen();
}

static void
tear_down(void)
{
	sources_close(sources);
}

static struct sockaddr_storage
address(const char *text)
{
	struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
		memcpy(&storage, &ipv4, sizeof ipv4);
	else if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1)
		memcpy(&storage, &ipv6, sizeof ipv6);
	return storage;
}

static enum counter
admit(const char *text, uint32_t *source)
{
	struct sockaddr_storage peer = address(text);
	bool begins = false;
	return sources_admit(
	    sources, &settings, (struct sockaddr *)&peer, 0, source, &begins);
}

static size_t
count(const char *text)
{
	struct sockaddr_storage peer = address(text);
	return sources_count(sources, (struct sockaddr *)&peer);
}

/* Admits as many as there may be, and returns how many those are. */
static size_t
fill(const char *text, uint32_t kept[static NCONNS])
{
	size_t n = 0;
	uint32_t source;
	while (n < NCONNS && admit(text, &source) == COUNTER_ACCEPTED)
		kept[n++] = source;
	return n;
}

START_TEST(a_source_has_a_quarter_of_all_or_what_is_asked_for)
{
	static const struct {
		size_t asked, most;
	} cases[] = {{0, NCONNS / 4}, {1, 1}, {7, 7}, {NCONNS, NCONNS},
	    {2 * NCONNS, NCONNS}};
	uint32_t kept[NCONNS];
	for (int i = 0; i < LENGTH(cases); i++) {
		settings.source_connections = cases[i].asked;
		size_t n = fill("192.0.2.1", kept);
		ck_assert_uint_eq(n, cases[i].most);
		ck_assert_uint_eq(count("192.0.2.1"), n);
		uint32_t other;
		if (n < NCONNS) {
			ck_assert_int_eq(
			    admit("192.0.2.1", &other), COUNTER_SOURCE_LIMIT);
			ck_assert_uint_eq(other, SOURCES_NONE);
			ck_assert_uint_eq(count("192.0.2.1"), n);
			ck_assert_int_eq(
			    admit("192.0.2.2", &other), COUNTER_ACCEPTED);
			sources_leave(sources, other);
		}
		/* Each end makes room for one. */
		sources_leave(sources, kept[0]);
		ck_assert_int_eq(
		    admit("192.0.2.1", &kept[0]), COUNTER_ACCEPTED);
		while (n > 0)
			sources_leave(sources, kept[--n]);
		ck_assert_uint_eq(count("192.0.2.1"), 0);
	}
	ck_assert_uint_eq(settings_source_limit(
			      &(struct settings){.source_connections = 0}, 1),
	    1);
	ck_assert_uint_eq(settings_source_limit(
			      &(struct settings){.source_connections = 0}, 7),
	    1);
}
END_TEST

/* The table has no more entries than there can be connections. */
START_TEST(as_many_sources_as_connections_have_room_again_and_again)
{
	settings.source_connections = 1;
	uint32_t kept[NCONNS];
	char text[32];
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < NCONNS; i++) {
			(void)snprintf(
			    text, sizeof text, "10.0.%d.%d", round, i);
			ck_assert_int_eq(
			    admit(text, &kept[i]), COUNTER_ACCEPTED);
		}
		/* Those that share a bucket leave in another order. */
		for (int i = 0; i < NCONNS; i++) {
			int at = (i * 7 + round) % NCONNS;
			(void)snprintf(
			    text, sizeof text, "10.0.%d.%d", round, at);
			ck_assert_uint_eq(count(text), 1);
			sources_leave(sources, kept[at]);
			ck_assert_uint_eq(count(text), 0);
		}
	}
}
END_TEST

START_TEST(a_source_is_a_prefix_and_ipv4_in_ipv6_is_ipv4)
{
	static const struct {
		unsigned ipv4, ipv6;
		const char *first, *second;
		bool same;
	} cases[] = {
	    {32, 64, "192.0.2.1", "192.0.2.2", false},
	    {32, 64, "192.0.2.1", "::ffff:192.0.2.1", true},
	    {24, 64, "192.0.2.1", "192.0.2.255", true},
	    {24, 64, "192.0.2.1", "192.0.3.1", false},
	    {0, 64, "192.0.2.1", "255.255.255.255", true},
	    {32, 64, "2001:db8::1", "2001:db8::ffff:0:0:1", true},
	    {32, 64, "2001:db8::1", "2001:db8:0:1::1", false},
	    {32, 48, "2001:db8::1", "2001:db8:0:1::1", true},
	    {32, 128, "2001:db8::1", "2001:db8::2", false},
	    {0, 0, "2001:db8::1", "192.0.2.1", false},
	};
	settings.source_connections = 1;
	for (int i = 0; i < LENGTH(cases); i++) {
		settings.source_prefix_ipv4 = cases[i].ipv4;
		settings.source_prefix_ipv6 = cases[i].ipv6;
		reopen();
		uint32_t source;
		ck_assert_int_eq(
		    admit(cases[i].first, &source), COUNTER_ACCEPTED);
		ck_assert_int_eq(admit(cases[i].second, &source),
		    cases[i].same ? COUNTER_SOURCE_LIMIT : COUNTER_ACCEPTED);
	}
}
END_TEST

START_TEST(what_is_exempt_is_not_counted)
{
	static const char *const exempt[] = {
	    "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "a socket"};
	settings.source_connections = 1;
	settings.source_rate = 1;
	for (int i = 0; i < LENGTH(exempt); i++) {
		uint32_t source = 1;
		for (int n = 0; n < 5; n++) {
			ck_assert_int_eq(
			    admit(exempt[i], &source), COUNTER_ACCEPTED);
			ck_assert_uint_eq(source, SOURCES_NONE);
		}
		ck_assert_uint_eq(count(exempt[i]), 0);
		sources_leave(sources, source);
	}
	settings.nsource_exempt = 0;
	uint32_t source;
	ck_assert_int_eq(admit("127.0.0.1", &source), COUNTER_ACCEPTED);
	ck_assert_int_eq(admit("127.0.0.1", &source), COUNTER_SOURCE_LIMIT);
}
END_TEST

START_TEST(who_is_not_allowed_is_refused_before_all_else)
{
	uint32_t source;
	ck_assert_int_eq(prefix_parse(&settings.allow[0], "192.0.2.0/24"), 0);
	ck_assert_int_eq(admit("192.0.2.9", &source), COUNTER_ACCEPTED);
	ck_assert_int_eq(admit("::ffff:192.0.2.9", &source), COUNTER_ACCEPTED);
	ck_assert_int_eq(admit("192.0.3.9", &source), COUNTER_FORBIDDEN);
	ck_assert_uint_eq(source, SOURCES_NONE);
	ck_assert_int_eq(admit("127.0.0.1", &source), COUNTER_FORBIDDEN);
	ck_assert_int_eq(admit("::1", &source), COUNTER_FORBIDDEN);
	ck_assert_int_eq(admit("a socket", &source), COUNTER_FORBIDDEN);
	ck_assert_uint_eq(count("192.0.3.9"), 0);
	settings.nallow = 0;
	ck_assert_int_eq(admit("192.0.3.9", &source), COUNTER_ACCEPTED);
}
END_TEST

START_TEST(the_rate_refuses_only_what_the_limit_admits)
{
	settings.source_rate = 3;
	settings.source_connections = 2;
	uint32_t kept[2], source;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    admit("192.0.2.1", &kept[i]), COUNTER_ACCEPTED);
	for (int i = 0; i < 9; i++)
		ck_assert_int_eq(
		    admit("192.0.2.1", &source), COUNTER_SOURCE_LIMIT);
	sources_leave(sources, kept[0]);
	ck_assert_int_eq(admit("192.0.2.1", &kept[0]), COUNTER_ACCEPTED);
	sources_leave(sources, kept[0]);
	ck_assert_int_eq(admit("192.0.2.1", &source), COUNTER_SOURCE_RATE);
	ck_assert_uint_eq(source, SOURCES_NONE);
	ck_assert_uint_eq(count("192.0.2.1"), 1);
}
END_TEST

START_TEST(another_process_counts_what_it_takes_over_and_refuses_nobody)
{
	uint32_t kept[NCONNS];
	size_t n = fill("192.0.2.1", kept);
	struct prefix prefix = sources_prefix(sources, kept[0]);
	ck_assert_uint_eq(
	    sources_prefix(sources, SOURCES_NONE).kind, PREFIX_NONE);
	settings.source_connections = 2;
	reopen();
	for (size_t i = 0; i < n; i++)
		kept[i] = sources_resume(sources, &prefix);
	ck_assert_uint_eq(count("192.0.2.1"), n);
	uint32_t source;
	while (n > 1) {
		ck_assert_int_eq(admit("192.0.2.1", &source),
		    n < 2 ? COUNTER_ACCEPTED : COUNTER_SOURCE_LIMIT);
		sources_leave(sources, kept[--n]);
	}
	ck_assert_int_eq(admit("192.0.2.1", &source), COUNTER_ACCEPTED);
	/* With fewer bits there, it is counted for those. */
	settings.source_prefix_ipv4 = 16;
	reopen();
	ck_assert_uint_ne(sources_resume(sources, &prefix), SOURCES_NONE);
	ck_assert_uint_eq(count("192.0.77.77"), 1);
	/* Whatever else it is said to be is not counted. */
	prefix = (struct prefix){.kind = 99, .bits = 200};
	ck_assert_uint_eq(sources_resume(sources, &prefix), SOURCES_NONE);
	prefix = (struct prefix){.kind = PREFIX_IPV4, .bits = 200};
	ck_assert_uint_ne(sources_resume(sources, &prefix), SOURCES_NONE);
}
END_TEST

enum { NTHREADS = 4, NROUNDS = 20000 };

static void *
come_and_go(void *arg)
{
	const char *text = arg;
	runner_begin_thread();
	for (int i = 0; i < NROUNDS; i++) {
		uint32_t source;
		ck_assert_int_eq(admit(text, &source), COUNTER_ACCEPTED);
		sources_leave(sources, source);
	}
	return NULL;
}

START_TEST(threads_count_together)
{
	static char texts[NTHREADS][16] = {
	    "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"};
	pthread_t threads[NTHREADS];
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, come_and_go, texts[i]),
		    0);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(count("192.0.2.1"), 0);
	ck_assert_uint_eq(count("192.0.2.2"), 0);
}
END_TEST

static struct prefix
prefix_at(unsigned char number)
{
	return (struct prefix){
	    .kind = PREFIX_IPV4, .bits = 32, .bytes = {10, 0, 0, number}};
}

START_TEST(throttling_is_told_of_at_its_begin_and_its_end)
{
	static struct throttling throttling;
	const struct prefix one = prefix_at(1), two = prefix_at(2);
	const uint64_t quiet = THROTTLING_QUIET_MS;
	ck_assert(throttling_note(&throttling, &one, COUNTER_SOURCE_LIMIT, 5));
	for (uint64_t ms = 6; ms < 106; ms++)
		ck_assert(!throttling_note(
		    &throttling, &one, COUNTER_SOURCE_LIMIT, ms));
	ck_assert(!throttling_note(&throttling, &two, COUNTER_SOURCE_RATE, 50));
	ck_assert_uint_eq(throttling.n, 2);
	ck_assert(throttling_tell(&throttling, 50 + quiet - 1, false));
	ck_assert_uint_eq(throttling.n, 2);
	ck_assert(throttling_tell(&throttling, 50 + quiet, false));
	ck_assert_uint_eq(throttling.n, 1);
	ck_assert_uint_eq(throttling.throttles[0].refused, 101);
	ck_assert(!throttling_tell(&throttling, 105 + quiet, false));
	/* All at the end of the server. */
	ck_assert(
	    throttling_note(&throttling, &one, COUNTER_SOURCE_LIMIT, 20000));
	ck_assert(!throttling_tell(&throttling, 20000, true));
}
END_TEST

START_TEST(more_sources_than_can_be_told_of_change_nothing_else)
{
	static struct throttling throttling;
	for (unsigned char i = 0; i < 3 * THROTTLING_MAX; i++) {
		const struct prefix prefix = prefix_at(i);
		ck_assert_int_eq(throttling_note(&throttling, &prefix,
				     COUNTER_SOURCE_LIMIT, 1),
		    i == 0);
	}
	ck_assert_uint_eq(throttling.n, THROTTLING_MAX);
	ck_assert(
	    !throttling_tell(&throttling, 1 + THROTTLING_QUIET_MS, false));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("sources");
	TCase *tcase = tcase_create("sources");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, a_source_has_a_quarter_of_all_or_what_is_asked_for);
	tcase_add_test(
	    tcase, as_many_sources_as_connections_have_room_again_and_again);
	tcase_add_test(tcase, a_source_is_a_prefix_and_ipv4_in_ipv6_is_ipv4);
	tcase_add_test(tcase, what_is_exempt_is_not_counted);
	tcase_add_test(tcase, who_is_not_allowed_is_refused_before_all_else);
	tcase_add_test(tcase, the_rate_refuses_only_what_the_limit_admits);
	tcase_add_test(tcase,
	    another_process_counts_what_it_takes_over_and_refuses_nobody);
	tcase_add_test(tcase, threads_count_together);
	tcase_add_test(tcase, throttling_is_told_of_at_its_begin_and_its_end);
	tcase_add_test(
	    tcase, more_sources_than_can_be_told_of_change_nothing_else);
	return suite;
}
