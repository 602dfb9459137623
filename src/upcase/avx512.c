/* SPDX-License-Identifier: ISC */
/*
 * The kernel for x86 processors with AVX-512 VBMI2 and BITALG: 64 bytes at a
 * time.
 *
 * A block of ASCII is converted by one comparison and one subtraction.  For any
 * other, the bytes are told apart by masks with a bit for each of them.  This
 * is "x é € y" and the masks that validate it:
 *
 *	bytes    78 20 c3 a9 20 e2 82 ac 20 79
 *	lead      .  .  1  .  .  1  .  .  .  .	from 0xc0 on
 *	lead3     .  .  .  .  .  1  .  .  .  .	from 0xe0 on
 *	expect    .  .  .  1  .  .  1  1  .  .	lead << 1 | lead3 << 2 | ...
 *	cont      .  .  .  1  .  .  1  1  .  .	0x80 to 0xbf: must be equal
 *
 * What is expected behind the block is carried into the next.  Whether the
 * second byte is one that the lead allows, and whether the sequence has upper
 * case at all, are one question, which two look-ups and a test answer for all
 * leads at once (see upcase_pages.h).  If nothing has upper case but ASCII, the
 * block is done: so text in Arabic, Chinese or emoji runs through.
 *
 * If something has, the block is converted by look-ups: the whole of it if only
 * pairs have, whose halves are looked up one by one; else what comes before the
 * last sequence that it does not hold whole.  The low six bits of the last byte
 * of a sequence choose the answer, from tables that its other bytes choose: so
 * there is one round for each lead of two bytes in the block, and one for each
 * page of three, however often they come.  Text in one script
 * takes one or two.  A character that shrinks leaves a byte of 0, and such
 * bytes are pressed out at the end.  Bytes that are not UTF-8 stay or are
 * replaced, as the policy is.  Where a character grows the kernel stops, with
 * all before it converted, and where the policy is to close.
 */
#include "config.h"

#include "avx512_shape.h"
#include "block.h"
#include "kernel.h"
#include "upcase_pages.h"

#include <immintrin.h>
#include <stdint.h>

/* The bytes that a block and the rest of its last sequence look at. */
enum { AHEAD = BLOCK + 2 };

/* What is done with all bytes has another form for those at the end. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* So many bytes of a block have room for three each in another. */
enum { SPREAD = 16 };

#define EVERY_THIRD UINT64_C(0x0000249249249249)

static const _Alignas(BLOCK) uint8_t thirds[BLOCK] = {0, 0, 0, 1, 1, 1, 2, 2, 2,
    3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10,
    11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15};

/* What a block leaves to the next one. */
struct carry {
	uint64_t expect; /* where its last sequence has to go on */
	uint64_t pair;   /* 1 if that is a pair to be looked up, or 0 */
	const uint8_t
	    *second; /* the table for the second byte of such a pair */
};

/* Looks up the answers to all sequences of two bytes in pairs. */
static inline __m512i
convert_pairs(const struct shape *shape, const unsigned char *src, __m512i out,
    __m512i next, uint64_t pairs)
{
	while (pairs != 0) {
		unsigned char lead = src[first_of(pairs)];
		const uint8_t(*table)[64] = upcase_leads[lead - 0xc0];
		__mmask64 same = _mm512_mask_cmpeq_epu8_mask(
		    pairs, shape->bytes, _mm512_set1_epi8((char)lead));
		out = _mm512_mask_permutexvar_epi8(
		    out, same, next, _mm512_load_si512(table[0]));
		out = _mm512_mask_permutexvar_epi8(
		    out, same << 1, shape->bytes, _mm512_load_si512(table[1]));
		pairs &= ~same;
	}
	return out;
}

/*
 * Looks up the answers to the sequences of three bytes whose leads are in
 * special.  The first one without a page ends it: its lead becomes 0.
 */
