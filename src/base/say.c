/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/say.h"

#include "base/printable.h"
#include "base/status_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *program = "";

void
say_as(const char *name)
{
	program = name;
}

const char *
say_program(void)
{
	return program;
}

/*
 * In one call, so that lines of several programs do not mix.  The line keeps
 * the terminal safe from whatever a sentence was made of.
 */
static void __attribute__((format(printf, 2, 0)))
write_line(const char *reason, const char *format, va_list arguments)
{
	char sentence[SAY_MAX], line[SAY_MAX];
	int n = vsnprintf(sentence, sizeof sentence, format, arguments);
	if (reason != NULL && n >= 0 && (size_t)n < sizeof sentence)
		(void)snprintf(
		    sentence + n, sizeof sentence - (size_t)n, ": %s", reason);
	/* A byte less, so that a sentence that was cut has its dots. */
	(void)printable_sentence(sentence, line, sizeof line - 1);
	status_line_clear();
	(void)fprintf(stderr, "%s: %s\n", program, line);
}

void
say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_line(NULL, format, arguments);
	va_end(arguments);
}

void
say_errno(const char *format, ...)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
	const char *reason = strerror(errno);
	va_list arguments;
	va_start(arguments, format);
	write_line(reason, format, arguments);
	va_end(arguments);
}
