/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/options.h"

#include "base/printable.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	ROWS_MAX = 32,
	HELP_COLUMN = 28,
	/* Values of getopt_long for rows without a letter: above any char. */
	FIRST_ROW = 256
};

static const struct option_row help_row = {
    .name = "help",
    .letter = 'h',
    .help = "print this and exit",
};

/* The rows, and --help behind them, in the form that getopt_long reads. */
struct grammar {
	const struct option_row *rows[ROWS_MAX];
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 2];
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
compile(struct grammar *grammar, const struct options *options)
{
	size_t nshorts = 0;
	memset(grammar, 0, sizeof *grammar);
	/* The colon asks getopt_long to tell a missing value from the rest. */
	grammar->shorts[nshorts++] = ':';
	for (const struct option_row *row = options->rows; row->name; row++)
		add_row(grammar, row, &nshorts);
	add_row(grammar, &help_row, &nshorts);
}

static const struct option_row *
find_row(const struct grammar *grammar, int value)
{
	if (value >= FIRST_ROW)
		return grammar->rows[value - FIRST_ROW];
	for (int i = 0; i < grammar->nrows; i++) {
		if (grammar->rows[i]->letter == value)
			return grammar->rows[i];
	}
	/* getopt_long returns no letters but those it was given. */
	abort();
}

static void
print_row(const struct option_row *row)
{
	int width = 2;
	if (row->letter != 0)
		width += printf("  -%c, --%s", row->letter, row->name) - 2;
	else
		width += printf("      --%s", row->name) - 2;
	if (row->argument != NULL)
		width += printf(" %s", row->argument);
	if (width >= HELP_COLUMN) {
		(void)putchar('\n');
		width = 0;
	}
	for (const char *line = row->help; line != NULL;) {
		const char *end = strchr(line, '\n');
		int length = end ? (int)(end - line) : (int)strlen(line);
		printf("%*s%.*s\n", HELP_COLUMN - width, "", length, line);
		width = 0;
		line = end ? end + 1 : NULL;
	}
}

static void
print_help(const struct options *options)
{
	printf("usage: %s %s\n\n%s\n\n", options->program, options->usage,
	    options->summary);
	for (const struct option_row *row = options->rows; row->name; row++)
		print_row(row);
	print_row(&help_row);
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

/* The argument that getopt_long has just refused, as the user wrote it. */
static void
print_refused(const struct options *options, const struct grammar *grammar,
    int outcome, char **argv)
{
	char letter[3] = {'-', (char)optopt, '\0'};
	const char *refused = argv[optind - 1], *what = "unknown option";
	bool is_long = strncmp(refused, "--", strlen("--")) == 0;
	if (outcome == ':')
		what = "a value is missing after";
	else if (is_long && optopt >= FIRST_ROW)
		what = "no value is taken by this option:";
	else if (is_long && optopt == 0 && is_ambiguous(grammar, refused))
		what = "several options begin with";
	if (optopt != 0 && optopt < FIRST_ROW)
		refused = letter;
	char shown[PRINTABLE_MAX];
	(void)fprintf(stderr, "%s: %s '%s'; see '%s --help'\n",
	    options->program, what, printable(refused, shown),
	    options->program);
}

enum options_outcome
options_parse(const struct options *options, void *settings, int argc,
    char **argv, int *first)
{
	struct grammar grammar;
	compile(&grammar, options);
	opterr = 0;
	int value;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	while ((value = getopt_long(
		    argc, argv, grammar.shorts, grammar.longs, NULL)) != -1) {
		if (value == ':' || value == '?') {
			print_refused(options, &grammar, value, argv);
			return OPTIONS_BAD;
		}
		const struct option_row *row = find_row(&grammar, value);
		if (row == &help_row) {
			print_help(options);
			return OPTIONS_DONE;
		}
		const char *wanted = row->set(settings, optarg);
		if (wanted == NULL)
			continue;
		char shown[PRINTABLE_MAX];
		(void)fprintf(stderr, "%s: --%s: '%s' is not %s\n",
		    options->program, row->name, printable(optarg, shown),
		    wanted);
		return OPTIONS_BAD;
	}
	*first = optind;
	return OPTIONS_RUN;
}

int
options_end_output(const char *program)
{
	/* At a limit of the size of files it would end the program. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A write may have failed before, and some file systems fail last. */
	bool has_failed = ferror(stdout) != 0;
	errno = EIO;
	if (fclose(stdout) == 0 && !has_failed)
		return EX_OK;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
	const char *reason = strerror(errno);
	(void)fprintf(stderr, "%s: cannot write to standard output: %s\n",
	    program, reason);
	return EX_IOERR;
}
