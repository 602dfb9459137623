/* SPDX-License-Identifier: ISC */
/* Arguments of the program, made fit for a message. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

/* Room for any text that printable makes, its end included. */
#define PRINTABLE_MAX 128

/*
 * Writes the text into shown and returns that.  As in the log, bytes outside
 * printable ASCII, and the backslash, become \xHH.  A text that is too long is
 * cut, and ends in three dots.
 */
const char *printable(const char *text, char shown[static PRINTABLE_MAX]);

#endif
