/* SPDX-License-Identifier: ISC */
/* What the kernel for AVX2 works on: blocks of 64 bytes, in two halves. */
#ifndef UPCASE_AVX2_BLOCK_H
#define UPCASE_AVX2_BLOCK_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* Blocks stay in registers; a call would pass them through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/*
 * For what short calls seldom need: they do not have to save registers for it,
 * by which messages of 64 bytes in English or German gain a tenth or more.
 */
#define NEVER_INLINE __attribute__((noinline))

enum { HALF = 32 };

/*
 * If no more bytes of a block go, they are left out one by one, else by pext.
 * Without pext a text of dotless i would take four times as long.  Always with
 * it, Turkish would gain a twentieth on an AMD Zen 3, but lose much more on
 * those before it, on which pext takes a hundred cycles or more.
 */
enum { FEW = 6 };

struct block {
	__m256i low, high;
};

static ALWAYS_INLINE __m256i
all(unsigned byte)
{
	return _mm256_set1_epi8((char)byte);
}

static ALWAYS_INLINE struct block
load(const unsigned char *src)
{
	return (struct block){
	    _mm256_loadu_si256((const __m256i *)(const void *)src),
	    _mm256_loadu_si256((const __m256i *)(const void *)(src + HALF)),
	};
}

static ALWAYS_INLINE void
store(unsigned char *dst, struct block b)
{
	_mm256_storeu_si256((__m256i *)(void *)dst, b.low);
	_mm256_storeu_si256((__m256i *)(void *)(dst + HALF), b.high);
}

