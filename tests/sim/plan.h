/* SPDX-License-Identifier: ISC */
/*
 * What peers send, and the answer that is due for each byte of it.
 *
 * A plan is a text of whole characters, and of bytes that can be part of none,
 * drawn once for all runs.  A peer sends a part of it that begins with a
 * character and may end inside one.  The answer is put together from a table of
 * characters and their answers: no code of the transform is used.
 */
#ifndef PLAN_H
#define PLAN_H

#include "upcase/stream.h"

#include <stddef.h>
#include <stdint.h>

/* The longest answer to a tail, the part of a character that ends a text. */
#define PLAN_TAIL_MAX 3

/* A stream gets its policy when it is accepted, so each plan has all answers.
 */
enum { NPOLICIES = UPCASE_CLOSE + 1 };

struct plan {
	unsigned char *text;
	size_t length;
	unsigned char *answer[NPOLICIES];

	/* For each place in the text: how much of that is due before. */
	uint32_t *due[NPOLICIES];

	/* For each place: where the character around it begins. */
	uint32_t *begins;

	/* For each place: where the next byte is that is not UTF-8. */
	uint32_t *bad;
};

/* Draws the plans; to be called once, after draw_seed. */
void plans_make(void);

/* Draws a plan, more often a short one. */
const struct plan *plans_draw(void);

/*
 * The answer to the part of a plan from first to last: where its bytes are, how
 * many there are, and what the tail adds if the text ends there.
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
