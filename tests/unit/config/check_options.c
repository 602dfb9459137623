/* SPDX-License-Identifier: ISC */
/* Options: how they are read, refused and listed. */
#include "config.h"

#include "base/printable.h"
#include "config/options.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct settings {
	int nflags, nfirst;
	const char *value;
};

static const char *
set_flag(void *settings, const char *value)
{
	ck_assert_ptr_null(value);
	((struct settings *)settings)->nflags++;
	return NULL;
}

static const char *
set_value(void *settings, const char *value)
{
	((struct settings *)settings)->value = value;
	return value[0] == 'b' ? "a good value" : NULL;
}

static const struct option_row rows[] = {
    {"flag", 'f', NULL, "raise the flag", set_flag},
    {"value", 'v', "WORD", "take a word,\nbut none with b", set_value},
    {"a-name-of-some-length", 0, "WORD", "is on its own line", set_value},
    {0},
};

static const struct options options = {
    .program = "prog",
    .usage = "[option]... [file]",
    .summary = "Tests options.",
    .rows = rows,
};

static const struct {
	const char *arguments[5];
	enum options_outcome outcome;
	int nflags, first;
	const char *value, *message;
} commands[] = {
    {{"prog"}, OPTIONS_RUN, 0, 1, NULL, ""},
    {{"prog", "-ff", "--flag"}, OPTIONS_RUN, 3, 3, NULL, ""},
    {{"prog", "-vx", "file"}, OPTIONS_RUN, 0, 2, "x", ""},
    {{"prog", "-fv", "x", "file"}, OPTIONS_RUN, 1, 3, "x", ""},
    {{"prog", "--value", "x"}, OPTIONS_RUN, 0, 3, "x", ""},
    {{"prog", "--value=-f"}, OPTIONS_RUN, 0, 2, "-f", ""},
    {{"prog", "--value="}, OPTIONS_RUN, 0, 2, "", ""},
    {{"prog", "--", "-f"}, OPTIONS_RUN, 0, 2, NULL, ""},
    {{"prog", "-"}, OPTIONS_RUN, 0, 1, NULL, ""},
    {{"prog", "--a-name-of-some-length=x"}, OPTIONS_RUN, 0, 2, "x", ""},
    {{"prog", "--value=bad"}, OPTIONS_BAD, 0, 0, "bad",
	"prog: --value: 'bad' is not a good value\n"},
    {{"prog", "-v", "bad"}, OPTIONS_BAD, 0, 0, "bad",
	"prog: --value: 'bad' is not a good value\n"},
    {{"prog", "--other"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: unknown option '--other'; see 'prog --help'\n"},
    {{"prog", "--other=x", "-f"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: unknown option '--other=x'; see 'prog --help'\n"},
    {{"prog", "-fxf"}, OPTIONS_BAD, 1, 0, NULL,
	"prog: unknown option '-x'; see 'prog --help'\n"},
    {{"prog", "--f"}, OPTIONS_RUN, 1, 2, NULL, ""},
    {{"prog", "--va=x", "--a", "y"}, OPTIONS_RUN, 0, 4, "y", ""},
    {{"prog", "--h=x"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: no value is taken by this option: '--h=x'; see 'prog --help'\n"},
    {{"prog", "--flag="}, OPTIONS_BAD, 0, 0, NULL,
	"prog: no value is taken by this option: '--flag='; "
	"see 'prog --help'\n"},
    {{"prog", "--=x"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: several options begin with '--=x'; see 'prog --help'\n"},
    {{"prog", "-v", "b\x1b[31m\n\\\x80"}, OPTIONS_BAD, 0, 0,
	"b\x1b[31m\n\\\x80",
	"prog: --value: 'b\\x1b[31m\\x0a\\x5c\\x80' is not a good value\n"},
    {{"prog", "--\x1b[31m"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: unknown option '--\\x1b[31m'; see 'prog --help'\n"},
    {{"prog", "-v"}, OPTIONS_BAD, 0, 0, NULL,
	"prog: a value is missing after '-v'; see 'prog --help'\n"},
    {{"prog", "-f", "--value"}, OPTIONS_BAD, 1, 0, NULL,
	"prog: a value is missing after '--value'; see 'prog --help'\n"},
};

START_TEST(options_are_read_or_refused_with_a_sentence)
{
	char *arguments[6] = {0};
	int n = 0, first = 0;
	for (; n < 5 && commands[_i].arguments[n] != NULL; n++)
		arguments[n] = strdup(commands[_i].arguments[n]);
	struct settings settings = {0};
	capture(STDERR_FILENO);
	/* Makes every getopt_long begin anew. */
	optind = 0;
	ck_assert_int_eq(
	    options_parse(&options, &settings, n, arguments, &first),
	    commands[_i].outcome);
	ck_assert_str_eq(written(), commands[_i].message);
	ck_assert_int_eq(settings.nflags, commands[_i].nflags);
	ck_assert_int_eq(first, commands[_i].first);
	ck_assert_pstr_eq(settings.value, commands[_i].value);
	while (n-- > 0)
		free(arguments[n]);
}
END_TEST

START_TEST(an_option_outside_ascii_is_not_blamed_on_another_argument)
{
	char program[] = "prog", flag[] = "-f", strange[] = "-\xc3\xa4";
	char *arguments[] = {program, flag, strange, NULL};
	struct settings settings = {0};
	int first;
	capture(STDERR_FILENO);
	optind = 0;
	ck_assert_int_eq(
	    options_parse(&options, &settings, 3, arguments, &first),
	    OPTIONS_BAD);
	ck_assert_ptr_nonnull(strstr(written(), "unknown option '-\\xc3"));
}
END_TEST

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
			_exit(options_end_output("prog"));
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

/* The place of a part of a text in its line. */
static ptrdiff_t
column(const char *text, const char *part)
{
	const char *found = strstr(text, part), *start = found;
	ck_assert_msg(found != NULL, "no %s in %s", part, text);
	while (start > text && start[-1] != '\n')
		start--;
	return found - start;
}

START_TEST(help_shows_every_option_and_itself)
{
	static const char *const starts[] = {"usage: prog [option]... [file]\n",
	    "Tests options.\n", "  -f, --flag ", "  -v, --value WORD ",
	    "      --a-name-of-some-length WORD\n", "  -h, --help "};
	static const char *const helps[] = {"raise the flag\n",
	    "take a word,\n", "but none with b\n", "is on its own line\n",
	    "print this and exit\n"};
	char program[] = "prog", help[] = "--help", letter[] = "-h";
	char *arguments[] = {program, help, NULL};
	struct settings settings = {0};
	int first;
	capture(STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		optind = 0;
		ck_assert_int_eq(
		    options_parse(&options, &settings, 2, arguments, &first),
		    OPTIONS_DONE);
		const char *text = written();
		for (int j = 0; j < LENGTH(starts); j++)
			ck_assert_int_eq(column(text, starts[j]), 0);
		for (int j = 0; j < LENGTH(helps); j++)
			ck_assert_int_eq(
			    column(text, helps[j]), column(text, helps[0]));
		arguments[1] = letter;
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("options");
	TCase *option = tcase_create("options");
	tcase_add_loop_test(option, options_are_read_or_refused_with_a_sentence,
	    0, LENGTH(commands));
	tcase_add_test(
	    option, an_option_outside_ascii_is_not_blamed_on_another_argument);
	tcase_add_test(
	    option, a_text_of_any_length_is_shown_in_printable_bytes);
	tcase_add_test(option, output_that_does_not_arrive_is_an_error);
	tcase_add_test(option, help_shows_every_option_and_itself);
	suite_add_tcase(suite, option);
	return suite;
}
