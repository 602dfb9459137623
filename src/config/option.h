/* SPDX-License-Identifier: ISC */
/*
 * Options as rows of a table, one for each.  A row says what an option is
 * called, what its value may be, and which member of the program's settings it
 * fills; all else is made from it: how it is read, what is said of a wrong
 * value, the line of --help, and its default.  rows.h has the notation.
 */
#ifndef OPTION_H
#define OPTION_H

#include "config/sentence.h"
#include "config/values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any text that option_print makes, its end included. */
#define OPTION_TEXT_MAX 4096

/* What a value may be, and where it goes. */
struct option_field {
	const struct option_kind *kind;
	size_t offset, size;           /* of the member; in a list, of one */
	uint64_t least, most;          /* of a quantity */
	const char *const *words;      /* of which it is one, ended by NULL */
	const char *(*name)(size_t i); /* the same as a function */
	const char *noun;              /* what a text is */
	size_t places;                 /* of a list; 0: it is none */
	size_t count;                  /* offset of how many are in use */
	const char *zero;              /* the word for 0, of a quantity */
};

struct option_row {
	const char *name; /* the long form, without its dashes */
	struct option_field field;
	const char *argument; /* what --help calls the value; NULL: none */
	/*
	 * The default, as a text.  Where it is NULL the member stays all zeros,
	 * and the second is what --help says of that, or NULL.
	 */
	const char *preset, *otherwise;
	bool reloadable;  /* may change while the program runs */
	bool is_argument; /* is for the command line only, not for a file */
	char letter;      /* the short form, or 0 */
	const char *help; /* one or more lines, without a line end */
};

/* A kind of value; a program may have its own. */
struct option_kind {
	/* Fills the member; false when the text is not what is wanted. */
	bool (*parse)(const struct option_field *, const char *text, void *);
	/* Writes the text for the member; false: it is not set. */
	bool (*print)(const struct option_field *, const void *,
	    char text[static OPTION_TEXT_MAX]);
	/* Adds what is wanted, as in "a number from 1 to 256". */
	void (*want)(
	    const struct option_field *, char sentence[static SENTENCE_MAX]);
	const struct value_scale *scale; /* of a quantity */
};

extern const struct option_kind option_switch, option_number, option_time,
    option_time_us, option_size, option_word, option_name, option_text;

/* The row of that name in a table, which a row without a name ends, or NULL. */
const struct option_row *option_find(
    const struct option_row *rows, const char *name);

/*
 * Takes a text, which is not needed afterwards, as the value of an option; for
 * a switch, which is yes or no, NULL is yes.  Adds to a list, and else
 * replaces.  When the value is refused the settings stay as they are, and the
 * sentence, which begins with the value, says what it should have been.
 */
bool option_set(const struct option_row *, void *settings, const char *text,
    char sentence[static SENTENCE_MAX]);

/* How many values a list has; 1 for what is no list. */
size_t option_count(const struct option_row *, const void *settings);

/* Takes all values of a list away; the first of a new list begins so. */
void option_clear(const struct option_row *, void *settings);

/*
 * Writes value i of a list, or the only one as 0, as option_set takes it.
 * False: there is none.
 */
bool option_print(const struct option_row *, const void *settings, size_t i,
    char text[static OPTION_TEXT_MAX]);

/* Takes over what an option is in other settings of the same type. */
void option_copy(const struct option_row *, void *settings, const void *others);

/* True when the option has the same values in both. */
bool option_is_same(
    const struct option_row *, const void *settings, const void *others);

/* Gives their defaults to the options that have one. */
void option_set_defaults(const struct option_row *rows, void *settings);

#endif