static inline __m512i
convert_pages(const struct shape *shape, const unsigned char *src, __m512i out,
    __m512i next, __m512i after, uint64_t special)
{
	while (special != 0) {
		unsigned at = first_of(special);
		unsigned char lead = src[at], second = src[at + 1];
		unsigned page = upcase_page_of[lead & 15][second & 63];
		/* Other leads have low bits like those of three bytes. */
		if (page == 0 || (lead & 0xf0) != 0xe0)
			return _mm512_mask_mov_epi8(
			    out, UINT64_C(1) << at, _mm512_setzero_si512());
		const uint8_t(*table)[64] = upcase_pages[page - 1];
		__mmask64 same = _mm512_mask_cmpeq_epu8_mask(
		    special, shape->bytes, _mm512_set1_epi8((char)lead));
		same = _mm512_mask_cmpeq_epu8_mask(
		    same, next, _mm512_set1_epi8((char)second));
		out = _mm512_mask_permutexvar_epi8(
		    out, same, after, _mm512_load_si512(table[0]));
		out = _mm512_mask_permutexvar_epi8(
		    out, same << 1, next, _mm512_load_si512(table[1]));
		out = _mm512_mask_permutexvar_epi8(
		    out, same << 2, shape->bytes, _mm512_load_si512(table[2]));
		special &= ~same;
	}
	return out;
}

static inline struct broken
broken_of(const struct shape *shape, __m512i next, uint64_t cont)
{
	__m512i classes =
	    _mm512_and_si512(_mm512_permutexvar_epi8(shape->bytes,
				 _mm512_load_si512(upcase_lead_class)),
		_mm512_permutexvar_epi8(
		    next, _mm512_load_si512(upcase_second_class)));
	uint64_t forbidden = _mm512_test_epi8_mask(
	    classes, _mm512_set1_epi8(UPCASE_CLASS_FORBIDDEN));
	uint64_t pair =
	    _mm512_cmpge_epu8_mask(shape->bytes, _mm512_set1_epi8((char)0xc2));
	forbidden &= shape->lead3 | ~pair;
	return find_broken(
	    shape->lead, shape->lead3, shape->lead4, cont, forbidden);
}

/*
 * Stores the kept bytes of a block, and U+FFFD for each in first.  A few bytes
 * at a time are spread to three places each; those in use are then pressed
 * together.
 */
static inline void
store_replaced(
    struct upcase_cursor *c, __m512i out, uint64_t kept, uint64_t first)
{
	for (size_t at = 0; at < BLOCK; at += SPREAD) {
		__m512i part = _mm512_permutexvar_epi8(
		    _mm512_add_epi8(
			_mm512_load_si512(thirds), _mm512_set1_epi8((char)at)),
		    out);
		uint64_t replaced = _pdep_u64(first >> at, EVERY_THIRD);
		uint64_t used = _pdep_u64(kept >> at, EVERY_THIRD) | replaced |
				replaced << 1 | replaced << 2;
		part = _mm512_mask_mov_epi8(
		    part, replaced, _mm512_set1_epi8((char)0xef));
		part = _mm512_mask_mov_epi8(
		    part, replaced << 1, _mm512_set1_epi8((char)0xbf));
		part = _mm512_mask_mov_epi8(
		    part, replaced << 2, _mm512_set1_epi8((char)0xbd));
		size_t n = (size_t)_mm_popcnt_u64(used);
		part = _mm512_maskz_compress_epi8(used, part);
		_mm512_mask_storeu_epi8(c->dst, below(n), part);
		c->dst += n;
	}
}

/*
 * Converts what a block has of whole sequences, of which the first begins the
 * block.  Moves the cursor, and returns false if it met trouble.
 */
static ALWAYS_INLINE bool
convert_block(struct upcase_cursor *c, const struct shape *shape, __m512i out,
    __m512i next, size_t left)
{
	uint64_t cont = shape->high & ~shape->lead;
	uint64_t bad = shape->expect ^ cont;
	size_t n = left < BLOCK ? left : BLOCK;
	if (shape->behind != 0)
		n = last_of(shape->lead);
	uint64_t special = shape->special;
	struct broken broken = {0};
	if (bad != 0 && c->invalid != UPCASE_CLOSE && left >= AHEAD) {
		broken = broken_of(shape, next, cont);
		special &= ~broken.first;
		bad = 0;
	}
	n = before_trouble(shape->lead, shape->expect, bad, n);
	special &= below(n);
	out = convert_pairs(shape, c->src, out, next, special & ~shape->lead3);
	special &= shape->lead3;
	if (special != 0)
		out = convert_pages(shape, c->src, out, next,
		    load(c->src + 2, left - 2), special);
	uint64_t zeros = _mm512_testn_epi8_mask(out, out);
	uint64_t lost = zeros & shape->lead & below(n);
	if (SELDOM(lost != 0)) {
		n = first_of(lost);
		/* To store no bytes takes longer than to store some. */
		if (n == 0)
			return false;
	}
	uint64_t kept = below(n) & ~(zeros & cont);
	c->src += n;
	if (broken.first != 0 && c->invalid == UPCASE_REPLACE) {
		store_replaced(
		    c, out, kept & ~broken.rest, broken.first & kept);
		return lost == 0;
	}
	if (kept != below(n))
		out = _mm512_maskz_compress_epi8(kept, out);
	size_t nkept = (size_t)_mm_popcnt_u64(kept);
	store(c->dst, out, nkept, left);
	c->dst += nkept;
	return (bad | lost) == 0;
}

