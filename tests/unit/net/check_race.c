/* SPDX-License-Identifier: ISC */
/* A server with several addresses, of which some refuse and some are silent. */
#include "config.h"

#include "base/sys.h"
#include "net/dial.h"
#include "net/race.h"
#include "unit/net/loopback.h"
#include "unit/runner.h"

#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Far more than any attempt takes that is not waited for in vain. */
enum { LONG_MS = 120 * 1000, SOON_MS = LONG_MS / 4 };

static const struct addrinfo *winner;
static char tried[RACE_TRIED_MAX];

/* An address that refuses, and one that takes a connection. */
static int closed, listener;
static struct sockaddr_in refusing, serving;

/* One that is silent: two that are never accepted fill a queue for one. */
static int full, waiting[2];
static struct sockaddr_in silent;

static void
setup(void)
{
	closed = loopback_bind(&refusing);
	listener = loopback_bind(&serving);
	ck_assert_int_eq(sys_listen(listener, 16), 0);
	full = loopback_bind(&silent);
	ck_assert_int_eq(sys_listen(full, 0), 0);
	struct addrinfo server = loopback_entry(&silent, NULL);
	for (int i = 0; i < LENGTH(waiting); i++) {
		waiting[i] = sys_socket(AF_INET);
		ck_assert_int_eq(dial_start(waiting[i], &server), 0);
	}
}

static void
teardown(void)
{
	for (int i = 0; i < LENGTH(waiting); i++)
		(void)sys_close(waiting[i]);
	(void)sys_close(full);
	(void)sys_close(listener);
	(void)sys_close(closed);
}

/* The text for a refusal, as it stands in what was tried. */
static const char *
refusal(const struct sockaddr *address)
{
	static char text[ADDRESS_TEXT_MAX + 32];
	char name[ADDRESS_TEXT_MAX];
	(void)snprintf(text, sizeof text, "%s: Connection refused",
	    address_format(address, name));
	return text;
}

START_TEST(the_first_address_that_answers_is_taken)
{
	struct addrinfo second = loopback_entry(&serving, NULL);
	struct addrinfo first = loopback_entry(&refusing, &second);
	int fd = race_run(&first, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &second);
	ck_assert_str_eq(tried, refusal((struct sockaddr *)&refusing));
	(void)sys_close(fd);
}
END_TEST

