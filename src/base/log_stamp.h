/* SPDX-License-Identifier: ISC */
/* What a line of the log begins with in a file or a pipe. */
#ifndef LOG_STAMP_H
#define LOG_STAMP_H

/* Room for it, the end included. */
#define LOG_STAMP_MAX 64

/* Writes the time as in RFC 3339, in UTC, and the process id. */
void log_stamp(char text[static LOG_STAMP_MAX], long process);

#endif
