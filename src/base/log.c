/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "log.h"

#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_MS = 1000 };

static const char *const names[] = {"error", "warn", "info", "debug"};

static const char *program = "";
static enum log_level least_grave = LOG_LEVEL_INFO;
static bool to_journal;
static atomic_ulong ndropped;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* JOURNAL_STREAM names the device and inode of the stream it speaks of. */
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
	program = name;
	least_grave = level;
	to_journal = is_journal();
}

int
log_level_parse(const char *name)
{
	for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return -1;
}

bool
log_enabled(enum log_level level)
{
	return level <= least_grave;
}

unsigned long
log_dropped(void)
{
	return atomic_load_explicit(&ndropped, memory_order_relaxed);
}

/* Writes the line whole, or counts it as dropped. */
static void
write_line(const char *line, size_t length)
{
	/*
	 * The descriptor may be shared with other programs, so its flags stay
	 * as they are: it is asked first whether it would block.  What cannot
	 * be asked (POLLNVAL: devices on macOS) is written to all the same.
	 */
	struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT};
	if (poll(&stream, 1, 0) == 1 &&
	    (stream.revents & (POLLOUT | POLLNVAL)) != 0 &&
	    write(STDERR_FILENO, line, length) == (ssize_t)length)
		return;
	atomic_fetch_add_explicit(&ndropped, 1, memory_order_relaxed);
}

/*
 * Appends text with all but printable ASCII escaped; returns the new end.  So
 * is the backslash, or a peer's own could be taken for an escape.
 */
static size_t
escape(char *line, size_t end, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	/* The longest escape and the line's end must still fit. */
	for (; *text != '\0' && end < LOG_LINE_MAX - 5; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte >= 0x20 && byte <= 0x7e && byte != '\\') {
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
start_line(char *line, enum log_level level)
{
	/* Syslog's numbers: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG. */
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	size_t end = to_journal ? escape(line, 0, priorities[level]) : 0;
	if (level == LOG_LEVEL_ERROR)
		return escape(line, escape(line, end, program), ": ");
	if (level == LOG_LEVEL_WARN)
		return escape(line, end, "warning: ");
	return end;
}

static void write_log(enum log_level, int error, const char *format, va_list)
    __attribute__((format(printf, 3, 0)));

/* Ends the line in the text of an errno, unless that is 0. */
static void
write_log(
    enum log_level level, int error, const char *format, va_list arguments)
{
	if (!log_enabled(level))
		return;
	int saved = errno;
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	(void)vsnprintf(text, sizeof text, format, arguments);
	/*
	 * One at a time: between asking and writing no other thread may fill
	 * the pipe, and strerror need not be safe for threads.
	 */
	(void)pthread_mutex_lock(&lock);
	size_t end = escape(line, start_line(line, level), text);
	if (error != 0) {
		end = escape(line, end, ": ");
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): we have the lock. */
		end = escape(line, end, strerror(error));
	}
	line[end++] = '\n';
	write_line(line, end);
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
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
