/* SPDX-License-Identifier: ISC */
/*
 * One line on standard error that says how far a long text has come: shown
 * after a second, redrawn in place five times a second, erased at the end.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/* Room for the line, its end included; it fits a terminal of 80 columns. */
#define PROGRESS_LINE_MAX 72

struct progress {
	int fd;           /* a terminal, or -1: nothing is ever shown */
	uint64_t size;    /* bytes in all; 0: not known */
	uint64_t started; /* ms */
	uint64_t due;     /* ms, when the line is drawn next */
	int width;        /* of the line on the terminal; 0: none is there */
};

void progress_start(struct progress *, int fd, uint64_t size, uint64_t now);

/* Draws the line if it is due. */
void progress_show(struct progress *, uint64_t bytes, uint64_t now);

/* Milliseconds until the line is due, or -1: never. */
int progress_wait(const struct progress *, uint64_t now);

void progress_erase(struct progress *);

/*
 * Writes what has been sent, its rate over the given milliseconds and, when
 * the size is not 0, its share into line.  Returns the length.
 */
int progress_format(char line[static PROGRESS_LINE_MAX], uint64_t bytes,
    uint64_t size, uint64_t ms);

#endif
