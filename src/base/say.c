/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/say.h"

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

/* In one call, so that lines of several programs do not mix. */
static void __attribute__((format(printf, 2, 0)))
write_line(const char *reason, const char *format, va_list arguments)
{
	char sentence[SAY_MAX];
	(void)vsnprintf(sentence, sizeof sentence, format, arguments);
	(void)fprintf(stderr, "%s: %s%s%s\n", program, sentence,
	    reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
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
