/* SPDX-License-Identifier: ISC */
/*
 * What peers say, and the answer that is due on each byte of it.
 *
 * A plan is a text of whole characters, and of bytes that can be part of none,
 * drawn once for all runs.  A peer sends a part of it that begins with a
 * character and may end inside one.  The answer is put together from those of
 * the characters, which stand in a table: no code of the transform is used.
 */
#ifndef PLAN_H
#define PLAN_H

#include "upcase/stream.h"

#include <stddef.h>
#include <stdint.h>

/* A tail: the part of a character at which a text ends. */
#define PLAN_TAIL_MAX 3

struct plan {
	unsigned char *text;
	size_t length;
	unsigned char *answer;

	/* By place in the text: how much of the answer is due before it. */
	uint32_t *due;

	/* And the place where the character begins that it is in. */
	uint32_t *begins;

	/* And the first place, from there on, of a byte that is not UTF-8. */
	uint32_t *bad;
};

/* Draws the plans; to be called once, after draw_seed. */
void plans_make(void);

/* A plan for streams with the policy; many of them are short. */
const struct plan *plans_draw(enum upcase_invalid);

/*
 * The part from first to last of a plan: how much of its answer is due, where
 * that stands, and the answer to its tail, if the text ended there.
 */
struct due {
	const unsigned char *bytes;
	size_t n;
	unsigned char tail[PLAN_TAIL_MAX];
	size_t ntail;
};

struct due plan_due(
    const struct plan *, enum upcase_invalid, size_t first, size_t last);

#endif
