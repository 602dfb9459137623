/* SPDX-License-Identifier: ISC */
/* The standard streams of a program, at its start and at its end. */
#ifndef STREAMS_H
#define STREAMS_H

/*
 * Opens /dev/null in place of each standard descriptor that is closed, or a
 * socket would get its number, and what is printed would go to a peer.  To read
 * or print there fails as before; what is said on standard error is lost.
 * Returns -1 when that cannot be, which was said.
 */
int streams_fill(void);

/*
 * To be called when all that was asked for has been printed: returns 0, or
 * EX_IOERR and a sentence when standard output has not taken all of it.
 * Nothing can be printed afterwards.
 */
int streams_end_output(void);

#endif
