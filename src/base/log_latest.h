/* SPDX-License-Identifier: ISC */
/* The last line of the log that tells of a problem, to be shown elsewhere. */
#ifndef LOG_LATEST_H
#define LOG_LATEST_H

#include <stddef.h>

/* Room for its text, the end included; the rest is cut. */
#define LOG_LATEST_MAX 256

/* For the log: keeps the text of n bytes.  Threads may call it at once. */
void log_latest_keep(const char *text, size_t n);

/*
 * Copies the text, which is empty as long as there was none.  While a thread is
 * just writing it, what is in the copy stays.
 */
void log_latest_copy(char text[static LOG_LATEST_MAX]);

#endif
