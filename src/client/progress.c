/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/progress.h"

#include "base/sys.h"

#include <stdio.h>

enum { FIRST_MS = 1000, REDRAW_MS = 200 };

void
progress_start(struct progress *progress, int fd, uint64_t size, uint64_t now)
{
	*progress = (struct progress){
	    .fd = fd,
	    .size = size,
	    .started = now,
	    .due = now + FIRST_MS,
	};
}

/* Scales a number of bytes to at most four digits and names the unit. */
static const char *
scale(double *bytes)
{
	static const char *const units[] = {
	    "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t i = 0;
	for (; *bytes >= 1024 && i + 1 < sizeof units / sizeof units[0]; i++)
		*bytes /= 1024;
	return units[i];
}

int
progress_format(char line[static PROGRESS_LINE_MAX], uint64_t bytes,
    uint64_t size, uint64_t ms)
{
	double amount = (double)bytes;
	double rate = ms == 0 ? 0 : amount * 1000 / (double)ms;
	/* A file may grow while it is sent. */
	double share = bytes < size ? amount * 100 / (double)size : 100;
	const char *amount_unit = scale(&amount), *rate_unit = scale(&rate);
	int n =
	    snprintf(line, PROGRESS_LINE_MAX, "upc: %.1f %s sent, %.1f %s/s",
		amount, amount_unit, rate, rate_unit);
	if (size != 0 && n > 0 && n < PROGRESS_LINE_MAX)
		n += snprintf(line + n, (size_t)(PROGRESS_LINE_MAX - n),
		    ", %d%%", (int)share);
	return n < PROGRESS_LINE_MAX ? n : PROGRESS_LINE_MAX - 1;
}

void
progress_show(struct progress *progress, uint64_t bytes, uint64_t now)
{
	if (progress->fd == -1 || now < progress->due)
		return;
	char line[PROGRESS_LINE_MAX], text[PROGRESS_LINE_MAX + 1];
	int n = progress_format(
	    line, bytes, progress->size, now - progress->started);
	if (n > progress->width)
		progress->width = n;
	/* Padded, so that nothing stays of a longer line before it. */
	n = snprintf(text, sizeof text, "\r%-*s", progress->width, line);
	/* What a terminal does not take of it is no loss. */
	if (n > 0)
		(void)sys_write(progress->fd, text, (size_t)n);
	progress->due = now + REDRAW_MS;
}

int
progress_wait(const struct progress *progress, uint64_t now)
{
	if (progress->fd == -1)
		return -1;
	return now < progress->due ? (int)(progress->due - now) : 0;
}

void
progress_erase(struct progress *progress)
{
	if (progress->width == 0)
		return;
	char text[PROGRESS_LINE_MAX + 2];
	int n = snprintf(text, sizeof text, "\r%*s\r", progress->width, "");
	if (n > 0)
		(void)sys_write(progress->fd, text, (size_t)n);
	progress->width = 0;
}
