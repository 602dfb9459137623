/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/schedule.h"

#include "bench/ticks.h"

uint64_t
schedule_due(const struct schedule *schedule, uint64_t k)
{
	/* In two parts, so that nothing overflows and nothing adds up. */
	uint64_t rest = k % schedule->rate * TICKS_PER_S;
	return schedule->start + k / schedule->rate * TICKS_PER_S +
	       (rest + schedule->rate - 1) / schedule->rate;
}

uint64_t
schedule_count(const struct schedule *schedule, uint64_t now)
{
	if (now < schedule->start)
		return 0;
	uint64_t passed = now - schedule->start;
	/* The first is due at the start itself. */
	return passed / TICKS_PER_S * schedule->rate +
	       passed % TICKS_PER_S * schedule->rate / TICKS_PER_S + 1;
}
