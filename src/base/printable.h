/* SPDX-License-Identifier: ISC */
/* Arguments of a program, as they can be shown in a message. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

/* Room for any text that printable makes, its end included. */
#define PRINTABLE_MAX 128

/*
 * Writes the text into shown and returns that.  As in the log, bytes outside
 * printable ASCII, and the backslash, become \xHH; a text that has no room ends
 * in dots.
 */
const char *printable(const char *text, char shown[static PRINTABLE_MAX]);

#endif
