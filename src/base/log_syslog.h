/* SPDX-License-Identifier: ISC */
/*
 * The log of the host: the syslogd that reads a Unix socket, where each line is
 * a datagram of its own.  A datagram goes whole or not at all, so threads need
 * not wait for each other, and none waits for the reader.
 *
 * A line is "<PRIORITY>program[process]: text", as in RFC 3164 but without the
 * time, which every syslogd adds if it is missing; to write the local one takes
 * the file that TZ names.  (syslog(3) waits for the reader.)
 */
#ifndef LOG_SYSLOG_H
#define LOG_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>

/* Where a syslogd listens: the first that takes datagrams is used. */
extern const char *const log_syslog_paths[];

/*
 * Takes a socket and names the program and this process, with which each line
 * begins.  The paths end in NULL and have to live on.  To be called before
 * there are threads; -1 with errno if there is no socket.
 */
int log_syslog_open(const char *program, const char *const *paths);

void log_syslog_close(void);

/*
 * Connects to the first of the paths where somebody reads; -1 with errno.  A
 * connection that is there already goes.
 */
int log_syslog_connect(void);

/*
 * Sends a line of n bytes, without its end, of one of syslog's severities, 0 to
 * 7.  If the reader is gone, it connects once more, but at most once a second.
 * False if the line is left out.
 */
bool log_syslog_write(int severity, const char *text, size_t n);

#endif