/*
 * Converts a whole block in which nothing but ASCII and pairs has upper case,
 * also one half of a pair at either end.  So where the next block begins does
 * not depend on what is in this one, and the processor need not wait for that.
 * Returns false, and leaves the cursor where it is, if a character grows, or
 * has a lead that is none.
 */
static ALWAYS_INLINE bool
convert_across(struct upcase_cursor *c, const struct shape *shape, __m512i out,
    __m512i next, struct carry *carry)
{
	uint64_t pairs = shape->special;
	out = _mm512_mask_permutexvar_epi8(
	    out, carry->pair, shape->bytes, _mm512_load_si512(carry->second));
	out = convert_pairs(shape, c->src, out, next, pairs);
	uint64_t zeros = _mm512_mask_testn_epi8_mask(
	    pairs | pairs << 1 | carry->pair, out, out);
	if (SELDOM((zeros & pairs) != 0))
		return false;
	if (zeros != 0)
		out = _mm512_maskz_compress_epi8(~zeros, out);
	_mm512_storeu_si512(c->dst, out);
	carry->expect = shape->behind;
	carry->pair = pairs >> (BLOCK - 1);
	/* Without such a pair that is any. */
	size_t lead = (c->src[BLOCK - 1] & 31) * carry->pair;
	carry->second = upcase_leads[lead][1];
	c->src += BLOCK;
	c->dst += BLOCK - (size_t)_mm_popcnt_u64(zeros);
	return true;
}

/*
 * Converts a block, or the bytes that are left if they are fewer.  Returns
 * false if it met trouble.
 */
static ALWAYS_INLINE bool
convert_next(struct upcase_cursor *c, struct carry *carry, size_t left)
{
	size_t n = left < BLOCK ? left : BLOCK;
	__m512i bytes = load(c->src, left);
	__m512i out = ascii_upper(bytes);
	if ((_mm512_movepi8_mask(bytes) | carry->expect) == 0) {
		store(c->dst, out, n, left);
		c->src += n;
		c->dst += n;
		return true;
	}
	__m512i next = load(c->src + 1, left - 1);
	struct shape shape = shape_of(bytes, next, carry->expect);
	uint64_t bad = shape.expect ^ (shape.high & ~shape.lead);
	if ((bad | shape.special | carry->pair) == 0) {
		store(c->dst, out, n, left);
		c->src += n;
		c->dst += n;
		carry->expect = shape.behind;
		return true;
	}
	if (left >= AHEAD && (bad | (shape.special & shape.lead3)) == 0 &&
	    convert_across(c, &shape, out, next, carry))
		return true;
	/* Now a block must begin with a sequence. */
	if (carry->expect != 0) {
		take_back(c);
		carry->expect = carry->pair = 0;
		return true;
	}
	return convert_block(c, &shape, out, next, left);
}

static void
convert(struct upcase_cursor *cursor)
{
	struct upcase_cursor c = *cursor;
	struct carry carry = {.second = upcase_leads[0][1]};
	bool good = true;
	while (good && c.end - c.src >= AHEAD)
		good = convert_next(&c, &carry, AHEAD);
	while (good && c.src < c.end)
		good = convert_next(&c, &carry, (size_t)(c.end - c.src));
	if (carry.expect != 0)
		take_back(&c);
	*cursor = c;
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("avx512bitalg") &&
	       __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

const struct upcase_kernel upcase_kernel_avx512 = {
    .name = "avx512",
    .is_supported = is_supported,
    .convert = convert,
};
