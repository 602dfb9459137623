/* SPDX-License-Identifier: ISC */
/*
 * An answer made fit for a terminal, which would obey what is in it: a server
 * could clear the screen, set its title, or have it type an answer of its own.
 *
 * Made visible, in the notation of less(1), are
 *
 *	^[		control characters of ASCII and DEL
 *	<U+009B>	the control characters U+0080 to U+009F, and those that
 *			put others out of their order: U+202A to U+202E and
 *			U+2066 to U+2069
 *	<9B>		bytes that are not UTF-8, which a terminal may take for
 *			control characters
 *
 * Line ends, also those of a carriage return and a newline, and tabs stay.  So
 * does everything else: blanks, joiners and marks that writing needs and that
 * no terminal obeys.  What is made visible is not marked as such: a text may
 * have the same signs in it.
 */
#ifndef VISIBLE_H
#define VISIBLE_H

#include <stddef.h>

/* Bytes that are kept for the next call: a character without its last byte. */
#define VISIBLE_HELD 3

/* The most that n bytes can become, with those that were kept before them. */
#define VISIBLE_BOUND(n) (4 * ((n) + VISIBLE_HELD))

/* Of zeros at the beginning of a text. */
struct visible {
	unsigned char held[VISIBLE_HELD];
	size_t nheld;
};

/*
 * Writes what the next n bytes become into shown, which has room for
 * VISIBLE_BOUND(n), and returns its length.  What cannot be told before more
 * has come is kept: the beginning of a character, and a carriage return.
 */
size_t visible_update(
    struct visible *, char *shown, const char *bytes, size_t n);

/* Does the same with what was kept, at the end of the text. */
size_t visible_end(struct visible *, char shown[static VISIBLE_BOUND(0)]);

#endif