static ALWAYS_INLINE struct block
both(struct block a, struct block b)
{
	return (struct block){
	    _mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}

static ALWAYS_INLINE struct block
either(struct block a, struct block b)
{
	return (struct block){
	    _mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}

static ALWAYS_INLINE struct block
flip(struct block a, struct block b)
{
	return (struct block){
	    _mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}

static ALWAYS_INLINE struct block
add(struct block b, unsigned n)
{
	return (struct block){
	    _mm256_add_epi8(b.low, all(n)), _mm256_add_epi8(b.high, all(n))};
}

static ALWAYS_INLINE struct block
equal(struct block b, unsigned char byte)
{
	return (struct block){_mm256_cmpeq_epi8(b.low, all(byte)),
	    _mm256_cmpeq_epi8(b.high, all(byte))};
}

/* The byte that follows each byte, and 0 behind the last one. */
static ALWAYS_INLINE struct block
next_of(struct block b)
{
	__m256i middle = _mm256_permute2x128_si256(b.low, b.high, 0x21);
	__m256i end = _mm256_permute2x128_si256(b.high, b.high, 0x81);
	return (struct block){_mm256_alignr_epi8(middle, b.low, 1),
	    _mm256_alignr_epi8(end, b.high, 1)};
}

/* Moves each byte to the place behind it, and the last before to the first. */
static ALWAYS_INLINE struct block
move_on_from(__m256i before, struct block b)
{
	__m256i start = _mm256_permute2x128_si256(before, b.low, 0x21);
	__m256i middle = _mm256_permute2x128_si256(b.low, b.high, 0x21);
	return (struct block){_mm256_alignr_epi8(b.low, start, 15),
	    _mm256_alignr_epi8(b.high, middle, 15)};
}

/* The same with 0 in the first place. */
static ALWAYS_INLINE struct block
move_on(struct block b)
{
	return move_on_from(_mm256_setzero_si256(), b);
}

/* The mask of the bytes that have the high bit. */
static ALWAYS_INLINE uint64_t
mask_of(struct block b)
{
	return (uint32_t)_mm256_movemask_epi8(b.low) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(b.high) << HALF;
}

/* The mask of the bytes that have the bit so many places below the high one. */
static ALWAYS_INLINE uint64_t
mask_of_bit(struct block b, int below_high)
{
	return mask_of((struct block){_mm256_slli_epi16(b.low, below_high),
	    _mm256_slli_epi16(b.high, below_high)});
}

/* The bytes of a half whose bits in the mask are 1, and 0 for the others. */
static ALWAYS_INLINE __m256i
select_half(__m256i half, uint32_t mask)
{
	const __m256i places = _mm256_setr_epi64x(
	    0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bits = _mm256_set1_epi64x((int64_t)0x8040201008040201);
	__m256i spread =
	    _mm256_shuffle_epi8(_mm256_set1_epi32((int)mask), places);
	spread = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bits), bits);
	return _mm256_and_si256(half, spread);
}

/* Makes the bytes that are in the mask 0. */
static ALWAYS_INLINE struct block
leave_out(struct block b, uint64_t mask)
{
	return (struct block){select_half(b.low, (uint32_t)~mask),
	    select_half(b.high, (uint32_t)(~mask >> HALF))};
}

/* Looks up bytes below 0x80 by their low four bits; all others become 0. */
static ALWAYS_INLINE struct block
look_up_row(const uint8_t row[16], struct block index)
{
	__m256i table = _mm256_broadcastsi128_si256(
	    _mm_load_si128((const __m128i *)(const void *)row));
	return (struct block){_mm256_shuffle_epi8(table, index.low),
	    _mm256_shuffle_epi8(table, index.high)};
}

/* What to look up in one row of a table: 0xff for bytes that are of others. */
static ALWAYS_INLINE struct block
index_of_row(struct block b, unsigned row)
{
	struct block rows = {all(row), all(row)};
	b = flip(b, rows);
	return (struct block){_mm256_adds_epu8(b.low, all(0x70)),
	    _mm256_adds_epu8(b.high, all(0x70))};
}

/* The same in each row of a table, for continuations. */
struct index {
	struct block row[4];
};

static ALWAYS_INLINE struct index
index_of(struct block b)
{
	/* The first row and the last one have nothing on one side. */
	return (struct index){{
	    add(b, 0x100 + 0x70 - 0x80),
	    index_of_row(b, 0x90),
	    index_of_row(b, 0xa0),
	    add(b, 0x100 - 0xb0),
	}};
}

static ALWAYS_INLINE struct block
look_up(const uint8_t table[64], const struct index *index)
{
	return either(either(look_up_row(table, index->row[0]),
			  look_up_row(table + 16, index->row[1])),
	    either(look_up_row(table + 32, index->row[2]),
		look_up_row(table + 48, index->row[3])));
}

/* Stores a block without the bytes in gone, word by word. */
static ALWAYS_INLINE void
press_out(unsigned char *dst, struct block b, uint64_t gone)
{
	enum { WORD = sizeof(uint64_t) };
	unsigned char whole[2 * HALF];
	store(whole, b);
	for (size_t i = 0; i < sizeof whole; i += WORD) {
		uint64_t kept = ~gone >> i & 0xff, word;
		memcpy(&word, whole + i, WORD);
		word =
		    _pext_u64(word, _pdep_u64(kept, 0x0101010101010101) * 0xff);
		memcpy(dst, &word, WORD);
		dst += _mm_popcnt_u64(kept);
	}
}

/*
 * Stores n bytes of a block, but without those in gone, and with U+FFFD in
 * place of those in replaced.  Returns the place behind them, from which on it
 * may have written as much as a block.
 */
static ALWAYS_INLINE unsigned char *
store_pieces(unsigned char *dst, struct block b, size_t n, uint64_t gone,
    uint64_t replaced)
{
	unsigned char whole[4 * HALF] = {0};
	size_t from = 0;
	store(whole, b);
	for (uint64_t ends = gone | replaced; ends != 0; ends &= ends - 1) {
		size_t to = (size_t)_tzcnt_u64(ends);
		store(dst, load(whole + from));
		dst += to - from;
		memcpy(dst, "\xef\xbf\xbd", 4);
		dst += (replaced >> to & 1) * 3;
		from = to + 1;
	}
	store(dst, load(whole + from));
	return dst + (n - from);
}

/* The same in the faster of two ways. */
static ALWAYS_INLINE unsigned char *
store_some(unsigned char *dst, struct block b, size_t n, uint64_t gone,
    uint64_t replaced)
{
	unsigned ngone = (unsigned)_mm_popcnt_u64(gone);
	if (replaced != 0 || ngone <= FEW)
		return store_pieces(dst, b, n, gone, replaced);
	press_out(dst, b, gone);
	return dst + n - ngone;
}

#endif
