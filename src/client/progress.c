/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/progress.h"

#include <stdio.h>

enum { FIRST_MS = 1000, REDRAW_MS = 200 };

void
progress_start(struct progress *progress, int fd, uint64_t size, uint64_t now)
{
	status_line_start(&progress->line, fd, FIRST_MS, REDRAW_MS, now);
	progress->size = size;
	progress->started = now;
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

void
progress_format(char line[static STATUS_LINE_MAX], uint64_t bytes,
    uint64_t size, uint64_t ms)
{
	double amount = (double)bytes;
	double rate = ms == 0 ? 0 : amount * 1000 / (double)ms;
	/* A file may grow while it is sent. */
	double share = bytes < size ? amount * 100 / (double)size : 100;
	const char *amount_unit = scale(&amount), *rate_unit = scale(&rate);
	char percent[16] = "";
	if (size != 0)
		(void)snprintf(percent, sizeof percent, ", %d%%", (int)share);
	(void)snprintf(line, STATUS_LINE_MAX, "upc: %.1f %s sent, %.1f %s/s%s",
	    amount, amount_unit, rate, rate_unit, percent);
}

void
progress_show(struct progress *progress, uint64_t bytes, uint64_t now)
{
	char text[STATUS_LINE_MAX];
	if (!status_line_is_due(&progress->line, now))
		return;
	progress_format(text, bytes, progress->size, now - progress->started);
	status_line_draw(&progress->line, text, now);
}
