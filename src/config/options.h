/* SPDX-License-Identifier: ISC */
/*
 * The command line of a program as one table, from which --help is printed
 * and the arguments are read, so that the two cannot differ.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

struct option_row {
	const char *name;     /* the long form, without its dashes */
	char letter;          /* the short form, or 0 */
	const char *argument; /* what --help calls the value; NULL: none */
	const char *help;     /* one or more lines, without a line end */

	/*
	 * Takes the value into the caller's settings.  Returns NULL, or what
	 * the value should have been, as in "a time such as 30s".
	 */
	const char *(*set)(void *settings, const char *value);
};

struct options {
	const char *program;
	const char *usage;             /* what follows the name, a line each */
	const char *summary;           /* one sentence */
	const struct option_row *rows; /* ended by a row without a name */
};

/* What is left to do after the options were read. */
enum options_outcome {
	OPTIONS_RUN,  /* go on */
	OPTIONS_DONE, /* --help was printed: exit with 0 */
	OPTIONS_BAD   /* one sentence was printed: exit with EX_USAGE */
};

/*
 * Reads the options of argv into settings and stores in *first the index of
 * the first argument that is none.  Messages go to standard error, --help to
 * standard output.  The table says nothing of --help: it is always there.
 */
enum options_outcome options_parse(
    const struct options *, void *settings, int argc, char **argv, int *first);

/*
 * To be called when what was asked for has been printed, of --help and
 * --version as well: returns 0, or EX_IOERR and a sentence when standard output
 * has not taken all of it.  Nothing can be printed afterwards.
 */
int options_end_output(const char *program);

#endif
