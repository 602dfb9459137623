/* SPDX-License-Identifier: ISC */
/* How the kernel for AVX-512 tells the bytes of a block apart; see avx512.c. */
#ifndef UPCASE_AVX512_SHAPE_H
#define UPCASE_AVX512_SHAPE_H

#include "upcase/block.h"
#include "upcase/upcase_pages.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* Where the bytes of each kind are. */
struct shape {
	__m512i bytes;
	uint64_t high, lead, lead3, lead4;
	uint64_t expect;  /* where continuations have to be */
	uint64_t behind;  /* the same for the next block */
	uint64_t special; /* leads whose sequence needs a look, by class */
};

/* Up to 64 of the bytes that are left at src; zeros for the rest. */
static inline __m512i
load(const unsigned char *src, size_t left)
{
	if (left >= BLOCK)
		return _mm512_loadu_si512(src);
	return _mm512_maskz_loadu_epi8(below(left), src);
}

static inline void
store(unsigned char *dst, __m512i bytes, size_t n, size_t left)
{
	/* The output has room for three times as much. */
	if (left >= BLOCK)
		_mm512_storeu_si512(dst, bytes);
	else
		_mm512_mask_storeu_epi8(dst, below(n), bytes);
}

/* Keeps a constant in its register: compilers make it anew for each block. */
static inline __m512i
keep(__m512i bytes)
{
	__asm__("" : "+v"(bytes));
	return bytes;
}

static inline __m512i
constant(unsigned char byte)
{
	return keep(_mm512_set1_epi8((char)byte));
}

static inline __m512i
ascii_upper(__m512i bytes)
{
	__m512i from_a = _mm512_sub_epi8(bytes, constant('a'));
	__mmask64 small = _mm512_cmplt_epu8_mask(from_a, constant(26));
	return _mm512_mask_sub_epi8(bytes, small, bytes, constant(32));
}

/*
 * A mask as a number.  Compilers tend to compute in the registers of masks,
 * which takes several times as long, and to move one more than once.
 */
static inline uint64_t
number(__mmask64 mask)
{
	uint64_t bits = mask;
	__asm__("" : "+r"(bits));
	return bits;
}

/* A choice of the given bit of each byte, counted from the lowest. */
static inline __m512i
choose_bit(int bit)
{
	return _mm512_set1_epi64(0x3830282018100800 + bit * 0x0101010101010101);
}

/*
 * The bits of a byte are asked for one by one: a lead is 11......, one of three
 * bytes 111....., and one of four 1111....
 */
static inline struct shape
shape_of(__m512i bytes, __m512i next, uint64_t carry)
{
	uint64_t high = number(_mm512_movepi8_mask(bytes));
	uint64_t lead =
	    high & number(_mm512_bitshuffle_epi64_mask(bytes, choose_bit(6)));
	uint64_t lead3 =
	    lead & number(_mm512_bitshuffle_epi64_mask(bytes, choose_bit(5)));
	uint64_t lead4 =
	    lead3 & number(_mm512_bitshuffle_epi64_mask(bytes, choose_bit(4)));
	__m512i of_lead = _mm512_permutexvar_epi8(
	    bytes, _mm512_load_si512(upcase_lead_class));
	__m512i of_second = _mm512_permutexvar_epi8(
	    next, _mm512_load_si512(upcase_second_class));
	return (struct shape){
	    .bytes = bytes,
	    .high = high,
	    .lead = lead,
	    .lead3 = lead3,
	    .lead4 = lead4,
	    .expect = carry | lead << 1 | lead3 << 2 | lead4 << 3,
	    .behind = lead >> 63 | lead3 >> 62 | lead4 >> 61,
	    .special = lead & number(_mm512_test_epi8_mask(of_lead, of_second)),
	};
}

#endif
