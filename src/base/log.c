/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log.h"

#include "base/log_latest.h"
#include "base/log_stamp.h"
#include "base/log_stream.h"
#include "base/log_syslog.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(2 * LOG_LINE_MAX <= LOG_STREAM_MAX,
    "a line and the one on what was left out fit into one write");

/* The least time between two lines of a log_limit, in ms. */
enum { LIMIT_MS = 1000 };

const char *const log_level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

const char *const log_place_names[] = {
    [LOG_TO_STDERR] = "stderr",
    [LOG_TO_SYSLOG] = "syslog",
    NULL,
};

/* What is told to each of the two places that lines go to. */
struct place {
	atomic_bool is_used;
	atomic_ulong ndropped; /* lines that it did not take */
	atomic_ulong ntold;    /* how many of them it was told of */
};

static struct place standard_error = {.is_used = true}, host;

static const char *program = "";
static _Atomic(enum log_level) least_grave = LOG_LEVEL_INFO;
static enum { BARE, STAMPED, WITH_PRIORITY } beginning;
static long process;
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

int
log_add_syslog(const char *const *paths)
{
	if (log_syslog_open(
		program, paths == NULL ? log_syslog_paths : paths) == -1)
		return -1;
	if (log_syslog_connect() == -1)
		log_warn("cannot reach the syslogd of this host; lines are "
			 "left out there until it can be reached");
	atomic_store(&host.is_used, true);
	return 0;
}

void
log_leave_stderr(void)
{
	if (atomic_load(&host.is_used))
		atomic_store(&standard_error.is_used, false);
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
	const struct place *place =
	    atomic_load(&host.is_used) ? &host : &standard_error;
	return atomic_load_explicit(&place->ndropped, memory_order_relaxed);
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

static size_t
start_line(char *line, enum log_level level)
{
	/* Syslog's numbers: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG. */
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	char stamped[LOG_STAMP_MAX] = "";
	if (beginning == STAMPED)
		log_stamp(stamped, process);
	size_t end = escape(
	    line, 0, beginning == WITH_PRIORITY ? priorities[level] : stamped);
	if (level == LOG_LEVEL_ERROR)
		return escape(line, escape(line, end, program), ": ");
	if (level == LOG_LEVEL_WARN)
		return escape(line, end, "warning: ");
	return end;
}

/* The text that says how many were left out. */
static void
tell_dropped(char text[static LOG_LINE_MAX], unsigned long n)
{
	(void)snprintf(text, LOG_LINE_MAX, "%lu line%s of the log %s left out",
	    n, n == 1 ? "" : "s", n == 1 ? "was" : "were");
}

static void
count_dropped(struct place *place)
{
	atomic_fetch_add_explicit(&place->ndropped, 1, memory_order_relaxed);
}

/* Writes the line, behind one on lines that were left out, if there are any. */
static bool
write_next(const char *line, size_t length)
{
	struct place *place = &standard_error;
	unsigned long dropped = atomic_load(&place->ndropped);
	/* The claim of the stream protects the number that was told. */
	unsigned long told = atomic_load(&place->ntold);
	if (dropped == told)
		return log_stream_write(line, length);
	/* In one write, since a pipe may have room for just one. */
	char both[LOG_STREAM_MAX], text[LOG_LINE_MAX];
	tell_dropped(text, dropped - told);
	size_t end = escape(both, start_line(both, LOG_LEVEL_WARN), text);
	both[end++] = '\n';
	memcpy(both + end, line, length);
	if (!log_stream_write(both, end + length))
		return false;
	atomic_store(&place->ntold, dropped);
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
		count_dropped(&standard_error);
}

static bool
send_line(enum log_level level, const char *line, size_t length)
{
	/* Syslog's numbers: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG. */
	static const int severities[] = {3, 4, 6, 7};
	return log_syslog_write(severities[level], line, length);
}

/*
 * Tells how many lines the host did not take, if there are any.  The thread
 * that wins the exchange tells of them all, and takes them back if it cannot.
 */
static bool
send_dropped(void)
{
	unsigned long told = atomic_load(&host.ntold);
	unsigned long dropped = atomic_load(&host.ndropped);
	if (dropped == told ||
	    !atomic_compare_exchange_strong(&host.ntold, &told, dropped))
		return true;
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	tell_dropped(text, dropped - told);
	size_t end = escape(line, escape(line, 0, "warning: "), text);
	if (send_line(LOG_LEVEL_WARN, line, end))
		return true;
	atomic_fetch_sub(&host.ntold, dropped - told);
	return false;
}

/* The text, and behind it that of error, an errno, unless it is 0. */
static size_t
add_text(char *line, size_t end, int error, const char *text, bool is_printable)
{
	end = escape_text(line, end, text, is_printable);
	if (error == 0)
		return end;
	end = escape(line, end, ": ");
	(void)pthread_mutex_lock(&lock);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): we have the lock. */
	end = escape(line, end, strerror(error));
	(void)pthread_mutex_unlock(&lock);
	return end;
}

/*
 * The severity stands in the text too, as the files of most syslogds do not
 * have it.
 */
static void
send_text(enum log_level level, int error, const char *text, bool is_printable)
{
	char line[LOG_LINE_MAX];
	const char *severity = level == LOG_LEVEL_ERROR  ? "error: "
			       : level == LOG_LEVEL_WARN ? "warning: "
							 : "";
	size_t end = add_text(
	    line, escape(line, 0, severity), error, text, is_printable);
	if (!send_dropped() || !send_line(level, line, end))
		count_dropped(&host);
}

/* Writes a line that ends in the text of error, an errno, unless that is 0. */
static void
write_text(enum log_level level, int error, const char *text, bool is_printable)
{
	int saved = errno;
	char line[LOG_LINE_MAX];
	const size_t start = start_line(line, level);
	size_t end = add_text(line, start, error, text, is_printable);
	if (level <= LOG_LEVEL_WARN)
		log_latest_keep(line + start, end - start);
	line[end++] = '\n';
	if (atomic_load(&standard_error.is_used))
		write_line(line, end);
	if (atomic_load(&host.is_used))
		send_text(level, error, text, is_printable);
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
