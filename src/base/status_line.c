/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/status_line.h"

#include "base/sys.h"

#include <stdio.h>
#include <string.h>

void
status_line_start(struct status_line *line, int fd, unsigned first_ms,
    unsigned interval_ms, uint64_t now)
{
	*line = (struct status_line){
	    .fd = fd,
	    .due = now + first_ms,
	    .interval = interval_ms,
	};
}

bool
status_line_is_due(const struct status_line *line, uint64_t now)
{
	return line->fd != -1 && now >= line->due;
}

int
status_line_wait(const struct status_line *line, uint64_t now)
{
	if (line->fd == -1)
		return -1;
	return now < line->due ? (int)(line->due - now) : 0;
}

/* What a terminal does not take of it is no loss. */
static void
show(const struct status_line *line, const char *text, const char *end)
{
	char bytes[STATUS_LINE_MAX + 2];
	/* Padded, so that nothing stays of a longer line before it. */
	int n =
	    snprintf(bytes, sizeof bytes, "\r%-*s%s", line->width, text, end);
	if (n > 0)
		(void)sys_write(line->fd, bytes, (size_t)n);
}

void
status_line_draw(struct status_line *line, const char *text, uint64_t now)
{
	char cut[STATUS_LINE_MAX];
	(void)snprintf(cut, sizeof cut, "%s", text);
	int width = (int)strlen(cut);
	if (width > line->width)
		line->width = width;
	show(line, cut, "");
	line->due = now + line->interval;
}

void
status_line_erase(struct status_line *line)
{
	if (line->width > 0)
		show(line, "", "\r");
	line->width = 0;
}
