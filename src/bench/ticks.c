/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/ticks.h"

#include <time.h>

uint64_t
ticks_now(void)
{
	struct timespec t;
	/* It cannot fail for a clock that the system has, as POSIX.1 asks. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * TICKS_PER_S + (uint64_t)t.tv_nsec;
}
