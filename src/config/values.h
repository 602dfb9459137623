/* SPDX-License-Identifier: ISC */
/*
 * Quantities as people write them: a whole number and its unit, as in 500ms,
 * 30s or 64K.  0 needs no unit.
 */
#ifndef VALUES_H
#define VALUES_H

#include "config/sentence.h"

#include <stddef.h>
#include <stdint.h>

struct value_unit {
	const char *name;
	uint64_t each; /* how many of the smallest unit it is */
};

/* What can be counted or measured, and how. */
struct value_scale {
	const char *noun;           /* with its article */
	struct value_unit units[6]; /* rising, each a multiple of the last */
	uint64_t examples[5];       /* rising; both end with a 0 */
};

extern const struct value_scale value_number;  /* no units */
extern const struct value_scale value_time;    /* in milliseconds */
extern const struct value_scale value_time_us; /* in microseconds */
extern const struct value_scale value_size;    /* in bytes */

/* Bounds: the longest time in ms, and a size that nothing in memory has. */
#define VALUE_WEEK     (UINT32_C(7) * 24 * 60 * 60 * 1000)
#define VALUE_SIZE_MAX PTRDIFF_MAX

/* Room for a text that value_print makes, its end included. */
#define VALUE_TEXT_MAX 24

/* Stores the value in the smallest unit; -1 when it is no value. */
int value_parse(const struct value_scale *, const char *text, uint64_t *value);

/* Writes the shortest text for the value, and returns it. */
const char *value_print(const struct value_scale *, uint64_t value,
    char text[static VALUE_TEXT_MAX]);

/* Adds what a value must be, as in "a number from 1 to 256". */
void value_want(const struct value_scale *, uint64_t least, uint64_t most,
    char sentence[static SENTENCE_MAX]);

#endif
