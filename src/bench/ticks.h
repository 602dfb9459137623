/* SPDX-License-Identifier: ISC */
/*
 * The clock of measurements: nanoseconds of CLOCK_MONOTONIC.  The milliseconds
 * of sys_now are for deadlines.
 */
#ifndef TICKS_H
#define TICKS_H

#include <stdint.h>

#define TICKS_PER_MS UINT64_C(1000000)
#define TICKS_PER_S  UINT64_C(1000000000)

/* A time that never comes. */
#define TICKS_NEVER UINT64_MAX

uint64_t ticks_now(void);

#endif
