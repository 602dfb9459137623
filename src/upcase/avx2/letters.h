/* SPDX-License-Identifier: ISC */
/* How the kernel for AVX2 looks up letters; see avx2.c. */
#ifndef UPCASE_AVX2_LETTERS_H
#define UPCASE_AVX2_LETTERS_H

#include "upcase/avx2/block.h"
#include "upcase/block.h"
#include "upcase/upcase_pages.h"

#include <stdint.h>

/* The two leads of two bytes that were met last: text stays in its script. */
struct letters {
	unsigned char first, second;
};

/* What becomes of the bytes of pairs, at the first. */
struct changes {
	struct block first, second;
};

/* What one round changes in one byte of its sequences. */
static ALWAYS_INLINE struct block
change(const uint8_t table[64], const struct index *last, struct block from,
    struct block same)
{
	return both(same, flip(look_up(table, last), from));
}

/* Adds the round for a lead of two bytes, and takes it out of missing. */
static ALWAYS_INLINE void
change_pairs(struct changes *changes, struct block bytes, struct block next,
    const struct index *last, unsigned char lead, uint64_t *missing)
{
	const uint8_t(*table)[64] = upcase_leads[lead - 0xc0];
	struct block same = equal(bytes, lead);
	changes->first =
	    flip(changes->first, change(table[0], last, bytes, same));
	changes->second =
	    flip(changes->second, change(table[1], last, next, same));
	*missing &= ~mask_of(same);
}

/*
 * What becomes of the sequences of two bytes in pairs.  Those whose leads are
 * among the letters but not in pairs are changed as well.
 */
static ALWAYS_INLINE struct changes
changes_of(struct letters *letters, struct block bytes, struct block next,
    const struct index *last, const unsigned char *src, uint64_t pairs)
{
	struct changes changes = {0};
	uint64_t before = pairs;
	unsigned char second = letters->second;
	change_pairs(&changes, bytes, next, last, letters->first, &pairs);
	/*
	 * The next block may then need one round only: French gains a quarter,
	 * and what needs both anyway loses a twentieth.
	 */
	if (pairs == before) {
		letters->second = letters->first;
		letters->first = second;
	}
	if (pairs != 0)
		change_pairs(&changes, bytes, next, last, second, &pairs);
	while (SELDOM(pairs != 0)) {
		letters->second = letters->first;
		letters->first = src[first_of(pairs)];
		change_pairs(
		    &changes, bytes, next, last, letters->first, &pairs);
	}
	return changes;
}

/*
 * Converts the sequences of three bytes whose leads are in *special, up to the
 * first one without a page, and leaves those that it has not converted.
 */
static ALWAYS_INLINE struct block
convert_pages(struct block out, struct block bytes, struct block next,
    struct block after, const unsigned char *src, uint64_t *special)
{
	struct index last = index_of(after);
	do {
		unsigned at = first_of(*special);
		unsigned char lead = src[at], byte = src[at + 1];
		unsigned page = upcase_page_of[lead & 15][byte & 63];
		/* Other leads have low bits like those of three bytes. */
		if (page == 0 || (lead & 0xf0) != 0xe0)
			break;
		const uint8_t(*table)[64] = upcase_pages[page - 1];
		struct block same = both(equal(bytes, lead), equal(next, byte));
		struct block second = change(table[1], &last, next, same);
		struct block third = change(table[2], &last, after, same);
		out = flip(out, change(table[0], &last, bytes, same));
		out = flip(out, move_on(flip(second, move_on(third))));
		*special &= ~mask_of(same);
	} while (*special != 0);
	return out;
}

#endif
