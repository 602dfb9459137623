/* SPDX-License-Identifier: ISC */
/*
 * The log: lines on standard error.
 *
 * Whatever that is, no line waits for who reads it: one that the stream does
 * not take at once is left out and counted, and when the stream takes lines
 * again the first tells how many there were.  The lines of several threads do
 * not mix, and each is there whole: log_stream.h says how, and what is left.
 *
 * To a terminal lines go as they are.  To the journal (JOURNAL_STREAM,
 * systemd.exec(5)) each begins with its priority as in sd-daemon(3), and to all
 * else with the time (RFC 3339, UTC) and the process.  Bytes outside printable
 * ASCII, and the backslash, are written as \xHH: nothing that came from a peer
 * or a file can forge a line.  errno survives every call.
 *
 * The program ignores SIGPIPE, SIGTTOU and SIGXFSZ, by which a pipe, a terminal
 * or the limit of a file's size would stop or end it.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The longest line in bytes, its beginning and end included: one write to a
 * pipe keeps that whole (PIPE_BUF of POSIX.1).
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

/*
 * Names the program for error lines, which start with it, and sets the least
 * grave level that is written.  Standard error is opened again where that can
 * be, and keeps its number: to be called before there are threads, and before
 * privileges are given up.
 */
void log_open(const char *name, enum log_level);

/* True when lines of the level are written: spares work for debug lines. */
bool log_enabled(enum log_level);

/* How many lines were left out since the start. */
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

/* Keeps one kind of line that peers can cause to one a second. */
struct log_limit {
	uint64_t next;     /* when a line is due again, in ms */
	unsigned withheld; /* lines left out since the last one */
};

/* Room for the note of log_limit_pass, its end included. */
#define LOG_NOTE_MAX 32

/*
 * True when a line may be written at the time now (in ms).  Then the note, to
 * be put at its end, is " (12 more)" if as many lines were left out since the
 * last one, or empty.
 */
bool log_limit_pass(
    struct log_limit *, uint64_t now, char note[static LOG_NOTE_MAX]);

#endif
