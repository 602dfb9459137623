/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/cli.h"

#include "base/printable.h"
#include "base/say.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* More than any program of ours has. */
	ROWS_MAX = 64,
	HELP_COLUMN = 28,
	HELP_WIDTH = 80,
	/* Values of getopt_long for rows without a letter: above any char. */
	FIRST_ROW = 256,
	/* Room for a dash, a character of UTF-8 and an end. */
	LETTER_MAX = 6
};

/* What every program has behind its own. */
static const struct option_row version_row = {
    .name = "version",
    .letter = 'V',
    .help = "print the version and exit",
};
static const struct option_row help_row = {
    .name = "help",
    .letter = 'h',
    .help = "print this and exit",
};

/* All rows, in the form that getopt_long reads. */
struct grammar {
	const struct option_row *rows[ROWS_MAX];
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 2];
	bool given[ROWS_MAX];
	int nrows;
};

static void
add_row(struct grammar *grammar, const struct option_row *row, size_t *nshorts)
{
	assert(grammar->nrows < ROWS_MAX);
	grammar->rows[grammar->nrows] = row;
	grammar->longs[grammar->nrows] = (struct option){
	    .name = row->name,
	    .has_arg = row->argument == NULL ? no_argument : required_argument,
	    .val = FIRST_ROW + grammar->nrows,
	};
	grammar->nrows++;
	if (row->letter == 0)
		return;
	grammar->shorts[(*nshorts)++] = row->letter;
	if (row->argument != NULL)
		grammar->shorts[(*nshorts)++] = ':';
}

static void
compile(struct grammar *grammar, const struct cli *cli)
{
	size_t nshorts = 0;
	memset(grammar, 0, sizeof *grammar);
	/* The colon asks getopt_long to tell a missing value from the rest. */
	grammar->shorts[nshorts++] = ':';
	for (const struct option_row *row = cli->rows; row->name; row++)
		add_row(grammar, row, &nshorts);
	add_row(grammar, &version_row, &nshorts);
	add_row(grammar, &help_row, &nshorts);
}

/* The index of the row that getopt_long has found. */
static int
find_row(const struct grammar *grammar, int value)
{
	if (value >= FIRST_ROW)
		return value - FIRST_ROW;
	for (int i = 0; i < grammar->nrows; i++) {
		if (grammar->rows[i]->letter == value)
			return i;
	}
	/* getopt_long returns no letters but those it was given. */
	abort();
}

/* Prints the name of the option, and returns the column where that ends. */
static int
print_name(const struct option_row *row)
{
	int column = row->letter != 0
			 ? printf("  -%c, --%s", row->letter, row->name)
			 : printf("      --%s", row->name);
	if (row->argument != NULL)
		column += printf(" %s", row->argument);
	if (column < HELP_COLUMN)
		return column;
	(void)putchar('\n');
	return 0;
}

/* The default, behind the last line of the help or on a line of its own. */
static void
print_default(const struct option_row *row, const void *defaults, int column)
{
	char text[OPTION_TEXT_MAX];
	const char *value = row->otherwise;
	if (row->preset != NULL && option_print(row, defaults, 0, text))
		value = text;
	if (value == NULL)
		return;
	static const char format[] = " (default: %s)";
	int width = snprintf(NULL, 0, format, value);
	if (column + width > HELP_WIDTH)
		printf("\n%*s", HELP_COLUMN - 1, "");
	printf(format, value);
}

static void
print_row(const struct option_row *row, const void *defaults)
{
	int column = print_name(row);
	for (const char *line = row->help; line != NULL;) {
		const char *end = strchr(line, '\n');
		int length = end ? (int)(end - line) : (int)strlen(line);
		printf("%*s%.*s", HELP_COLUMN - column, "", length, line);
		if (end != NULL)
			(void)putchar('\n');
		else
			print_default(row, defaults, HELP_COLUMN + length);
		column = 0;
		line = end ? end + 1 : NULL;
	}
	(void)putchar('\n');
}

static void
print_help(
    const struct cli *cli, const struct grammar *grammar, const void *defaults)
{
	printf(
	    "usage: %s %s\n\n%s\n\n", say_program(), cli->usage, cli->summary);
	for (int i = 0; i < grammar->nrows; i++)
		print_row(grammar->rows[i], defaults);
}

