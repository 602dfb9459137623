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
 * A condition that is seldom true.  A processor goes on past a branch before it
 * knows; if the compiler makes a choice without a branch of it, where the next
 * block begins has to wait for all that this one does.
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
 * How many of the first n bytes of a block, which begins with a sequence, come
 * before the first one that is not whole and good.  Bad are the places where a
 * continuation is missing or too much; expect has those where one has to be.
 */
static inline size_t
before_trouble(uint64_t lead, uint64_t expect, uint64_t bad, size_t n)
{
	if (bad == 0)
		return n;
	unsigned at = first_of(bad);
	/* Inside a sequence the trouble is that of its lead. */
	if ((expect >> at & 1) != 0)
		at = last_of(lead & below(at));
	return at < n ? at : n;
}

/*
 * What is not UTF-8 in a block that begins with a sequence or with such: where
 * maximal subparts begin, and their other bytes.
 */
struct broken {
	uint64_t first, rest;
};

/* Forbidden are the leads whose second byte, if it is one, they do not allow.
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

/* Takes back what a block that was stored whole had of its last sequence. */
static inline void
take_back(struct upcase_cursor *c)
{
	size_t n = c->src[-1] >= 0xc0 ? 1 : c->src[-2] >= 0xe0 ? 2 : 3;
	c->src -= n;
	c->dst -= n;
}

#endif
