/* SPDX-License-Identifier: ISC */
/* How the kernel for AVX2 tells the bytes of a block apart; see avx2.c. */
#ifndef UPCASE_AVX2_SHAPE_H
#define UPCASE_AVX2_SHAPE_H

#include "upcase/avx2/block.h"
#include "upcase/block.h"
#include "upcase/upcase_pages.h"

#include <immintrin.h>
#include <stdint.h>

/* Where the bytes of each kind are. */
struct shape {
	uint64_t lead, cont;
	uint64_t expect; /* where continuations have to be */
	uint64_t behind; /* the same for the next block */
	uint64_t pairs; /* leads of two bytes, up to the last that can change */
	uint64_t longer; /* leads of more whose sequence may need a look */
};

/*
 * Whether a lead of three bytes, and the byte next to it, may need a look: the
 * mask means nothing elsewhere.
 */
static ALWAYS_INLINE uint64_t
may_be_special(struct block bytes, struct block next)
{
	struct block low_bits = {all(0x0f), all(0x0f)};
	struct block next_high = {
	    _mm256_srli_epi16(next.low, 4), _mm256_srli_epi16(next.high, 4)};
	struct block found =
	    look_up_row(upcase_nibbles[0], both(bytes, low_bits));
	found = both(
	    found, look_up_row(upcase_nibbles[1], both(next_high, low_bits)));
	found =
	    both(found, look_up_row(upcase_nibbles[2], both(next, low_bits)));
	return ~mask_of(equal(found, 0));
}

/* Whether a lead of four bytes may need a look: emoji do not. */
static ALWAYS_INLINE uint64_t
may_be_special_4(struct block bytes, struct block next)
{
	return ~mask_of(both(equal(bytes, 0xf0), equal(next, 0x9f)));
}

/* What the classes of a lead of three bytes or more and the next byte share. */
static ALWAYS_INLINE struct block
classes_of(struct block bytes, const struct index *next)
{
	struct block of_lead = either(
	    look_up_row(upcase_lead_class + 32, index_of_row(bytes, 0xe0)),
	    look_up_row(upcase_lead_class + 48, index_of_row(bytes, 0xf0)));
	return both(of_lead, look_up(upcase_second_class, next));
}

static ALWAYS_INLINE struct broken
broken_of(
    struct block bytes, const struct index *next, uint64_t lead, uint64_t cont)
{
	struct block forbidden = {
	    all(UPCASE_CLASS_FORBIDDEN), all(UPCASE_CLASS_FORBIDDEN)};
	struct block last_bit = {all(1), all(1)};
	uint64_t lead3 = lead & mask_of_bit(bytes, 2);
	uint64_t lead4 = lead3 & mask_of_bit(bytes, 3);
	/* 0xc0 and 0xc1 */
	uint64_t overlong = mask_of(equal(either(bytes, last_bit), 0xc1));
	forbidden = equal(both(classes_of(bytes, next), forbidden), 0);
	return find_broken(
	    lead, lead3, lead4, cont, overlong | (lead3 & ~mask_of(forbidden)));
}

static ALWAYS_INLINE struct shape
shape_of(struct block bytes, struct block next, uint64_t high, uint64_t carry)
{
	uint64_t lead = high & mask_of_bit(bytes, 1);
	uint64_t lead3 = lead & mask_of_bit(bytes, 2);
	uint64_t lead4 = lead3 & mask_of_bit(bytes, 3);
	uint64_t longer = lead3 & ~lead4 & may_be_special(bytes, next);
	if (lead4 != 0)
		longer |= lead4 & may_be_special_4(bytes, next);
	uint64_t beyond = mask_of(add(bytes, 0x17f - UPCASE_PAGES_LAST_LEAD));
	return (struct shape){
	    .lead = lead,
	    .cont = high & ~lead,
	    .expect = carry | lead << 1 | lead3 << 2 | lead4 << 3,
	    .behind = lead >> 63 | lead3 >> 62 | lead4 >> 61,
	    .pairs = lead & ~beyond,
	    .longer = longer,
	};
}

#endif
