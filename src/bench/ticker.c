/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ticker.h"

#include "sys.h"
#include "ticks.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINE_MAX_ = 80 };

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
	if (now < ticker->due)
		return;
	double seconds =
	    (double)(now - ticker->due + TICKS_PER_S) / (double)TICKS_PER_S;
	char line[LINE_MAX_];
	int n = snprintf(line, sizeof line,
	    "\rupcbench: %" PRIu64 " s, %s, %.0f messages/s, %.1f MB/s",
	    (now - ticker->started) / TICKS_PER_S, phase,
	    (double)(messages - ticker->messages) / seconds,
	    (double)(received - ticker->received) / seconds / 1e6);
	if (n < 0 || n >= LINE_MAX_)
		return;
	int padding = ticker->width > n ? ticker->width - n : 0;
	/* What a terminal does not take of it is no loss. */
	(void)sys_write(ticker->fd, line, (size_t)n);
	if (padding > 0)
		(void)dprintf(ticker->fd, "%*s", padding, "");
	if (n > ticker->width)
		ticker->width = n;
	ticker->messages = messages;
	ticker->received = received;
	ticker->due = now + TICKS_PER_S;
}

void
ticker_erase(struct ticker *ticker)
{
	if (ticker->width > 0)
		(void)dprintf(ticker->fd, "\r%*s\r", ticker->width, "");
	ticker->width = 0;
}
