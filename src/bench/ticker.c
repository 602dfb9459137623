/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/ticker.h"

#include <inttypes.h>
#include <stdio.h>

enum { INTERVAL_MS = 1000 };

void
ticker_start(struct ticker *ticker, int fd, uint64_t now)
{
	*ticker = (struct ticker){.started = now, .drawn = now};
	status_line_start(&ticker->line, fd, INTERVAL_MS, INTERVAL_MS, now);
}

void
ticker_show(struct ticker *ticker, const char *phase, uint64_t messages,
    uint64_t received, uint64_t now)
{
	double seconds = (double)(now - ticker->drawn) / 1000;
	char text[STATUS_LINE_MAX];
	(void)snprintf(text, sizeof text,
	    "upcbench: %" PRIu64 " s, %s, %.0f messages/s, %.1f MB/s",
	    (now - ticker->started) / 1000, phase,
	    (double)(messages - ticker->messages) / seconds,
	    (double)(received - ticker->received) / seconds / 1e6);
	status_line_draw(&ticker->line, text, now);
	ticker->drawn = now;
	ticker->messages = messages;
	ticker->received = received;
}
