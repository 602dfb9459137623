/* SPDX-License-Identifier: ISC */
/*
 * Lines for the tests of the log.  They are numbered, and those that were left
 * out are told of, so each must be there, whole and in its order, or be told
 * of.
 */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

#include "base/log.h"

#include <stddef.h>

/* What was read of the log. */
extern char seen[1 << 24];
extern size_t nseen;

/* The number of the next line. */
extern unsigned next;

/* Lines of many lengths, so that what has room for one has none for another. */
size_t format_line(char text[static LOG_LINE_MAX], unsigned number);

void log_next(void);

/* Reads what has come, for at most the given time. */
void take(int reader, int ms);

/* Reads until the end of the line with the number has come. */
void take_line(int reader, unsigned number);

/* The line without the time and the process. */
char *text_of(char *line);

/*
 * The line is the one that is due, whatever it begins with, or tells of those
 * that were.
 */
void check_line(char *line, unsigned *due);

/*
 * Does the same for all that was seen, which must be whole lines and is then
 * forgotten.  Returns the number of the line that is due after it.
 */
unsigned check_seen(unsigned due);

/* Opens the log on a file; returns another descriptor of it, to read. */
int open_file(int flags);

/* Reads all of the file. */
void read_file(int fd);

#endif
