/* SPDX-License-Identifier: ISC */
/*
 * The log: lines on standard error, or in the log of the host.
 *
 * Whatever standard error is, no line waits for its reader.  A line that the
 * stream does not take at once is left out and counted, and the next line that
 * is written is preceded by one that says how many were left out.  The lines of
 * several threads do not mix, and each is written whole: log_stream.h says how,
 * and when a write may wait all the same.
 *
 * On a terminal a line has nothing before its text.  For the journal
 * (JOURNAL_STREAM, systemd.exec(5)) it begins with its priority as in
 * sd-daemon(3), and otherwise with the time (RFC 3339, UTC) and the process id.
 * What the log of the host has before it is said in log_syslog.h.  Bytes
 * outside printable ASCII, and the backslash, are written as \xHH, so nothing
 * that came from a peer or a file can forge a line.  errno survives every call.
 *
 * The program has to ignore SIGPIPE, SIGTTOU and SIGXFSZ, by which a pipe, a
 * terminal or the limit of a file's size would stop or end it.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The longest line in bytes, all included: POSIX.1 promises that a pipe takes
 * as much whole (PIPE_BUF).
 */
#define LOG_LINE_MAX 512

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Their names, by their numbers, and NULL. */
extern const char *const log_level_names[];

/* The places that lines can go to. */
enum log_place { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Their names, by their numbers, and NULL. */
extern const char *const log_place_names[];

/*
 * Names the program, with which lines of errors start, and sets the lowest
 * level that is written.  Opens standard error again, where it can, under its
 * number.  To be called before there are threads, and before privileges are
 * given up.
 */
void log_open(const char *name, enum log_level);

/*
 * From now on lines go to the log of the host as well: to a syslogd at the
 * first of the paths, which end in NULL, or for NULL at one of the usual ones.
 * To be called after log_open, and likewise before there are threads.  If no
 * syslogd is there, lines are left out until there is one; -1 with errno if
 * there is no socket for it.
 */
int log_add_syslog(const char *const *paths);

/* From now on lines go only there, if log_add_syslog was called. */
void log_leave_stderr(void);

/* Changes the level, at any time. */
void log_set_level(enum log_level);

/* True when lines of the level are written; else they need not be made. */
bool log_enabled(enum log_level);

/*
 * How many lines were left out since the start, in the log of the host if that
 * was added.
 */
unsigned long log_dropped(void);

/* log_error, log_warn and log_debug_errno end in the text of errno. */
#define LOG_FORMAT(n) __attribute__((format(printf, n, n + 1)))
void log_error(const char *format, ...) LOG_FORMAT(1);
void log_errorx(const char *format, ...) LOG_FORMAT(1);
void log_warn(const char *format, ...) LOG_FORMAT(1);
void log_warnx(const char *format, ...) LOG_FORMAT(1);
void log_info(const char *format, ...) LOG_FORMAT(1);
void log_debug(const char *format, ...) LOG_FORMAT(1);
void log_debug_errno(const char *format, ...) LOG_FORMAT(1);

/*
 * Logs an error in a text that is printable already (base/printable.h), with
 * the text of an errno at its end, or 0.
 */
void log_error_printable(const char *text, int error);

/* Limits one kind of line, which peers can cause, to one a second. */
struct log_limit {
	uint64_t next;     /* when a line may be written again, in ms */
	unsigned withheld; /* lines left out since the last one */
};

/* Room for the note of log_limit_pass, its end included. */
#define LOG_NOTE_MAX 32

/*
 * True when a line may be written at the time now (in ms).  Then the note has
 * to be put at its end: " (12 more)" if 12 lines were left out since the last
 * one, or empty.
 */
bool log_limit_pass(
    struct log_limit *, uint64_t now, char note[static LOG_NOTE_MAX]);

#endif
