/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"
#include "unit/capture.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

static int reader;

void
capture(int fd)
{
	int ends[2];
	ck_assert_int_eq(sys_pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], fd), fd);
	ck_assert_int_eq(sys_close(ends[1]), 0);
	reader = ends[0];
}

const char *
written(void)
{
	static char text[65536 + 1];
	(void)fflush(stdout);
	ssize_t n = sys_read(reader, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

void
capture_close(void)
{
	(void)sys_close(reader);
}
