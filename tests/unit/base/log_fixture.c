/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/base/log_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

char seen[1 << 24];
size_t nseen;
unsigned next;

size_t
format_line(char text[static LOG_LINE_MAX], unsigned number)
{
	static const char filling[] =
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	return (size_t)snprintf(text, LOG_LINE_MAX, "line %u %.*s", number,
	    (int)(number * 37 % (sizeof filling - 1)), filling);
}

void
log_next(void)
{
	char text[LOG_LINE_MAX];
	(void)format_line(text, next++);
	log_info("%s", text);
}

void
take(int reader, int ms)
{
	struct pollfd input = {.fd = reader, .events = POLLIN};
	while (poll(&input, 1, ms) == 1 && (input.revents & POLLIN) != 0) {
		ssize_t n = read(reader, seen + nseen, sizeof seen - 1 - nseen);
		if (n <= 0)
			break;
		nseen += (size_t)n;
		seen[nseen] = '\0';
		ms = 0;
	}
}

void
take_line(int reader, unsigned number)
{
	char text[LOG_LINE_MAX];
	(void)format_line(text, number);
	size_t from = nseen > LOG_LINE_MAX ? nseen - LOG_LINE_MAX : 0;
	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		take(reader, 10);
		const char *line = strstr(seen + from, text);
		if (line != NULL && strchr(line, '\n') != NULL)
			return;
	}
	ck_abort_msg("line %u did not come", number);
}

char *
text_of(char *line)
{
	char *text = line[0] == '2' ? strstr(line, "] ") : NULL;
	return text != NULL ? text + 2 : line;
}

void
check_line(char *line, unsigned *due)
{
	line[strcspn(line, "\r")] = '\0';
	char *text = text_of(line);
	char expected[LOG_LINE_MAX];
	unsigned more;
	if (sscanf(text, "warning: %u line", &more) == 1) {
		(void)snprintf(expected, sizeof expected,
		    "warning: %u line%s of the log %s left out", more,
		    more == 1 ? "" : "s", more == 1 ? "was" : "were");
		*due += more;
	} else {
		(void)format_line(expected, (*due)++);
	}
	ck_assert_str_eq(text, expected);
}

unsigned
check_seen(unsigned due)
{
	char *line = seen;
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		check_line(line, &due);
	}
	ck_assert_str_eq(line, "");
	nseen = 0;
	seen[0] = '\0';
	return due;
}

int
open_file(int flags)
{
	char path[] = "/tmp/check_log.XXXXXX";
	int fd = mkstemp(path);
	int log = open(path, O_WRONLY | flags);
	ck_assert_int_ne(log, -1);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(close(log), 0);
	log_open("test", LOG_LEVEL_INFO);
	return fd;
}

void
read_file(int fd)
{
	ssize_t n = pread(fd, seen, sizeof seen - 1, 0);
	ck_assert_int_ge(n, 0);
	nseen = (size_t)n;
	seen[nseen] = '\0';
}
