/* SPDX-License-Identifier: ISC */
/*
 * The kernel for x86 processors with AVX-512 VBMI2: 64 bytes at a time.
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
 * If something has, the block is cut before the last sequence that it does not
 * hold whole, and then is converted by look-ups.  The low six bits of the last
 * byte of a sequence choose the answer, from tables that its other bytes
 * choose: so there is one round for each lead of two bytes in the block, and
 * one for each page of three, however often they come.  Text in one script
 * takes one or two.  A character that shrinks leaves a byte of 0, and such
 * bytes are pressed out at the end.  Where a character grows, or the bytes are
 * not UTF-8, the kernel stops, with all before it converted.
 */
#include "config.h"

#include "kernel.h"
#include "upcase_pages.h"

#include <immintrin.h>
#include <stdint.h>

enum { BLOCK = 64 };

/* Where the bytes of each kind are. */
struct shape {
	__m512i bytes;
	uint64_t lead, cont;
	uint64_t expect;  /* where continuations have to be */
	uint64_t behind;  /* the same for the next block */
	uint64_t special; /* leads whose sequence needs a look, by class */
};

/* Ones below the given bit. */
static inline uint64_t
below(size_t bit)
{
	return bit < BLOCK ? _bzhi_u64(UINT64_MAX, (unsigned)bit) : UINT64_MAX;
}

static inline unsigned
first_of(uint64_t mask)
{
	return (unsigned)_tzcnt_u64(mask);
}

static inline unsigned
last_of(uint64_t mask)
{
	return BLOCK - 1 - (unsigned)_lzcnt_u64(mask);
}

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

static inline __m512i
ascii_upper(__m512i bytes)
{
	__m512i from_a = _mm512_sub_epi8(bytes, _mm512_set1_epi8('a'));
	__mmask64 small = _mm512_cmplt_epu8_mask(from_a, _mm512_set1_epi8(26));
	return _mm512_mask_sub_epi8(bytes, small, bytes, _mm512_set1_epi8(32));
}

static inline __mmask64
at_least(__m512i bytes, unsigned char least)
{
	return _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)least));
}

static inline struct shape
shape_of(__m512i bytes, __m512i next, uint64_t high, uint64_t carry)
{
	const __m512i leads = _mm512_load_si512(upcase_lead_class);
	const __m512i seconds = _mm512_load_si512(upcase_second_class);
	uint64_t lead = at_least(bytes, 0xc0);
	uint64_t lead3 = at_least(bytes, 0xe0);
	uint64_t lead4 = at_least(bytes, 0xf0);
	__m512i of_lead = _mm512_permutexvar_epi8(bytes, leads);
	__m512i of_second = _mm512_permutexvar_epi8(next, seconds);
	return (struct shape){
	    .bytes = bytes,
	    .lead = lead,
	    .cont = high & ~lead,
	    .expect = carry | lead << 1 | lead3 << 2 | lead4 << 3,
	    .behind = lead >> 63 | lead3 >> 62 | lead4 >> 61,
	    .special = _mm512_mask_test_epi8_mask(lead, of_lead, of_second),
	};
}

/* The leads of two bytes, up to the last one that can change. */
static inline uint64_t
leads_of_two(const struct shape *shape)
{
	return _mm512_mask_cmple_epu8_mask(shape->lead, shape->bytes,
	    _mm512_set1_epi8((char)UPCASE_PAGES_LAST_LEAD));
}

/* Looks up the answers to all sequences of two bytes in pairs. */
static inline __m512i
convert_pairs(const struct shape *shape, const unsigned char *src, __m512i out,
    __m512i next, uint64_t pairs)
{
	while (pairs != 0) {
		unsigned char lead = src[first_of(pairs)];
		const uint8_t(*table)[64] = upcase_leads[lead - 0xc0];
		__mmask64 same = _mm512_cmpeq_epu8_mask(
		    shape->bytes, _mm512_set1_epi8((char)lead));
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
		__mmask64 same = _mm512_cmpeq_epu8_mask(
		    shape->bytes, _mm512_set1_epi8((char)lead));
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

/*
 * Converts what a block has of whole sequences, of which the first begins the
 * block.  Moves the cursor, and returns false if it met trouble.
 */
static inline bool
convert_block(struct upcase_cursor *c, const struct shape *shape, __m512i out,
    __m512i next, uint64_t pairs)
{
	size_t left = (size_t)(c->end - c->src);
	size_t n = left < BLOCK ? left : BLOCK;
	uint64_t bad = shape->expect ^ shape->cont;
	if (shape->behind != 0)
		n = last_of(shape->lead);
	if (bad != 0) {
		/* Inside a sequence the trouble is that of its lead. */
		unsigned at = first_of(bad);
		if ((shape->expect >> at & 1) != 0)
			at = last_of(shape->lead & below(at));
		n = at < n ? at : n;
	}
	out = convert_pairs(shape, c->src, out, next, pairs & below(n));
	uint64_t special = shape->special & below(n);
	if (special != 0)
		out = convert_pages(shape, c->src, out, next,
		    load(c->src + 2, left - 2), special);
	uint64_t zeros = _mm512_testn_epi8_mask(out, out);
	uint64_t lost = zeros & shape->lead & below(n);
	if (lost != 0)
		n = first_of(lost);
	uint64_t kept = below(n) & ~(zeros & shape->cont);
	if (kept != below(n))
		out = _mm512_maskz_compress_epi8(kept, out);
	size_t nkept = (size_t)_mm_popcnt_u64(kept);
	store(c->dst, out, nkept, left);
	c->src += n;
	c->dst += nkept;
	return (bad | lost) == 0;
}

/* Takes back what a block without upper case had of a sequence at its end. */
static inline void
rewind(struct upcase_cursor *c)
{
	size_t n = c->src[-1] >= 0xc0 ? 1 : c->src[-2] >= 0xe0 ? 2 : 3;
	c->src -= n;
	c->dst -= n;
}

static void
convert(struct upcase_cursor *cursor)
{
	struct upcase_cursor c = *cursor;
	uint64_t carry = 0;
	while (c.src < c.end) {
		size_t left = (size_t)(c.end - c.src);
		size_t n = left < BLOCK ? left : BLOCK;
		__m512i bytes = load(c.src, left);
		__m512i out = ascii_upper(bytes);
		uint64_t high = _mm512_movepi8_mask(bytes);
		if ((high | carry) != 0) {
			__m512i next = load(c.src + 1, left - 1);
			struct shape shape = shape_of(bytes, next, high, carry);
			uint64_t pairs = leads_of_two(&shape);
			uint64_t bad = shape.expect ^ shape.cont;
			if ((bad | pairs | shape.special) != 0) {
				/* Now a block must begin with a sequence. */
				if (carry != 0)
					rewind(&c);
				else if (!convert_block(
					     &c, &shape, out, next, pairs))
					break;
				carry = 0;
				continue;
			}
			carry = shape.behind;
		}
		store(c.dst, out, n, left);
		c.src += n;
		c.dst += n;
	}
	if (carry != 0)
		rewind(&c);
	*cursor = c;
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("bmi2");
}

const struct upcase_kernel upcase_kernel_avx512 = {
    .name = "avx512",
    .is_supported = is_supported,
    .convert = convert,
};
