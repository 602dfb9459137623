/* SPDX-License-Identifier: ISC */
/*
 * What the kernels that take 64 bytes at a time have in common: masks with a
 * bit for each byte of a block, the first the lowest, and where to cut it.
 */
#ifndef UPCASE_BLOCK_H
#define UPCASE_BLOCK_H

#include "upcase/kernel.h"

#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 64 };

/*
 * A condition that is seldom true.  It keeps the compiler from using a
 * conditional move, for whose result the next block would have to wait, while a
 * branch is predicted.  Messages of 64 bytes that are not ASCII gain a tenth by
 * it.
 */
#define SELDOM(condition) __builtin_expect((condition), 0)

/* Ones below the given bit. */
static inline uint64_t
below(size_t bit)
{
	return bit < BLOCK ? ~(UINT64_MAX << bit) : UINT64_MAX;
}

/* The lowest and the highest bit of a mask that has one. */
static inline unsigned
first_of(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask);
}

static inline unsigned
last_of(uint64_t mask)
{
	return BLOCK - 1 - (unsigned)__builtin_clzll(mask);
}

/*
 * How many of the first n bytes of a block come before its first sequence that
 * is not well-formed; the block begins with a sequence.  The mask bad has the
 * places where a continuation is missing or should not be, and expect those
 * where one has to be.
 */
static inline size_t
before_trouble(uint64_t lead, uint64_t expect, uint64_t bad, size_t n)
{
	if (bad == 0)
		return n;
	unsigned at = first_of(bad);
	/* If a continuation is missing, the sequence began before. */
	if ((expect >> at & 1) != 0)
		at = last_of(lead & below(at));
	return at < n ? at : n;
}

/* The maximal subparts in a block: their first bytes, and all others. */
struct broken {
	uint64_t first, rest;
};

/*
 * Finds what is not UTF-8 in a block that does not begin inside a sequence.
 * The mask forbidden has the leads that do not allow the continuation behind
 * them.
 */
static inline struct broken
find_broken(uint64_t lead, uint64_t lead3, uint64_t lead4, uint64_t cont,
    uint64_t forbidden)
{
	uint64_t two = lead & cont >> 1 & ~forbidden;
	uint64_t three = two & lead3 & cont >> 2;
	uint64_t four = three & lead4 & cont >> 3;
	uint64_t whole = (two & ~lead3) | (three & ~lead4) | four;
	uint64_t taken = two << 1 | three << 2 | four << 3;
	uint64_t first = (lead & ~whole) | (cont & ~taken);
	return (struct broken){
	    .first = first,
	    .rest = (two & first) << 1 | (three & first) << 2,
	};
}

/*
 * Moves the cursor back to where the last sequence of the block before begins,
 * of which that block, stored whole, had only a part.
 */
static inline void
take_back(struct upcase_cursor *c)
{
	size_t n = c->src[-1] >= 0xc0 ? 1 : c->src[-2] >= 0xe0 ? 2 : 3;
	c->src -= n;
	c->dst -= n;
}

#endif
