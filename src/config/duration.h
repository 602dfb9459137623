/* SPDX-License-Identifier: ISC */
/*
 * Lengths of time as people write them: a whole number and its unit, one of
 * us, ms, s, m and h, as in 50us, 500ms, 30s, 5m and 2h.  0 needs no unit.
 */
#ifndef DURATION_H
#define DURATION_H

#include <stdint.h>

/* The longest time, in milliseconds: a week. */
#define DURATION_MAX (UINT32_C(7) * 24 * 60 * 60 * 1000)

/* What duration_parse takes, in words for an error message. */
#define DURATION_SYNTAX "a time such as 500ms, 30s, 5m or 2h, at most 168h"

/* Stores milliseconds, and takes no us; returns -1 when the text is no time. */
int duration_parse(uint32_t *ms, const char *text);

/* Stores microseconds, at most the given number; -1 when the text is none. */
int duration_parse_us(uint32_t *us, const char *text, uint32_t most);

#endif
