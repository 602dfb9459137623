/* SPDX-License-Identifier: ISC */
/*
 * How the kernel for AVX-512 looks up letters; see avx512.c.
 *
 * One instruction looks up 64 bytes in a table of 128.  The low six bits of the
 * last byte of a sequence and the lowest one of the byte before it choose the
 * answer, so two neighbouring leads of two bytes are looked up together, and so
 * are two pages of three:
 *
 *	bytes     d0 b6 d1 8f 20	"жя " to be looked up in d0 and d1
 *	even      d0 b6 d0 8e 20	and with 0xfe: equal to d0 at the leads
 *	place     36 .. 4f .. ..	for the leads: of b6 in d0, of 8f in d1
 *	place     .. 36 .. 4f ..	for the second bytes: the same
 *	answer    d0 96 d0 af 20	the rest has its answer already
 */
#ifndef UPCASE_AVX512_LETTERS_H
#define UPCASE_AVX512_LETTERS_H

#include "upcase/avx512/shape.h"
#include "upcase/block.h"
#include "upcase/upcase_pages.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it becomes one loop, in which the letters stay in registers. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Two leads of two bytes: the even one, and the answers to both. */
struct lead_pair {
	__m512i lead;
	const uint8_t (*answers)[2][64];
};

/* Two pages: the lead, the even second byte, and the answers of both. */
struct page_pair {
	__m512i lead, second;
	const uint8_t (*answers)[3][64];
};

/* The letters that came last: text stays in its script. */
struct letters {
	struct lead_pair leads[3];
	struct page_pair pages;
};

/* A block, and where to find what is beside it. */
struct block {
	const unsigned char *src;
	size_t left;    /* bytes from there on */
	__m512i before; /* the block before, or zeros */
	__m512i bytes;
};

static const _Alignas(BLOCK) uint8_t first_128[2 * BLOCK] = {0, 1, 2, 3, 4, 5,
    6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
    64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82,
    83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
    101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
    116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127};

/* The bytes that are n places before those of the block, and behind them. */
static ALWAYS_INLINE __m512i
bytes_before(const struct block *b, size_t n)
{
	__m512i from = keep(_mm512_loadu_si512(first_128 + BLOCK - n));
	return _mm512_permutex2var_epi8(b->before, from, b->bytes);
}

static ALWAYS_INLINE __m512i
bytes_behind(const struct block *b, size_t n)
{
	return load(b->src + n, b->left - n);
}

static ALWAYS_INLINE __m512i
even(__m512i bytes)
{
	return _mm512_and_si512(bytes, constant(0xfe));
}

/*
 * Where sequences that end with these two bytes have their answers: six bits of
 * the last, and the lowest of the one before, which is moved to the place above
 * them.  The rest of what moves is not used.  In 0xca, the bits of the first
 * vector choose between those of the others.
 */
static ALWAYS_INLINE __m512i
places_of(__m512i before_last, __m512i last)
{
	return _mm512_ternarylogic_epi64(
	    constant(0x3f), last, _mm512_slli_epi16(before_last, 6), 0xca);
}

static ALWAYS_INLINE __m512i
answers_at(__m512i places, const uint8_t low[64], const uint8_t high[64])
{
	return _mm512_permutex2var_epi8(
	    _mm512_load_si512(low), places, _mm512_load_si512(high));
}

static ALWAYS_INLINE struct lead_pair
leads_of(unsigned char lead)
{
	lead &= 0xfe;
	return (struct lead_pair){
	    .lead = _mm512_set1_epi8((char)lead),
	    .answers = &upcase_leads[lead - 0xc0],
	};
}

/* There must be a page for these two bytes. */
static ALWAYS_INLINE struct page_pair
pages_of(unsigned char lead, unsigned char second)
{
	second &= 0xfe;
	return (struct page_pair){
	    .lead = _mm512_set1_epi8((char)lead),
	    .second = _mm512_set1_epi8((char)second),
	    .answers =
		&upcase_pages[upcase_page_of[lead & 15][second & 63] - 1],
	};
}

