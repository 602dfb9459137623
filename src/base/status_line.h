/* SPDX-License-Identifier: ISC */
/*
 * One line on a terminal that says how far something has come: it is drawn
 * over itself at fixed intervals, and erased at the end.  When it is due and
 * where it stands is decided here, what it says by its user.
 *
 * It takes no more than a row, however narrow the terminal is or becomes, and
 * is drawn only while the terminal is ours: a program in the background neither
 * draws nor is stopped for it.  It never waits for the terminal.
 *
 * Signals that end or stop the program erase it first, unless the program has a
 * handler of its own or ignores them; those have to be set before
 * status_line_start.
 */
#ifndef STATUS_LINE_H
#define STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* Room for the line, its end included; it fits a terminal of 80 columns. */
#define STATUS_LINE_MAX 72

struct status_line {
	int fd;            /* a terminal, or -1: nothing is ever shown */
	uint64_t due;      /* ms of sys_now, when it is drawn next */
	unsigned interval; /* ms */
};

/*
 * The line is due for the first time after the given milliseconds; never on a
 * terminal that is called dumb, which cannot go back in a row.
 */
void status_line_start(struct status_line *, int fd, unsigned first_ms,
    unsigned interval_ms, uint64_t now);

bool status_line_is_due(const struct status_line *, uint64_t now);

/* Milliseconds until the line is due, or -1: never. */
int status_line_wait(const struct status_line *, uint64_t now);

/*
 * Draws the line, which is printable ASCII, in place of any that is there; what
 * has no room is cut.
 */
void status_line_draw(struct status_line *, const char *text, uint64_t now);

void status_line_erase(struct status_line *);

/* Erases whatever line is there, so that something else can be written. */
void status_line_clear(void);

#endif
