/* SPDX-License-Identifier: ISC */
/* A connection to loopback, in steps: it comes about, or does not. */
#include "config.h"

#include "base/sys.h"
#include "net/dial.h"
#include "unit/net/loopback.h"
#include "unit/runner.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>

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
	struct addrinfo server = loopback_entry(&serving, NULL);
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
	struct addrinfo server = loopback_entry(&refusing, NULL);
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
	struct addrinfo self = loopback_entry(&own, NULL);
	ck_assert_int_eq(dial_start(fd, &self), 0);
	await_output(fd);
	ck_assert_int_eq(dial_finish(fd), ECONNREFUSED);
	(void)sys_close(fd);
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
	return dial;
}
