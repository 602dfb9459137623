/* SPDX-License-Identifier: ISC */
/* The command line: how options are read, refused and listed. */
#include "config.h"

#include "base/say.h"
#include "config/cli.h"
#include "config/rows.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	bool flag;
	char value[12];
	char other[12];
	uint32_t ms, longer;
};

#define OPTION_SETTINGS struct settings
static const struct option_row rows[] = {
    {"flag", SWITCH(flag), .letter = 'f', .help = "raise the flag"},
    {"value", TEXT(value, "a word"), "WORD", .letter = 'v',
	.help = "take a word,\nbut a short one"},
    {"a-name-of-some-length", TEXT(other, "a word"), "WORD",
	.otherwise = "none", .help = "is on its own line"},
    {"time", TIME(ms, 0, VALUE_WEEK), "T", .preset = "60s",
	.help = "38 bytes leave room for 14 more of it,"},
    {"longer", TIME(longer, 0, VALUE_WEEK), "T", .preset = "120s",
	.help = "39 bytes leave no room for the default,"},
    {.name = NULL},
};

static void
print_version(void)
{
	(void)puts("prog 1.0");
}

static const struct cli cli = {
    .usage = "[option]... [file]",
    .summary = "Tests options.",
    .print_version = print_version,
    .takes_operands = true,
    .rows = rows,
};
static const struct cli no_operands = {
    .print_version = print_version, .rows = rows};

static struct settings settings;

/* As a program would, of words that are overwritten afterwards. */
static enum cli_outcome
parse(const struct cli *how, const char *const *words, bool *given, int *first)
{
	char *argv[8] = {NULL};
	int argc = 0;
	for (; words[argc] != NULL; argc++) {
		argv[argc] = strdup(words[argc]);
		ck_assert_ptr_nonnull(argv[argc]);
	}
	memset(&settings, 0, sizeof settings);
	say_as("prog");
	/* Makes every getopt_long begin anew. */
	optind = 0;
	*first = 0;
	enum cli_outcome outcome =
	    cli_parse(how, &settings, given, argc, argv, first);
	for (int i = 0; i < argc; i++) {
		memset(argv[i], '!', strlen(argv[i]));
		free(argv[i]);
	}
	return outcome;
}

