/* SPDX-License-Identifier: ISC */
/* The standard streams of a program, at its start and at its end. */
#ifndef STREAMS_H
#define STREAMS_H

#include <sys/stat.h>

#include <stdbool.h>

/*
 * Opens /dev/null, or the root folder where there is none, in place of each
 * standard descriptor that is closed, or a socket would get its number, and
 * what is printed would go to a peer.  To read or print there fails as before;
 * what is said on standard error is lost. Returns -1 when that cannot be, which
 * was said.
 */
int streams_fill(void);

/*
 * True if standard output is that regular file.  Who reads it would read the
 * answer, or find the file empty, which the shell does to it.
 */
bool streams_print_to(const struct stat *file);

/*
 * To be called when all that was asked for has been printed: returns 0, or
 * EX_IOERR and a sentence when standard output has not taken all of it.
 * Nothing can be printed afterwards.
 */
int streams_end_output(void);

#endif
