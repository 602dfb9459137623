/* SPDX-License-Identifier: ISC */
/* What is told to a user, and whether what was asked for has been printed. */
#include "config.h"

#include "base/printable.h"
#include "base/say.h"
#include "base/streams.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

START_TEST(a_text_of_any_length_is_shown_in_printable_bytes)
{
	char text[2 * PRINTABLE_MAX], shown[PRINTABLE_MAX];
	for (size_t length = 0; length < sizeof text; length++) {
		memset(text, 'x', length);
		text[length] = '\0';
		ck_assert_ptr_eq(printable(text, shown), shown);
		size_t room = strlen(shown);
		ck_assert_uint_lt(room, PRINTABLE_MAX);
		ck_assert(strcmp(shown, text) == 0 || length > 100);
		if (strcmp(shown, text) != 0)
			ck_assert_str_eq(shown + room - 4, "x...");
		memset(text, '\n', length);
		printable(text, shown);
		ck_assert_uint_lt(strlen(shown), PRINTABLE_MAX);
		ck_assert_ptr_null(strchr(shown, '\n'));
	}
}
END_TEST

static const struct {
	const char *text, *shown;
} texts[] = {
    {"", ""},
    {"a b~", "a b~"},
    {"\\x", "\\x5cx"},
    {"\x1b[31m\r\n\a\x7f", "\\x1b[31m\\x0d\\x0a\\x07\\x7f"},
    {"gr\u00fc\u00dfe \u0416 \u4e2d \U0001f32e",
	"gr\u00fc\u00dfe \u0416 \u4e2d \U0001f32e"},
    /* C1, which some terminals obey, and what hides or turns others around. */
    {"\xc2\x80 \xc2\x9b \xc2\x9f \xc2\xa0",
	"\\xc2\\x80 \\xc2\\x9b \\xc2\\x9f \\xc2\\xa0"},
    {"\u00ad", "\\xc2\\xad"},
    {"\u200b", "\\xe2\\x80\\x8b"},
    {"\u2027\u2028\u202f", "\u2027\\xe2\\x80\\xa8\\xe2\\x80\\xaf"},
    {"\u202e", "\\xe2\\x80\\xae"},
    {"\u2066", "\\xe2\\x81\\xa6"},
    {"\ufeff", "\\xef\\xbb\\xbf"},
    {"\ufffd", "\ufffd"},
    {"\xef\xbf\xbe", "\\xef\\xbf\\xbe"},
    {"\U000e0041", "\\xf3\\xa0\\x81\\x81"},
    {"\xf4\x8f\xbf\xbf", "\\xf4\\x8f\\xbf\\xbf"},
    /* No UTF-8: cut, alone, overlong, a surrogate, too large. */
    {"\xc3", "\\xc3"},
    {"\xe2\x82z", "\\xe2\\x82z"},
    {"\x80\xbf", "\\x80\\xbf"},
    {"\xc0\xaf\xe0\x9f\xbf", "\\xc0\\xaf\\xe0\\x9f\\xbf"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"\xf4\x90\x80\x80\xff", "\\xf4\\x90\\x80\\x80\\xff"},
};

START_TEST(what_a_terminal_would_obey_or_hide_is_escaped)
{
	char shown[PRINTABLE_MAX];
	ck_assert_str_eq(printable(texts[_i].text, shown), texts[_i].shown);
}
END_TEST

START_TEST(a_cut_is_between_two_characters)
{
	/* Each of the sizes cuts somewhere else. */
	static const char text[] = "ab\u00fc\u4e2d\U0001f32e";
	static const char *const cut[] = {"...", "a...", "ab...", "ab...",
	    "ab\u00fc...", "ab\u00fc...", "ab\u00fc...", "ab\u00fc\u4e2d..."};
	char shown[32];
	for (size_t i = 0; i < LENGTH(cut); i++) {
		ck_assert_str_eq(printable_cut(text, shown, 4 + i), cut[i]);
		ck_assert_str_eq(
		    printable_sentence(text, shown, 4 + i), cut[i]);
	}
	ck_assert_str_eq(printable_cut(text, shown, sizeof shown), text);
	ck_assert_str_eq(
	    printable_cut("\x1b\\\xff", shown, sizeof shown), "\x1b\\\xff");
	ck_assert_str_eq(
	    printable_sentence("\x1b\\", shown, sizeof shown), "\\x1b\\");
	/* An escape is not cut either. */
	ck_assert_str_eq(printable_sentence("ab\u202e", shown, 17), "ab...");
}
END_TEST