static const struct {
	const char *arguments[7];
	enum cli_outcome outcome;
	bool flag;
	int first;
	const char *value, *message;
} commands[] = {
    {{"prog"}, CLI_RUN, false, 1, "", ""},
    {{"prog", "-ff", "--flag"}, CLI_RUN, true, 3, "", ""},
    {{"prog", "-vx", "file"}, CLI_RUN, false, 2, "x", ""},
    {{"prog", "-fv", "x", "file"}, CLI_RUN, true, 3, "x", ""},
    {{"prog", "--value", "x"}, CLI_RUN, false, 3, "x", ""},
    {{"prog", "--value", "x", "-vy"}, CLI_RUN, false, 4, "y", ""},
    {{"prog", "--value=-f"}, CLI_RUN, false, 2, "-f", ""},
    {{"prog", "--", "-f"}, CLI_RUN, false, 2, "", ""},
    {{"prog", "-"}, CLI_RUN, false, 1, "", ""},
    {{"prog", "file", "-f"}, CLI_RUN, true, 2, "", ""},
    {{"prog", "--a-name-of-some-length=x"}, CLI_RUN, false, 2, "", ""},
    {{"prog", "--value="}, CLI_BAD, false, 0, "",
	"prog: --value: '' is not a word, of at most 11 bytes\n"},
    {{"prog", "-v", "twelve bytes"}, CLI_BAD, false, 0, "",
	"prog: --value: 'twelve bytes' is not a word, of at most 11 bytes\n"},
    {{"prog", "-v", "x", "--tim", "x", "-f"}, CLI_BAD, false, 0, "x",
	"prog: --time: 'x' is not a time such as 500ms, 30s, 5m or 2h, at "
	"most 168h\n"},
    {{"prog", "--other"}, CLI_BAD, false, 0, "",
	"prog: unknown option '--other'; see 'prog --help'\n"},
    {{"prog", "--other=x", "-f"}, CLI_BAD, false, 0, "",
	"prog: unknown option '--other=x'; see 'prog --help'\n"},
    {{"prog", "-fxf"}, CLI_BAD, true, 0, "",
	"prog: unknown option '-x'; see 'prog --help'\n"},
    {{"prog", "--f"}, CLI_RUN, true, 2, "", ""},
    {{"prog", "--va=x", "--a", "y"}, CLI_RUN, false, 4, "x", ""},
    {{"prog", "--h=x"}, CLI_BAD, false, 0, "",
	"prog: no value is taken by this option: '--h=x'; see 'prog --help'\n"},
    {{"prog", "--flag="}, CLI_BAD, false, 0, "",
	"prog: no value is taken by this option: '--flag='; "
	"see 'prog --help'\n"},
    {{"prog", "--=x"}, CLI_BAD, false, 0, "",
	"prog: several options begin with '--=x'; see 'prog --help'\n"},
    {{"prog", "-v", "a\x1b[31m\n\\\x80-----"}, CLI_BAD, false, 0, "",
	"prog: --value: 'a\\x1b[31m\\x0a\\x5c\\x80-----' is not a word, of at "
	"most 11 bytes\n"},
    {{"prog", "--\x1b[31m"}, CLI_BAD, false, 0, "",
	"prog: unknown option '--\\x1b[31m'; see 'prog --help'\n"},
    {{"prog", "-v"}, CLI_BAD, false, 0, "",
	"prog: a value is missing after '-v'; see 'prog --help'\n"},
    {{"prog", "-f", "--value"}, CLI_BAD, true, 0, "",
	"prog: a value is missing after '--value'; see 'prog --help'\n"},
};

START_TEST(options_are_read_or_refused_with_a_sentence)
{
	int first;
	capture(STDERR_FILENO);
	ck_assert_int_eq(parse(&cli, commands[_i].arguments, NULL, &first),
	    commands[_i].outcome);
	ck_assert_str_eq(written(), commands[_i].message);
	ck_assert_int_eq(settings.flag, commands[_i].flag);
	ck_assert_int_eq(first, commands[_i].first);
	ck_assert_str_eq(settings.value, commands[_i].value);
}
END_TEST

static const struct {
	const char *arguments[7], *shown;
} letters[] = {
    {{"prog", "-f", "-\xc3\xa4"}, "'-\xc3\xa4'"},
    {{"prog", "-f\xc3\xa4x", "-v"}, "'-\xc3\xa4'"},
    {{"prog", "a", "b", "-\xf0\x9f\x8c\xae", "--time"}, "'-\xf0\x9f\x8c\xae'"},
    {{"prog", "--value", "-\xc3\xbc", "-\xc3\xa4"}, "'-\xc3\xa4'"},
    {{"prog", "-\xe2\x80\xae"}, "'-\\xe2\\x80\\xae'"},
    /* These are no characters. */
    {{"prog", "-f\xc3", "-\xc3\xa4"}, "'-\\xc3'"},
    {{"prog", "-\xa4\xc3"}, "'-\\xa4'"},
    {{"prog", "-\x01"}, "'-\\x01'"},
    {{"prog", "-f-"}, "'--'"},
};

START_TEST(a_short_option_that_is_unknown_is_shown_whole)
{
	int first;
	capture(STDERR_FILENO);
	ck_assert_int_eq(
	    parse(&cli, letters[_i].arguments, NULL, &first), CLI_BAD);
	const char *message = written();
	ck_assert_ptr_nonnull(strstr(message, "unknown option '-"));
	ck_assert_ptr_nonnull(strstr(message, letters[_i].shown));
}
END_TEST

