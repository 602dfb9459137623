/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/counters.h"

static const char *const names[NCOUNTERS] = {
    [COUNTER_ACCEPTED] = "accepted",
    [COUNTER_ENDED] = "ended",
    [COUNTER_IDLE] = "idle",
    [COUNTER_QUIET] = "quiet",
    [COUNTER_REFUSED] = "refused",
    [COUNTER_STALLED] = "stalled",
    [COUNTER_EVICTED] = "evicted",
    [COUNTER_CUT] = "cut",
    [COUNTER_FAILED] = "failed",
    [COUNTER_RECEIVED] = "received",
    [COUNTER_SENT] = "sent",
    [COUNTER_ACCEPT_FAILURES] = "accept-failures",
    [COUNTER_WAIT_FAILURES] = "wait-failures",
    [COUNTER_FULL] = "full",
};

void
counters_sum(const struct counters *counters, size_t totals[static NCOUNTERS])
{
	for (int i = 0; i < NCOUNTERS; i++)
		totals[i] += atomic_load_explicit(
		    &counters->values[i], memory_order_relaxed);
}

const char *
counter_name(enum counter counter)
{
	return names[counter];
}
