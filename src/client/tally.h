/* SPDX-License-Identifier: ISC */
/*
 * What went to the server and what came back, in numbers that tell whether
 * an answer is whole.  Upper case keeps every line end and, in the root locale,
 * makes at least one character of each (see drops in upcase/tailoring.h), and
 * so do all of upcased's ways to treat bytes that are not UTF-8.  So a whole
 * answer has as many lines as the text, and no fewer characters.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
	uint64_t bytes;
	uint64_t lines;      /* line ends */
	uint64_t characters; /* bytes that do not continue a UTF-8 sequence */
};

void tally_add(struct tally *, const char *bytes, size_t n);

/* Whether nothing is missing at the end; that there is not more is answer.h's.
 */
bool tally_is_whole(const struct tally *sent, const struct tally *received);

#endif