START_TEST(it_is_known_which_options_were_given)
{
	static const char *const words[] = {
	    "prog", "--time", "60s", "-vx", NULL};
	bool given[LENGTH(rows)] = {false};
	int first;
	ck_assert_int_eq(parse(&cli, words, given, &first), CLI_RUN);
	for (int i = 0; i < LENGTH(rows); i++)
		ck_assert_int_eq(given[i], i == 1 || i == 3);
	/* With or without, there is a value. */
	ck_assert_uint_eq(settings.ms, 60000);
	ck_assert_uint_eq(settings.longer, 120000);
}
END_TEST

START_TEST(a_program_without_operands_refuses_the_first)
{
	static const char *const words[] = {"prog", "a\nb", "-f", "c", NULL};
	int first;
	capture(STDERR_FILENO);
	ck_assert_int_eq(parse(&no_operands, words, NULL, &first), CLI_BAD);
	ck_assert_str_eq(
	    written(), "prog: 'a\\x0ab' is no option; see 'prog --help'\n");
}
END_TEST

START_TEST(the_version_is_printed_when_all_else_is_right)
{
	static const char *const good[] = {"prog", "-V", "-f", NULL};
	static const char *const bad[] = {"prog", "-V", "-x", NULL};
	static const char *const more[] = {"prog", "-V", "more", NULL};
	int first;
	capture(STDOUT_FILENO);
	ck_assert_int_eq(parse(&no_operands, good, NULL, &first), CLI_DONE);
	ck_assert_str_eq(written(), "prog 1.0\n");
	ck_assert_int_eq(parse(&cli, more, NULL, &first), CLI_DONE);
	ck_assert_str_eq(written(), "prog 1.0\n");
	capture(STDERR_FILENO);
	ck_assert_int_eq(parse(&cli, bad, NULL, &first), CLI_BAD);
	ck_assert_int_eq(parse(&no_operands, more, NULL, &first), CLI_BAD);
	ck_assert_ptr_null(strstr(written(), "1.0"));
}
END_TEST

/* The text in which help stands at the same column behind each option. */
static const char help_text[] =
    "usage: prog [option]... [file]\n"
    "\n"
    "Tests options.\n"
    "\n"
    "  -f, --flag                raise the flag\n"
    "  -v, --value WORD          take a word,\n"
    "                            but a short one\n"
    "      --a-name-of-some-length WORD\n"
    "                            is on its own line (default: none)\n"
    "      --time T              38 bytes leave room for 14 more of it, "
    "(default: 1m)\n"
    "      --longer T            39 bytes leave no room for the default,\n"
    "                            (default: 2m)\n"
    "  -V, --version             print the version and exit\n"
    "  -h, --help                print this and exit\n";

START_TEST(help_shows_every_option_and_its_default_whatever_came_before)
{
	static const char *const commands_of_help[][6] = {
	    {"prog", "--help"},
	    {"prog", "-h"},
	    {"prog", "--time", "5s", "-Vh", "--wrong"},
	};
	int first;
	capture(STDOUT_FILENO);
	for (int i = 0; i < LENGTH(commands_of_help); i++) {
		ck_assert_int_eq(
		    parse(&cli, commands_of_help[i], NULL, &first), CLI_DONE);
		ck_assert_str_eq(written(), help_text);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("cli");
	TCase *tcase = tcase_create("cli");
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, options_are_read_or_refused_with_a_sentence,
	    0, LENGTH(commands));
	tcase_add_loop_test(tcase,
	    a_short_option_that_is_unknown_is_shown_whole, 0, LENGTH(letters));
	tcase_add_test(tcase, it_is_known_which_options_were_given);
	tcase_add_test(tcase, a_program_without_operands_refuses_the_first);
	tcase_add_test(tcase, the_version_is_printed_when_all_else_is_right);
	tcase_add_test(tcase,
	    help_shows_every_option_and_its_default_whatever_came_before);
	return suite;
}
