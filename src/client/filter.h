/* SPDX-License-Identifier: ISC */
/*
 * How a filter ends when nobody reads its output any more, as in `upc | head':
 * silently, by SIGPIPE.  Until then the signal is ignored, so that a closed
 * standard error does not end the program.  Whoever starts the program with
 * SIGPIPE ignored wants to be told of a broken output instead.
 */
#ifndef FILTER_H
#define FILTER_H

/* To be called once, after what a command line alone asks for is printed. */
void filter_start(void);

/* Does not return, unless SIGPIPE was ignored when the program was started. */
void filter_end(void);

#endif
