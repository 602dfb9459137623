/* SPDX-License-Identifier: ISC */
/* Messages to a service manager: where they go, and what if they cannot. */
#include "config.h"

#include "base/log.h"
#include "daemon/notify.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/check_notify.XXXXXX";
static char path[64];
static int reader;

static void
set_up(void)
{
	struct sockaddr_un address;
	socklen_t length;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/notify", folder);
	ck_assert_int_eq(notify_address(&address, &length, path), 0);
	reader = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_ne(reader, -1);
	ck_assert_int_eq(bind(reader, (struct sockaddr *)&address, length), 0);
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
}

static void
tear_down(void)
{
	notify_close();
	(void)close(reader);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
open_as(const char *name)
{
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	notify_open();
	/* No child is to speak for us. */
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
}

START_TEST(paths_and_abstract_names_are_addresses)
{
	static const char *const wrong[] = {
	    "", "/", "@", "run/notify", "vsock:2:1234", " /run/notify"};
	struct sockaddr_un address;
	socklen_t length;
	for (int i = 0; i < LENGTH(wrong); i++)
		ck_assert_int_eq(
		    notify_address(&address, &length, wrong[i]), -1);
	ck_assert_int_eq(notify_address(&address, &length, "@a/b"), 0);
	ck_assert_mem_eq(address.sun_path, "\0a/b", 5);
	ck_assert_uint_eq(length, offsetof(struct sockaddr_un, sun_path) + 4);
	/* The longest path has its end in the address. */
	char text[sizeof address.sun_path + 1];
	memset(text, 'x', sizeof text);
	text[0] = '/';
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(notify_address(&address, &length, text), -1);
	text[sizeof text - 2] = '\0';
	ck_assert_int_eq(notify_address(&address, &length, text), 0);
	ck_assert_str_eq(address.sun_path, text);
	ck_assert_uint_eq(length, sizeof address);
}
END_TEST

START_TEST(a_message_arrives_whole)
{
	char bytes[64];
	open_as(path);
	ck_assert(notify_is_open());
	ck_assert_int_eq(notify_send("READY=1\n", NULL, 0), 0);
	ck_assert_int_eq(recv(reader, bytes, sizeof bytes, MSG_DONTWAIT), 8);
	ck_assert_mem_eq(bytes, "READY=1\n", 8);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(descriptors_travel_with_a_message)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	char bytes[64];
	struct iovec piece = {bytes, sizeof bytes};
	struct msghdr message = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	int ends[2], far[2];
	struct stat ours, theirs;
	open_as(path);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(notify_send("FDSTORE=1\n", ends, 2), 0);
	ck_assert_int_eq(recvmsg(reader, &message, MSG_DONTWAIT), 10);
	ck_assert_uint_eq(control.header.cmsg_len, CMSG_LEN(2 * sizeof(int)));
	memcpy(far, CMSG_DATA(&control.header), sizeof far);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fstat(ends[i], &ours), 0);
		ck_assert_int_eq(fstat(far[i], &theirs), 0);
		ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
		(void)close(ends[i]);
		(void)close(far[i]);
	}
}
END_TEST

START_TEST(without_the_variable_nothing_is_opened_or_said)
{
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	notify_open();
	ck_assert(!notify_is_open());
	ck_assert_int_eq(notify_send("READY=1\n", NULL, 0), 0);
	open_as("");
	ck_assert(!notify_is_open());
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_socket_that_cannot_be_is_logged_by_name)
{
	open_as("elsewhere");
	ck_assert(!notify_is_open());
	ck_assert_ptr_nonnull(strstr(written(), "'elsewhere'"));
	open_as("/nonexistent/notify");
	ck_assert(!notify_is_open());
	ck_assert_ptr_nonnull(strstr(written(), "/nonexistent/notify"));
}
END_TEST

START_TEST(a_manager_that_does_not_read_is_not_waited_for)
{
	int n = 0;
	open_as(path);
	while (n < 1000000 && notify_send("WATCHDOG=1\n", NULL, 0) == 0)
		n++;
	ck_assert_int_lt(n, 1000000);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_ptr_nonnull(strstr(written(), "NOTIFY_SOCKET"));
	ck_assert_int_eq(notify_send("WATCHDOG=1\n", NULL, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* Once was enough. */
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_manager_that_is_gone_is_an_error_for_good)
{
	open_as(path);
	(void)close(reader);
	ck_assert_int_eq(notify_send("READY=1\n", NULL, 0), -1);
	ck_assert_int_ne(errno, EAGAIN);
	ck_assert_ptr_nonnull(strstr(written(), "service manager"));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = tcase_create("messages");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, paths_and_abstract_names_are_addresses);
	tcase_add_test(tcase, a_message_arrives_whole);
	tcase_add_test(tcase, descriptors_travel_with_a_message);
	tcase_add_test(tcase, without_the_variable_nothing_is_opened_or_said);
	tcase_add_test(tcase, a_socket_that_cannot_be_is_logged_by_name);
	tcase_add_test(tcase, a_manager_that_does_not_read_is_not_waited_for);
	tcase_add_test(tcase, a_manager_that_is_gone_is_an_error_for_good);
	return suite;
}
