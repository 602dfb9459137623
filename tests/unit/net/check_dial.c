/* SPDX-License-Identifier: ISC */
/* Connections to loopback: those that come about, and those that do not. */
#include "config.h"

#include "base/sys.h"
#include "net/dial.h"
#include "unit/net/loopback.h"
#include "unit/runner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

static struct addrinfo
entry(struct sockaddr_in *address, struct addrinfo *next)
{
	return (struct addrinfo){
	    .ai_family = AF_INET,
	    .ai_addr = (struct sockaddr *)address,
	    .ai_addrlen = sizeof *address,
	    .ai_next = next,
	};
}

/* Waits until the socket that was started is ready for output. */
static void
await_output(int fd)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	ck_assert_int_eq(poll(&writable, 1, 60000), 1);
}

START_TEST(a_connection_that_was_started_is_finished_when_there_is_room)
{
	struct sockaddr_in serving;
	int listener = loopback_bind(&serving);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	struct addrinfo server = entry(&serving, NULL);
	int fd = sys_socket(AF_INET);
	ck_assert_int_eq(dial_start(fd, &server), 0);
	await_output(fd);
	ck_assert_int_eq(dial_finish(fd), 0);
	ck_assert_int_eq(sys_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	(void)sys_close(fd);
	(void)sys_close(listener);
}
END_TEST

START_TEST(a_connection_that_is_still_open_is_to_be_asked_again)
{
	int fd = sys_socket(AF_INET);
	ck_assert_int_eq(dial_finish(fd), EAGAIN);
	(void)sys_close(fd);
}
END_TEST

START_TEST(a_refusal_is_the_reason)
{
	struct sockaddr_in refusing;
	int closed = loopback_bind(&refusing);
	struct addrinfo server = entry(&refusing, NULL);
	int fd = sys_socket(AF_INET);
	if (dial_start(fd, &server) == 0) {
		await_output(fd);
		ck_assert_int_eq(dial_finish(fd), ECONNREFUSED);
	}
	(void)sys_close(fd);
	(void)sys_close(closed);
}
END_TEST

START_TEST(a_connection_to_itself_is_refused)
{
	struct sockaddr_in own;
	int fd = loopback_bind(&own);
	struct addrinfo self = entry(&own, NULL);
	ck_assert_int_eq(dial_start(fd, &self), 0);
	await_output(fd);
	ck_assert_int_eq(dial_finish(fd), ECONNREFUSED);
	(void)sys_close(fd);
}
END_TEST

START_TEST(the_first_address_that_answers_is_taken)
{
	struct sockaddr_in refusing, serving;
	const struct addrinfo *last;
	char tried[DIAL_TRIED_MAX];
	char refused[ADDRESS_TEXT_MAX];
	int closed = loopback_bind(&refusing);
	int listener = loopback_bind(&serving);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	struct addrinfo second = entry(&serving, NULL);
	struct addrinfo first = entry(&refusing, &second);

	int fd = dial_any(&first, 5000, &last, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_eq(last, &second);
	(void)address_format((struct sockaddr *)&refusing, refused);
	ck_assert_int_eq(strncmp(tried, refused, strlen(refused)), 0);
	ck_assert_ptr_nonnull(strstr(tried, ": Connection refused"));
	(void)sys_close(fd);
	(void)sys_close(listener);
	(void)sys_close(closed);
}
END_TEST

START_TEST(an_address_of_a_family_that_the_system_lacks_is_passed_over)
{
	struct sockaddr_in serving, foreign = {.sin_family = AF_UNSPEC};
	const struct addrinfo *last;
	char tried[DIAL_TRIED_MAX];
	int listener = loopback_bind(&serving);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	struct addrinfo second = entry(&serving, NULL);
	struct addrinfo first = entry(&foreign, &second);
	first.ai_family = -1;

	int fd = dial_any(&first, 5000, &last, tried);
	ck_assert_int_ne(fd, -1);
	ck_assert_str_eq(tried,
	    "an unknown address: Address family not supported by protocol");
	(void)sys_close(fd);
	(void)sys_close(listener);
}
END_TEST

START_TEST(when_no_address_answers_all_are_listed_that_fit)
{
	enum { MANY = 40 };
	struct sockaddr_in refusing;
	struct addrinfo list[MANY];
	const struct addrinfo *last;
	char tried[DIAL_TRIED_MAX];
	int closed = loopback_bind(&refusing);
	for (int i = 0; i < MANY; i++)
		list[i] = entry(&refusing, i + 1 < MANY ? &list[i + 1] : NULL);
	ck_assert_int_eq(dial_any(&list[MANY - 2], 5000, &last, tried), -1);
	ck_assert_ptr_nonnull(strstr(tried, "refused; 127.0.0.1:"));
	ck_assert_int_eq(dial_any(list, 5000, &last, tried), -1);
	ck_assert_str_eq(tried + strlen(tried) - 7, "refused");
	ck_assert_uint_gt(strlen(tried), DIAL_TRIED_MAX - 64);
	(void)sys_close(closed);
}
END_TEST

/* Two that are never accepted fill a queue for one. */
START_TEST(an_address_that_does_not_answer_is_given_up_after_the_timeout)
{
	struct sockaddr_in full;
	int listener = loopback_bind(&full), waiting[2];
	ck_assert_int_eq(sys_listen(listener, 0), 0);
	struct addrinfo server = entry(&full, NULL);
	for (int i = 0; i < LENGTH(waiting); i++) {
		waiting[i] = sys_socket(AF_INET);
		ck_assert_int_eq(dial_start(waiting[i], &server), 0);
	}
	const struct addrinfo *last;
	char tried[DIAL_TRIED_MAX];
	uint64_t started = sys_now();
	ck_assert_int_eq(dial_any(&server, 200, &last, tried), -1);
	ck_assert_uint_ge(sys_now() - started, 200);
	ck_assert_ptr_nonnull(strstr(tried, ": Connection timed out"));
	for (int i = 0; i < LENGTH(waiting); i++)
		(void)sys_close(waiting[i]);
	(void)sys_close(listener);
}
END_TEST

Suite *
suite(void)
{
	Suite *dial = suite_create("dial");
	TCase *one = tcase_create("one");
	tcase_add_test(
	    one, a_connection_that_was_started_is_finished_when_there_is_room);
	tcase_add_test(
	    one, a_connection_that_is_still_open_is_to_be_asked_again);
	tcase_add_test(one, a_refusal_is_the_reason);
	tcase_add_test(one, a_connection_to_itself_is_refused);
	suite_add_tcase(dial, one);
	TCase *any = tcase_create("any");
	tcase_add_test(any, the_first_address_that_answers_is_taken);
	tcase_add_test(
	    any, an_address_of_a_family_that_the_system_lacks_is_passed_over);
	tcase_add_test(any, when_no_address_answers_all_are_listed_that_fit);
	tcase_add_test(
	    any, an_address_that_does_not_answer_is_given_up_after_the_timeout);
	suite_add_tcase(dial, any);
	return dial;
}
