/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/status_text.h"

#include <inttypes.h>
#include <stdio.h>

/* Room for an amount, its end included. */
enum { AMOUNT_MAX = 32 };

/* Writes a number that is given in tenths. */
static const char *
write_tenths(uint64_t tenths, const char *unit, char text[static AMOUNT_MAX])
{
	(void)snprintf(text, AMOUNT_MAX, "%" PRIu64 ".%" PRIu64 "%s",
	    tenths / 10, tenths % 10, unit);
	return text;
}

static const char *
write_bytes(uint64_t n, char text[static AMOUNT_MAX])
{
	static const char *const units[] = {" KiB", " MiB", " GiB", " TiB"};
	size_t i = 0;
	if (n < 1024) {
		(void)snprintf(text, AMOUNT_MAX, "%" PRIu64 " bytes", n);
		return text;
	}
	/* In tenths of a KiB, which fits for what a counter can hold. */
	uint64_t tenths = n / 1024 * 10 + n % 1024 * 10 / 1024;
	while (tenths >= 10240 && i + 1 < sizeof units / sizeof units[0]) {
		tenths /= 1024;
		i++;
	}
	return write_tenths(tenths, units[i], text);
}

/* How much a counter has grown each second, times a factor. */
static uint64_t
rate(const struct status *now, const struct status *before,
    enum counter counter, uint64_t factor)
{
	uint64_t ms = now->ms - before->ms;
	/* A counter may start again at 0, as its width wraps around. */
	size_t grown = now->totals[counter] - before->totals[counter];
	return ms == 0 ? 0 : (uint64_t)grown * factor * 1000 / ms;
}

void
status_write(const char *does, const struct status *now,
    const struct status *before, const char *problem,
    char text[static STATUS_TEXT_MAX])
{
	char accepted[AMOUNT_MAX];
	char totals[2][AMOUNT_MAX], rates[2][AMOUNT_MAX];
	(void)snprintf(text, STATUS_TEXT_MAX,
	    "%s %zu connection%s; accepted %zu, %s a second; received %s, %s a "
	    "second; sent %s, %s a second%s%s",
	    does, now->open, now->open == 1 ? "" : "s",
	    now->totals[COUNTER_ACCEPTED],
	    write_tenths(rate(now, before, COUNTER_ACCEPTED, 10), "", accepted),
	    write_bytes(now->totals[COUNTER_RECEIVED], totals[0]),
	    write_bytes(rate(now, before, COUNTER_RECEIVED, 1), rates[0]),
	    write_bytes(now->totals[COUNTER_SENT], totals[1]),
	    write_bytes(rate(now, before, COUNTER_SENT, 1), rates[1]),
	    problem[0] == '\0' ? "" : "; last problem: ", problem);
}
