/* SPDX-License-Identifier: ISC */
/*
 * The command line of a program, read by its table of options, from which
 * --help is printed, so that the two cannot differ.
 */
#ifndef CLI_H
#define CLI_H

#include "config/option.h"

#include <stdbool.h>

struct cli {
	const char *usage;   /* what follows the name, a line each */
	const char *summary; /* a sentence, or some */
	void (*print_version)(void);
	bool takes_operands;           /* what is no option is an error else */
	const struct option_row *rows; /* ended by a row without a name */
};

/* What is left to do after the options were read. */
enum cli_outcome {
	CLI_RUN,  /* go on */
	CLI_DONE, /* what was asked for was printed: end the output, exit */
	CLI_BAD   /* one sentence was said: exit with EX_USAGE */
};

/*
 * Fills in the defaults and then the options of argv, the last one of a name
 * or, in a list, all, without its default.  Stores in given[i], unless given is
 * NULL, whether row i was on the command line, and in *first the index of the
 * first operand.  The table does not have --version and --help: they are always
 * there.
 */
enum cli_outcome cli_parse(const struct cli *, void *settings, bool *given,
    int argc, char **argv, int *first);

#endif