START_TEST(an_address_of_a_family_that_the_system_lacks_is_passed_over)
{
	struct sockaddr_in foreign = {.sin_family = AF_UNSPEC};
	struct addrinfo second = loopback_entry(&serving, NULL);
	struct addrinfo first = loopback_entry(&foreign, &second);
	first.ai_family = -1;
	int fd = race_run(&first, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_str_eq(tried,
	    "an unknown address: Address family not supported by protocol");
	(void)sys_close(fd);
}
END_TEST

/* TCP is not for everybody at once: the system says so without asking. */
START_TEST(an_address_that_cannot_be_connected_to_is_passed_over)
{
	struct sockaddr_in all = serving;
	all.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	struct addrinfo second = loopback_entry(&serving, NULL);
	struct addrinfo first = loopback_entry(&all, &second);
	int fd = race_run(&first, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &second);
	ck_assert_ptr_nonnull(strstr(tried, "255.255.255.255:"));
	(void)sys_close(fd);
}
END_TEST

START_TEST(when_no_address_answers_all_are_listed_that_fit)
{
	enum { MANY = 40 };
	struct addrinfo list[MANY];
	for (int i = 0; i < MANY; i++)
		list[i] = loopback_entry(
		    &refusing, i + 1 < MANY ? &list[i + 1] : NULL);
	ck_assert_int_eq(
	    race_run(&list[MANY - 2], LONG_MS, &winner, tried), -1);
	ck_assert_ptr_nonnull(strstr(tried, "refused; 127.0.0.1:"));
	ck_assert_int_eq(race_run(list, LONG_MS, &winner, tried), -1);
	ck_assert_str_eq(tried + strlen(tried) - 7, "refused");
	ck_assert_uint_gt(strlen(tried), RACE_TRIED_MAX - 64);
}
END_TEST

START_TEST(an_address_that_does_not_answer_is_given_up_after_the_timeout)
{
	struct addrinfo server = loopback_entry(&silent, NULL);
	uint64_t started = sys_now();
	ck_assert_int_eq(race_run(&server, 200, &winner, tried), -1);
	ck_assert_uint_ge(sys_now() - started, 200);
	ck_assert_ptr_nonnull(strstr(tried, ": Connection timed out"));
}
END_TEST

START_TEST(a_silent_address_does_not_hold_the_next_one_up)
{
	struct addrinfo second = loopback_entry(&serving, NULL);
	struct addrinfo first = loopback_entry(&silent, &second);
	uint64_t started = sys_now();
	int fd = race_run(&first, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &second);
	ck_assert_uint_ge(sys_now() - started, 250);
	ck_assert_uint_lt(sys_now() - started, SOON_MS);
	/* Nothing has failed: the first one was only slower. */
	ck_assert_str_eq(tried, "");
	(void)sys_close(fd);
}
END_TEST

START_TEST(without_a_timeout_a_silent_address_does_not_hold_the_next_one_up)
{
	struct addrinfo second = loopback_entry(&serving, NULL);
	struct addrinfo first = loopback_entry(&silent, &second);
	uint64_t started = sys_now();
	int fd = race_run(&first, 0, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &second);
	ck_assert_uint_lt(sys_now() - started, SOON_MS);
	(void)sys_close(fd);
}
END_TEST

/* The first one is asked again by the kernel about a second later. */
START_TEST(an_address_that_answers_late_is_still_taken)
{
	struct addrinfo second = loopback_entry(&refusing, NULL);
	struct addrinfo first = loopback_entry(&silent, &second);
	pid_t child = fork();
	if (child == 0) {
		struct pollfd row = {.fd = full, .events = POLLIN};
		/* By then the other has refused; sooner would show less. */
		sys_sleep(400);
		/* All, as the kernel may ask again for the others first. */
		while (poll(&row, 1, -1) == 1)
			(void)sys_accept(full, NULL);
		_exit(1);
	}
	int fd = race_run(&first, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &first);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	(void)sys_close(fd);
}
END_TEST

START_TEST(with_many_silent_addresses_the_last_one_is_still_tried)
{
	/* Those that wait together are 16, which takes 4 seconds to reach. */
	enum { MANY = 18, EACH_MS = 5000 };
	struct addrinfo list[MANY];
	for (int i = 0; i < MANY; i++)
		list[i] = loopback_entry(i + 1 < MANY ? &silent : &serving,
		    i + 1 < MANY ? &list[i + 1] : NULL);
	int fd = race_run(list, EACH_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &list[MANY - 1]);
	/* None of them failed for another reason. */
	for (const char *text = tried; text != NULL;
	     text = strstr(text + 1, "127.0.0.1:"))
		ck_assert_ptr_eq(
		    strstr(text, ": "), strstr(text, ": Connection timed out"));
	(void)sys_close(fd);
}
END_TEST

/* Or each of them would take another quarter of a second. */
START_TEST(a_refusal_is_followed_at_once_while_another_address_is_silent)
{
	enum { MANY = 500 };
	static struct addrinfo list[MANY];
	for (int i = 0; i < MANY; i++)
		list[i] = loopback_entry(
		    &refusing, i + 1 < MANY ? &list[i + 1] : NULL);
	list[0].ai_addr = (struct sockaddr *)&silent;
	list[MANY - 1].ai_addr = (struct sockaddr *)&serving;
	uint64_t started = sys_now();
	int fd = race_run(list, LONG_MS, &winner, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(winner, &list[MANY - 1]);
	ck_assert_uint_lt(sys_now() - started, SOON_MS);
	(void)sys_close(fd);
}
END_TEST

/* Two of IPv4 before one of another family: that one is the second. */
START_TEST(the_families_take_turns)
{
	struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct addrinfo third = {
	    .ai_family = AF_INET6,
	    .ai_addr = (struct sockaddr *)&six,
	    .ai_addrlen = sizeof six,
	};
	struct sockaddr_in other;
	int unused = loopback_bind(&other);
	/* Where nobody listens for IPv4 nobody does for IPv6, most likely. */
	six.sin6_port = other.sin_port;
	struct addrinfo second = loopback_entry(&other, &third);
	struct addrinfo first = loopback_entry(&refusing, &second);
	ck_assert_int_eq(race_run(&first, LONG_MS, &winner, tried), -1);
	const char *of_six = strstr(tried, "[::1]:");
	const char *of_other =
	    strstr(tried, refusal((struct sockaddr *)&other));
	ck_assert_ptr_nonnull(of_six);
	ck_assert_ptr_nonnull(of_other);
	ck_assert(of_six < of_other);
	(void)sys_close(unused);
}
END_TEST

Suite *
suite(void)
{
	Suite *race = suite_create("race");
	TCase *one = tcase_create("one after the other");
	tcase_add_checked_fixture(one, setup, teardown);
	tcase_add_test(one, the_first_address_that_answers_is_taken);
	tcase_add_test(
	    one, an_address_of_a_family_that_the_system_lacks_is_passed_over);
	tcase_add_test(
	    one, an_address_that_cannot_be_connected_to_is_passed_over);
	tcase_add_test(one, when_no_address_answers_all_are_listed_that_fit);
	tcase_add_test(
	    one, an_address_that_does_not_answer_is_given_up_after_the_timeout);
	tcase_add_test(one, the_families_take_turns);
	suite_add_tcase(race, one);
	TCase *together = tcase_create("together");
	tcase_add_checked_fixture(together, setup, teardown);
	tcase_set_timeout(together, LONG_MS / 1000);
	tcase_add_test(
	    together, a_silent_address_does_not_hold_the_next_one_up);
	tcase_add_test(together,
	    without_a_timeout_a_silent_address_does_not_hold_the_next_one_up);
	tcase_add_test(together, an_address_that_answers_late_is_still_taken);
	tcase_add_test(
	    together, with_many_silent_addresses_the_last_one_is_still_tried);
	tcase_add_test(together,
	    a_refusal_is_followed_at_once_while_another_address_is_silent);
	suite_add_tcase(race, together);
	return race;
}
