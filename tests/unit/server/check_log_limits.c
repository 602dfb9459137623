/* SPDX-License-Identifier: ISC */
/* Lines that peers can cause: one of a kind a second, with a note of others. */
#include "config.h"

#include "base/log.h"
#include "unit/runner.h"
#include "unit/server/conn_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 12 };

static int reader;

/* All lines since the last call have the word, and there is exactly this one
 * more. */
static void
expect_line(const char *word, const char *note)
{
	static char text[65536];
	ssize_t n = read(reader, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	size_t length = strlen(text);
	ck_assert_uint_gt(length, 0);
	ck_assert_ptr_nonnull(strstr(text, word));
	/* One line, and the note is its end. */
	ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
	text[length - 1] = '\0';
	const char *end = strrchr(text, '(');
	ck_assert_str_eq(end == NULL ? "" : end, note);
}

static void
expect_no_line(void)
{
	char byte;
	ck_assert_int_eq(read(reader, &byte, 1), -1);
}

static void
refuse(int n)
{
	for (int i = 0; i < n; i++) {
		struct kernel_socket *socket = serve();
		send_text(socket, "\xff");
		send_fin(socket);
	}
}

START_TEST(many_refusals_are_one_line_a_second)
{
	fixture_close();
	settings.invalid = UPCASE_CLOSE;
	fixture_open();
	reader = fixture_read_log();
	refuse(MANY);
	expect_line("UTF-8", "");
	ck_assert_uint_eq(count(COUNTER_REFUSED), MANY);
	pass(999);
	refuse(1);
	expect_no_line();
	pass(1);
	refuse(MANY);
	expect_line("UTF-8", "(12 more)");
	pass(1000);
	refuse(1);
	expect_line("UTF-8", "(11 more)");
}
END_TEST

/* One client waits for its answer, and the next needs the place. */
static void
evict(int n)
{
	for (int i = 0; i < n; i++) {
		struct kernel_socket *waiting = serve();
		waiting->room = 0;
		kernel_peer_sends(waiting, letters(ANSWER), ANSWER);
		turn();
		struct kernel_socket *other = serve();
		send_text(other, "x");
		expect_answer(other, "X");
		ck_assert(waiting->closed);
		send_fin(other);
	}
}

START_TEST(many_evictions_are_one_line_a_second)
{
	fixture_close();
	nblocks = 1;
	fixture_open();
	reader = fixture_read_log();
	evict(MANY);
	expect_line("memory", "");
	ck_assert_uint_eq(count(COUNTER_EVICTED), MANY);
	pass(999);
	evict(1);
	expect_no_line();
	pass(1);
	evict(1);
	expect_line("memory", "(12 more)");
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("log limits");
	TCase *tcase = fixture_case(suite, "log limits");
	tcase_add_test(tcase, many_refusals_are_one_line_a_second);
	tcase_add_test(tcase, many_evictions_are_one_line_a_second);
	return suite;
}
