/* SPDX-License-Identifier: ISC */
/* What the kernel for AVX2 works on: blocks of 64 bytes, in two halves. */
#ifndef AVX2_BLOCK_H
#define AVX2_BLOCK_H

#include <immintrin.h>
#include <stdint.h>

enum { HALF = 32 };

struct block {
	__m256i low, high;
};

static inline __m256i
all(unsigned byte)
{
	return _mm256_set1_epi8((char)byte);
}

static inline struct block
load(const unsigned char *src)
{
	return (struct block){
	    _mm256_loadu_si256((const __m256i *)(const void *)src),
	    _mm256_loadu_si256((const __m256i *)(const void *)(src + HALF)),
	};
}

static inline void
store(unsigned char *dst, struct block b)
{
	_mm256_storeu_si256((__m256i *)(void *)dst, b.low);
	_mm256_storeu_si256((__m256i *)(void *)(dst + HALF), b.high);
}

static inline struct block
both(struct block a, struct block b)
{
	return (struct block){
	    _mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}

static inline struct block
either(struct block a, struct block b)
{
	return (struct block){
	    _mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}

static inline struct block
flip(struct block a, struct block b)
{
	return (struct block){
	    _mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}

static inline struct block
add(struct block b, unsigned n)
{
	return (struct block){
	    _mm256_add_epi8(b.low, all(n)), _mm256_add_epi8(b.high, all(n))};
}

static inline struct block
equal(struct block b, unsigned char byte)
{
	return (struct block){_mm256_cmpeq_epi8(b.low, all(byte)),
	    _mm256_cmpeq_epi8(b.high, all(byte))};
}

/* Moves each byte to the place behind it, and 0 to the first one. */
static inline struct block
move_on(struct block b)
{
	__m256i start = _mm256_permute2x128_si256(b.low, b.low, 0x08);
	__m256i middle = _mm256_permute2x128_si256(b.low, b.high, 0x21);
	return (struct block){_mm256_alignr_epi8(b.low, start, 15),
	    _mm256_alignr_epi8(b.high, middle, 15)};
}

/* The mask of the bytes that have the high bit. */
static inline uint64_t
mask_of(struct block b)
{
	return (uint32_t)_mm256_movemask_epi8(b.low) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(b.high) << HALF;
}

/* The mask of the bytes that have the bit so far below the high one. */
static inline uint64_t
mask_of_bit(struct block b, int below_high)
{
	return mask_of((struct block){_mm256_slli_epi16(b.low, below_high),
	    _mm256_slli_epi16(b.high, below_high)});
}

#endif