START_TEST(a_sentence_is_printable_whatever_it_was_made_of)
{
	capture(STDERR_FILENO);
	say_as("prog");
	say("no '%s'", "\x1b]0;\a\n\xc3");
	ck_assert_str_eq(written(), "prog: no '\\x1b]0;\\x07\\x0a\\xc3'\n");
	say("no '%s'", "\\x41 \u00fc");
	ck_assert_str_eq(written(), "prog: no '\\x41 \u00fc'\n");
}
END_TEST

START_TEST(a_sentence_begins_with_the_program_and_is_a_line)
{
	capture(STDERR_FILENO);
	say_as("prog");
	ck_assert_str_eq(say_program(), "prog");
	say("%d apples", 3);
	errno = ENOENT;
	say_errno("cannot open %s", "it");
	ck_assert_str_eq(written(), "prog: 3 apples\nprog: cannot open it: No "
				    "such file or directory\n");
}
END_TEST

START_TEST(a_sentence_that_is_too_long_is_cut_but_is_a_line)
{
	static char long_text[2 * SAY_MAX];
	memset(long_text, 'x', sizeof long_text - 1);
	capture(STDERR_FILENO);
	say_as("prog");
	say("%s", long_text);
	const char *line = written();
	ck_assert_uint_lt(strlen(line), strlen("prog: ") + SAY_MAX);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\n");
	/* Each length that is around the longest is either whole or has dots.
	 */
	for (size_t n = SAY_MAX - 10; n < SAY_MAX + 10; n++) {
		capture(STDERR_FILENO);
		say("%.*s", (int)n, long_text);
		line = written();
		bool is_whole = strlen(line) == strlen("prog: \n") + n;
		ck_assert(is_whole || strstr(line, "x...\n") != NULL);
		ck_assert(!is_whole || n < SAY_MAX);
	}
}
END_TEST

/* Runs the check in a child without its standard streams. */
static int
status_of(int (*check)(void))
{
	pid_t child = fork();
	if (child == 0) {
		(void)fflush(stdout);
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			(void)close(fd);
		_exit(check());
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
check_filled(void)
{
	char byte;
	if (streams_fill() != 0)
		return 1;
	if (read(STDIN_FILENO, &byte, 1) != -1)
		return 2;
	if (write(STDOUT_FILENO, "x", 1) != -1)
		return 3;
	if (write(STDERR_FILENO, "x", 1) != 1)
		return 4;
	return dup(STDERR_FILENO) > STDERR_FILENO ? 0 : 5;
}

START_TEST(closed_streams_are_filled_and_their_use_still_fails)
{
	ck_assert_int_eq(status_of(check_filled), 0);
}
END_TEST

START_TEST(open_streams_stay_as_they_are)
{
	capture(STDERR_FILENO);
	ck_assert_int_eq(streams_fill(), 0);
	say_as("prog");
	say("here");
	ck_assert_str_eq(written(), "prog: here\n");
}
END_TEST

START_TEST(output_that_does_not_arrive_is_an_error)
{
	static const char *const files[] = {"/dev/null", "/dev/full"};
	for (int i = 0; i < LENGTH(files); i++) {
		pid_t child = fork();
		if (child == 0) {
			/* More than the buffer, so that a part fails before. */
			if (freopen(files[i], "w", stdout) == NULL)
				_exit(EX_OK);
			for (int j = 0; j < 10000; j++)
				(void)puts("help");
			_exit(streams_end_output());
		}
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(
		    WEXITSTATUS(status), i == 0 ? EX_OK : EX_IOERR);
		if (access("/dev/full", F_OK) == -1)
			break;
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("say");
	TCase *tcase = tcase_create("say");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_text_of_any_length_is_shown_in_printable_bytes);
	tcase_add_loop_test(tcase,
	    what_a_terminal_would_obey_or_hide_is_escaped, 0, LENGTH(texts));
	tcase_add_test(tcase, a_cut_is_between_two_characters);
	tcase_add_test(tcase, a_sentence_is_printable_whatever_it_was_made_of);
	tcase_add_test(tcase, a_sentence_begins_with_the_program_and_is_a_line);
	tcase_add_test(tcase, a_sentence_that_is_too_long_is_cut_but_is_a_line);
	tcase_add_test(
	    tcase, closed_streams_are_filled_and_their_use_still_fails);
	tcase_add_test(tcase, open_streams_stay_as_they_are);
	tcase_add_test(tcase, output_that_does_not_arrive_is_an_error);
	return suite;
}
