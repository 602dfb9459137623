/* SPDX-License-Identifier: ISC */
/*
 * What came from outside, such as the arguments of the program, made fit for a
 * message.
 *
 * Printable is a character that is whole UTF-8, and neither a control character
 * nor one that changes the order or form of others (the categories Cc, Cf, Zl
 * and Zp of Unicode) nor a blank that passes for a space (Zs), whatever the
 * locale is.  Of anything else each byte becomes \xHH.
 */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>

/* Room for any text that printable makes, its end included. */
#define PRINTABLE_MAX 128

/*
 * Writes the text into shown and returns that.  The backslash becomes \x5c, so
 * that an escape is one.  A text that is too long is cut between two characters
 * and ends in three dots.
 */
const char *printable(const char *text, char shown[static PRINTABLE_MAX]);

/*
 * Does the same in any room, of which three dots and an end are the least, for
 * a sentence that may have texts of printable in it: a backslash stays.
 */
const char *printable_sentence(const char *text, char *shown, size_t size);

/*
 * Only cuts the text, like printable_sentence, and escapes nothing: for the
 * log, which does that itself.
 */
const char *printable_cut(const char *text, char *shown, size_t size);

/*
 * How many bytes the first character of the text has, which is not empty; 1
 * where it is no UTF-8.
 */
size_t printable_first(const char *text);

#endif
