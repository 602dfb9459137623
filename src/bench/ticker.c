/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/ticker.h"

#include "bench/ticks.h"

#include <inttypes.h>
#include <stdio.h>

/* Of the line, which is cut or filled up; a terminal has 80 columns. */
enum { LINE_WIDTH = 72 };

void
ticker_start(struct ticker *ticker, int fd, uint64_t now)
{
	*ticker = (struct ticker){
	    .fd = fd,
	    .started = now,
	    .due = fd == -1 ? TICKS_NEVER : now + TICKS_PER_S,
	};
}

void
ticker_show(struct ticker *ticker, const char *phase, uint64_t messages,
    uint64_t received, uint64_t now)
{
	double seconds =
	    (double)(now - ticker->due + TICKS_PER_S) / (double)TICKS_PER_S;
	char line[LINE_WIDTH + 1];
	(void)snprintf(line, sizeof line,
	    "upcbench: %" PRIu64 " s, %s, %.0f messages/s, %.1f MB/s",
	    (now - ticker->started) / TICKS_PER_S, phase,
	    (double)(messages - ticker->messages) / seconds,
	    (double)(received - ticker->received) / seconds / 1e6);
	/* What a terminal does not take of it is no loss. */
	(void)dprintf(ticker->fd, "\r%-*s", LINE_WIDTH, line);
	ticker->is_shown = true;
	ticker->messages = messages;
	ticker->received = received;
	ticker->due = now + TICKS_PER_S;
}

void
ticker_erase(struct ticker *ticker)
{
	if (ticker->is_shown)
		(void)dprintf(ticker->fd, "\r%*s\r", LINE_WIDTH, "");
	ticker->is_shown = false;
}
