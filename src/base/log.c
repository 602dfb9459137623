/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log.h"

#include "base/log_latest.h"
#include "base/log_stream.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Static_assert(2 * LOG_LINE_MAX <= LOG_STREAM_MAX,
    "a line and the one on what was left out fit into one write");

/* The least time between two lines of a log_limit, in ms. */
enum { LIMIT_MS = 1000 };

/* Room for the time and the process id, the end included. */
enum { STAMP_MAX = 64 };

const char *const log_level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

static const char *program = "";
static _Atomic(enum log_level) least_grave = LOG_LEVEL_INFO;
static enum { BARE, STAMPED, WITH_PRIORITY } beginning;
static long process;
static atomic_ulong ndropped;
/* How many dropped lines were reported; the claim of the stream protects it. */
static unsigned long ntold;
/* For strerror, which need not be safe for threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* JOURNAL_STREAM has the device and inode of the stream to the journal. */
static bool
is_journal(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char ours[64];
	if (stream == NULL || fstat(STDERR_FILENO, &status) == -1)
		return false;
	(void)snprintf(ours, sizeof ours, "%llu:%llu",
	    (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino);
	return strcmp(stream, ours) == 0;
}

void
log_open(const char *name, enum log_level level)
{
	int saved = errno;
	program = name;
	least_grave = level;
	process = getpid();
	log_stream_open();
	if (is_journal())
		beginning = WITH_PRIORITY;
	else
		beginning = log_stream_is_terminal() ? BARE : STAMPED;
	errno = saved;
}

void
log_set_level(enum log_level level)
{
	least_grave = level;
}

bool
log_enabled(enum log_level level)
{
	return level <=
	       atomic_load_explicit(&least_grave, memory_order_relaxed);
}

unsigned long
log_dropped(void)
{
	return atomic_load_explicit(&ndropped, memory_order_relaxed);
}

/*
 * Appends text, with all but printable ASCII escaped; returns the new end.  The
 * backslash is escaped too, or one sent by a peer could pass for an escape; but
 * not in a text that is printable already.
 */
static size_t
escape_text(char *line, size_t end, const char *text, bool is_printable)
{
	static const char digits[] = "0123456789abcdef";
	/* The longest escape and the line's end must still fit. */
	for (; *text != '\0' && end < LOG_LINE_MAX - 5; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte >= 0x20 && byte <= 0x7e &&
		    (byte != '\\' || is_printable)) {
			line[end++] = (char)byte;
			continue;
		}
		line[end++] = '\\';
		line[end++] = 'x';
		line[end++] = digits[byte >> 4];
		line[end++] = digits[byte & 15];
	}
	return end;
}

static size_t
escape(char *line, size_t end, const char *text)
{
	return escape_text(line, end, text, false);
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_of_year(unsigned year)
{
	return is_leap(year) ? 366 : 365;
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * The time as in RFC 3339, and the process id.  This does not use gmtime_r(3),
 * since that of glibc takes a lock, and reads the file that TZ names.
 */
static void
stamp(char text[static STAMP_MAX])
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_REALTIME, &now);
	unsigned long s = now.tv_sec > 0 ? (unsigned long)now.tv_sec : 0;
	unsigned long days = s / 86400;
	unsigned year = 1970, month = 1;
	for (; days >= days_of_year(year) && year < 9999; year++)
		days -= days_of_year(year);
	for (; days >= days_of_month(year, month) && month < 12; month++)
		days -= days_of_month(year, month);
	(void)snprintf(text, STAMP_MAX,
	    "%u-%02u-%02luT%02lu:%02lu:%02lu.%03ldZ [%ld] ", year, month,
	    days + 1, s / 3600 % 24, s / 60 % 60, s % 60, now.tv_nsec / 1000000,
	    process);
}

static size_t
start_line(char *line, enum log_level level)
{
	/* Syslog's numbers: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG. */
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	char stamped[STAMP_MAX] = "";
	if (beginning == STAMPED)
		stamp(stamped);
	size_t end = escape(
	    line, 0, beginning == WITH_PRIORITY ? priorities[level] : stamped);
	if (level == LOG_LEVEL_ERROR)
		return escape(line, escape(line, end, program), ": ");
	if (level == LOG_LEVEL_WARN)
		return escape(line, end, "warning: ");
	return end;
}