/* Puts in the answers to the sequences with these leads, and marks them. */
static ALWAYS_INLINE __m512i
look_up_leads(const struct lead_pair *leads, const struct block *b, __m512i out,
    uint64_t *done)
{
	const uint8_t(*answers)[2][64] = leads->answers;
	__m512i last = bytes_before(b, 1);
	__mmask64 first = _mm512_cmpeq_epi8_mask(even(b->bytes), leads->lead);
	__mmask64 second = _mm512_cmpeq_epi8_mask(even(last), leads->lead);
	*done |= first | second;
	out = _mm512_mask_mov_epi8(out, first,
	    answers_at(places_of(b->bytes, bytes_behind(b, 1)), answers[0][0],
		answers[1][0]));
	return _mm512_mask_mov_epi8(out, second,
	    answers_at(
		places_of(last, b->bytes), answers[0][1], answers[1][1]));
}

static ALWAYS_INLINE __mmask64
are_in(const struct page_pair *pages, __m512i lead, __m512i second)
{
	return _mm512_mask_cmpeq_epi8_mask(
	    _mm512_cmpeq_epi8_mask(lead, pages->lead), even(second),
	    pages->second);
}

/* The same for the sequences of these pages. */
static ALWAYS_INLINE __m512i
look_up_pages(const struct page_pair *pages, const struct block *b, __m512i out,
    uint64_t *done)
{
	const uint8_t(*answers)[3][64] = pages->answers;
	__m512i last = bytes_before(b, 1), next = bytes_behind(b, 1);
	__mmask64 first = are_in(pages, b->bytes, next);
	__mmask64 second = are_in(pages, last, b->bytes);
	__mmask64 third = are_in(pages, bytes_before(b, 2), last);
	*done |= first | second | third;
	out = _mm512_mask_mov_epi8(out, first,
	    answers_at(places_of(next, bytes_behind(b, 2)), answers[0][0],
		answers[1][0]));
	out = _mm512_mask_mov_epi8(out, second,
	    answers_at(
		places_of(b->bytes, next), answers[0][1], answers[1][1]));
	return _mm512_mask_mov_epi8(out, third,
	    answers_at(
		places_of(last, b->bytes), answers[0][2], answers[1][2]));
}

/*
 * Puts in the answers to all sequences with bytes in special, of which some
 * have three bytes only if three is true.  The first one of three or more that
 * has no page ends it: its lead becomes 0.
 *
 * Two pairs of leads are looked up in any case, which takes less time than to
 * find out which are there; and Vietnamese has a third.  Other letters take the
 * place of those that came before them.  This comes to an end because each byte
 * in special belongs to a sequence whose lead is in the block, or in the one
 * before, and then b->before is that one: so the round for that lead does it.
 */
static ALWAYS_INLINE __m512i
look_up(struct letters *letters, const struct block *b, __m512i out,
    uint64_t special, bool three)
{
	uint64_t done = 0, missing;
	out = look_up_leads(&letters->leads[0], b, out, &done);
	out = look_up_leads(&letters->leads[1], b, out, &done);
	if (three) {
		out = look_up_leads(&letters->leads[2], b, out, &done);
		out = look_up_pages(&letters->pages, b, out, &done);
	}
	while (SELDOM((missing = special & ~number(done)) != 0)) {
		/* A sequence may have begun in the block before. */
		const unsigned char *at = b->src + first_of(missing);
		while (at[0] < 0xc0)
			at--;
		if (at[0] < 0xe0) {
			letters->leads[2] = letters->leads[1];
			letters->leads[1] = letters->leads[0];
			letters->leads[0] = leads_of(at[0]);
			out = look_up_leads(&letters->leads[0], b, out, &done);
			continue;
		}
		/* The low bits of 0xf0 are those of 0xe0. */
		if (at[0] >= 0xf0 ||
		    upcase_page_of[at[0] & 15][at[1] & 63] == 0)
			return _mm512_mask_mov_epi8(out,
			    UINT64_C(1) << (at - b->src),
			    _mm512_setzero_si512());
		letters->pages = pages_of(at[0], at[1]);
		out = look_up_pages(&letters->pages, b, out, &done);
	}
	return out;
}

#endif