/* True for two dashes and the beginning of several names. */
static bool
is_ambiguous(const struct grammar *grammar, const char *argument)
{
	const char *name = argument + strlen("--");
	size_t length = strcspn(name, "=");
	int n = 0;
	for (int i = 0; i < grammar->nrows; i++)
		n += strncmp(grammar->rows[i]->name, name, length) == 0;
	return n > 1;
}

/* True for a word of short options. */
static bool
is_cluster(const char *word)
{
	return word[0] == '-' && word[1] != '-' && word[1] != '\0';
}

/*
 * Writes the short option that getopt_long has refused, of which that knows the
 * first byte only.  It stays at the word until it has read the last byte, and
 * what it passes on its way to a word of options are operands.  The value is
 * that of optind before the call.
 */
static void
spell_letter(char letter[static LETTER_MAX], int before, char **argv)
{
	int at = optind;
	if (at > before && is_cluster(argv[at - 1]))
		at--;
	const char first = (char)optopt;
	const char *found = argv[at] == NULL ? NULL : strchr(argv[at], first);
	size_t length = found == NULL ? 1 : printable_first(found);
	letter[0] = '-';
	letter[1] = first;
	if (length > 1)
		memcpy(letter + 1, found, length);
	letter[1 + length] = '\0';
}

/* The argument that getopt_long has just refused, as the user wrote it. */
static void
say_refused(const struct grammar *grammar, int outcome, int before, char **argv)
{
	char letter[LETTER_MAX], shown[PRINTABLE_MAX];
	const char *refused = argv[optind - 1], *what = "unknown option";
	bool is_long = strncmp(refused, "--", strlen("--")) == 0;
	if (outcome == ':')
		what = "a value is missing after";
	else if (is_long && optopt >= FIRST_ROW)
		what = "no value is taken by this option:";
	else if (is_long && optopt == 0 && is_ambiguous(grammar, refused))
		what = "several options begin with";
	if (optopt != 0 && optopt < FIRST_ROW) {
		spell_letter(letter, before, argv);
		refused = letter;
	}
	say("%s '%s'; see '%s --help'", what, printable(refused, shown),
	    say_program());
}

/* What is to be done when all options are right. */
static enum cli_outcome
end_options(const struct cli *cli, bool wants_version, const char *operand)
{
	if (operand != NULL && !cli->takes_operands) {
		char shown[PRINTABLE_MAX];
		say("'%s' is no option; see '%s --help'",
		    printable(operand, shown), say_program());
		return CLI_BAD;
	}
	if (!wants_version)
		return CLI_RUN;
	cli->print_version();
	return CLI_DONE;
}

enum cli_outcome
cli_parse(const struct cli *cli, void *settings, bool *given, int argc,
    char **argv, int *first)
{
	struct grammar grammar;
	compile(&grammar, cli);
	option_set_defaults(cli->rows, settings);
	bool wants_version = false;
	opterr = 0;
	int value, before = optind;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	for (; (value = getopt_long(
		    argc, argv, grammar.shorts, grammar.longs, NULL)) != -1;
	     before = optind) {
		if (value == ':' || value == '?') {
			say_refused(&grammar, value, before, argv);
			return CLI_BAD;
		}
		int i = find_row(&grammar, value);
		const struct option_row *row = grammar.rows[i];
		char sentence[SENTENCE_MAX];
		if (row == &help_row) {
			/* What came before must not pass for a default. */
			option_set_defaults(cli->rows, settings);
			print_help(cli, &grammar, settings);
			return CLI_DONE;
		}
		if (row == &version_row) {
			wants_version = true;
			continue;
		}
		if (!grammar.given[i])
			option_clear(row, settings);
		grammar.given[i] = true;
		if (!option_set(row, settings, optarg, sentence)) {
			say("--%s: %s", row->name, sentence);
			return CLI_BAD;
		}
	}
	/* Behind the program's own rows are those of every program. */
	for (int i = 0; given != NULL && cli->rows[i].name != NULL; i++)
		given[i] = grammar.given[i];
	*first = optind;
	return end_options(
	    cli, wants_version, optind < argc ? argv[optind] : NULL);
}
