/* SPDX-License-Identifier: ISC */
/*
 * What a program tells its user: sentences on standard error, each a line of
 * its own, also where a status line stands.  What is not printable in it is
 * escaped; a text from outside should be quoted, and made by printable, which
 * bounds it.
 */
#ifndef SAY_H
#define SAY_H

/*
 * Room for a sentence, its end included; a longer one is cut and ends in three
 * dots.
 */
#define SAY_MAX 2048

/* Names the program, with which every sentence begins; the name is kept. */
void say_as(const char *name);

/* The name that was given to say_as. */
const char *say_program(void);

/* Writes "program: sentence" and a line end. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with ": " and the text of errno at the end. */
void say_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