/* Makes the line that says how many were left out; returns its end. */
static size_t
tell_dropped(char line[static LOG_LINE_MAX], unsigned long n)
{
	char text[LOG_LINE_MAX];
	(void)snprintf(text, sizeof text, "%lu line%s of the log %s left out",
	    n, n == 1 ? "" : "s", n == 1 ? "was" : "were");
	size_t end = escape(line, start_line(line, LOG_LEVEL_WARN), text);
	line[end++] = '\n';
	return end;
}

/* Writes the line, behind one on lines that were left out, if there are any. */
static bool
write_next(const char *line, size_t length)
{
	unsigned long dropped = log_dropped();
	if (dropped == ntold)
		return log_stream_write(line, length);
	/* In one write, since a pipe may have room for just one. */
	char both[LOG_STREAM_MAX];
	size_t end = tell_dropped(both, dropped - ntold);
	memcpy(both + end, line, length);
	if (!log_stream_write(both, end + length))
		return false;
	ntold = dropped;
	return true;
}

/* Writes the line whole, or counts it as dropped. */
static void
write_line(const char *line, size_t length)
{
	bool done = false;
	if (log_stream_claim()) {
		done = write_next(line, length);
		log_stream_release();
	}
	if (!done)
		atomic_fetch_add_explicit(&ndropped, 1, memory_order_relaxed);
}

/* Writes a line that ends in the text of error, an errno, unless that is 0. */
static void
write_text(enum log_level level, int error, const char *text, bool is_printable)
{
	int saved = errno;
	char line[LOG_LINE_MAX];
	const size_t start = start_line(line, level);
	size_t end = escape_text(line, start, text, is_printable);
	if (error != 0) {
		end = escape(line, end, ": ");
		(void)pthread_mutex_lock(&lock);
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): we have the lock. */
		end = escape(line, end, strerror(error));
		(void)pthread_mutex_unlock(&lock);
	}
	if (level <= LOG_LEVEL_WARN)
		log_latest_keep(line + start, end - start);
	line[end++] = '\n';
	write_line(line, end);
	errno = saved;
}

static void write_log(enum log_level, int error, const char *format, va_list)
    __attribute__((format(printf, 3, 0)));

/* The same for a format, if lines of the level are written. */
static void
write_log(
    enum log_level level, int error, const char *format, va_list arguments)
{
	if (!log_enabled(level))
		return;
	char text[LOG_LINE_MAX];
	int saved = errno;
	(void)vsnprintf(text, sizeof text, format, arguments);
	errno = saved;
	write_text(level, error, text, false);
}

void
log_error_printable(const char *text, int error)
{
	write_text(LOG_LEVEL_ERROR, error, text, true);
}

void
log_error(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_ERROR, errno, format, arguments);
	va_end(arguments);
}

void
log_errorx(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_ERROR, 0, format, arguments);
	va_end(arguments);
}

void
log_warn(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_WARN, errno, format, arguments);
	va_end(arguments);
}

void
log_warnx(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_WARN, 0, format, arguments);
	va_end(arguments);
}

void
log_info(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_INFO, 0, format, arguments);
	va_end(arguments);
}

void
log_debug(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_DEBUG, 0, format, arguments);
	va_end(arguments);
}

void
log_debug_errno(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_log(LOG_LEVEL_DEBUG, errno, format, arguments);
	va_end(arguments);
}

bool
log_limit_pass(
    struct log_limit *limit, uint64_t now, char note[static LOG_NOTE_MAX])
{
	if (now < limit->next) {
		limit->withheld++;
		return false;
	}
	note[0] = '\0';
	if (limit->withheld > 0)
		(void)snprintf(
		    note, LOG_NOTE_MAX, " (%u more)", limit->withheld);
	limit->next = now + LIMIT_MS;
	limit->withheld = 0;
	return true;
}
