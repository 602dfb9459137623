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
 * If something has, the block is looked up in the tables of the letters that
 * came last (see letters.h), before it is known which are in it: text
 * has few that are not among them.  It is converted whole, each byte of a
 * sequence for itself, so one that goes on in the next block is no exception.
 * A sequence of two bytes that shrinks leaves a byte of 0, and such bytes are
 * pressed out at the end.
 *
 * Where a longer one shrinks or one grows, or something is not UTF-8, the block
 * is cut: what comes before the last sequence that it does not hold whole is
 * converted.  Bytes that cannot be part of a sequence stay or are replaced, as
 * the policy is.  Where the length changes, or all bytes are in their place and
 * yet are not UTF-8, or the policy is to close, the kernel stops, with all
 * before it converted.  The end of the text is such a block too.
 */
#include "config.h"

#include "upcase/avx512/letters.h"
#include "upcase/avx512/shape.h"
#include "upcase/block.h"
#include "upcase/kernel.h"
#include "upcase/upcase_pages.h"

#include <immintrin.h>
#include <stdint.h>

/* The bytes that a block and the rest of its last sequence look at. */
enum { AHEAD = BLOCK + 2 };

/* Bytes of a block that, as three bytes each, fit into another. */
enum { SPREAD = 16 };

#define EVERY_THIRD UINT64_C(0x0000249249249249)

static const _Alignas(BLOCK) uint8_t thirds[BLOCK] = {0, 0, 0, 1, 1, 1, 2, 2, 2,
    3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10,
    11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15};

/* What a block leaves to the next one. */
struct carry {
	uint64_t expect;  /* where its last sequence has to go on */
	uint64_t special; /* the same if that needs a look */
	__m512i before;   /* its bytes, if there is something to go on */
};

/* What became of a block that was cut. */
enum outcome { CONVERTED, TORN, TROUBLE };

struct cut {
	size_t n;             /* bytes that are converted */
	bool bad;             /* what comes then cannot be */
	uint64_t leads;       /* those that need a look */
	struct broken broken; /* what is not UTF-8, also behind those bytes */
};

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

/* The bytes of the sequences with these leads, up to the third. */
static inline uint64_t
sequences(uint64_t leads, uint64_t lead3)
{
	return leads | leads << 1 | (leads & lead3) << 2;
}

static inline void
convert_ascii(struct upcase_cursor *c)
{
	while (c->end - c->src >= AHEAD) {
		__m512i bytes = load(c->src, AHEAD);
		if (number(_mm512_movepi8_mask(bytes)) != 0)
			return;
		_mm512_storeu_si512(c->dst, ascii_upper(bytes));
		c->src += BLOCK;
		c->dst += BLOCK;
	}
}

/*
 * Converts a block in which each lead has as many continuations as it needs,
 * with what it has of a sequence at either end.  Returns false, and leaves all
 * as it is, if a lead has no answer of the same length or a shorter one of two
 * bytes: as those that are not UTF-8 have none, nothing else looks for them.
 */
static ALWAYS_INLINE bool
convert_letters(struct upcase_cursor *c, struct letters *letters,
    const struct block *b, const struct shape *shape, __m512i out,
    struct carry *carry)
{
	uint64_t leads = shape->special, three = leads & shape->lead3;
	uint64_t special = sequences(leads, three) | carry->special;
	out = look_up(letters, b, out, special, three != 0);
	uint64_t zeros = number(_mm512_testn_epi8_mask(out, out)) & special;
	if (SELDOM((zeros & leads) != 0))
		return false;
	if (zeros != 0)
		out = _mm512_maskz_compress_epi8(~zeros, out);
	_mm512_storeu_si512(c->dst, out);
	c->src += BLOCK;
	c->dst += BLOCK - (size_t)_mm_popcnt_u64(zeros);
	carry->expect = shape->behind;
	carry->special = leads >> (BLOCK - 1) | three >> (BLOCK - 2);
	carry->before = b->bytes;
	return true;
}

/*
 * Converts blocks for as long as they can be converted whole.  Where the next
 * one begins does not depend on what is in this one, so the processor need not
 * wait for that.
 */
static inline void
convert_blocks(struct upcase_cursor *c, struct letters *letters)
{
	struct carry carry = {.before = _mm512_setzero_si512()};
	while (c->end - c->src >= AHEAD) {
		struct block b = {
		    .src = c->src,
		    .left = AHEAD,
		    .before = carry.before,
		    .bytes = load(c->src, AHEAD),
		};
		__m512i out = ascii_upper(b.bytes);
		uint64_t high = number(_mm512_movepi8_mask(b.bytes));
		if ((high | carry.expect) == 0) {
			_mm512_storeu_si512(c->dst, out);
			c->src += BLOCK;
			c->dst += BLOCK;
			convert_ascii(c);
			continue;
		}
		struct shape shape =
		    shape_of(b.bytes, bytes_behind(&b, 1), carry.expect);
		uint64_t bad = shape.expect ^ (shape.high & ~shape.lead);
		if ((bad | shape.special | carry.special) == 0) {
			_mm512_storeu_si512(c->dst, out);
			c->src += BLOCK;
			c->dst += BLOCK;
			carry.expect = shape.behind;
			carry.before = b.bytes;
			continue;
		}
		if (SELDOM(bad != 0) ||
		    !convert_letters(c, letters, &b, &shape, out, &carry))
			break;
	}
	if (carry.expect != 0)
		take_back(c);
}

/*
 * Says how much of a block can be converted.  It begins with a sequence or,
 * where the policy lets the kernel go over them, with bytes that are not UTF-8.
 */
static inline struct cut
cut_block(
    struct block *b, const struct shape *shape, enum upcase_invalid invalid)
{
	uint64_t cont = shape->high & ~shape->lead;
	uint64_t bad = shape->expect ^ cont;
	struct cut cut = {.leads = shape->special};
	size_t n = b->left < BLOCK ? b->left : BLOCK;
	if (shape->behind != 0)
		n = last_of(shape->lead);
	if (bad != 0 && invalid != UPCASE_CLOSE && b->left >= AHEAD) {
		cut.broken = broken_of(shape, bytes_behind(b, 1), cont);
		cut.leads &= ~cut.broken.first;
		/* So that what follows one is not looked up as its second. */
		b->bytes = _mm512_maskz_mov_epi8(~cut.broken.first, b->bytes);
		bad = 0;
	}
	cut.n = before_trouble(shape->lead, shape->expect, bad, n);
	cut.leads &= below(cut.n);
	cut.bad = bad != 0;
	return cut;
}

/* Stores the kept bytes of a block that was cut, and says what became of it. */
static inline enum outcome
store_cut(struct upcase_cursor *c, __m512i out, const struct cut *cut,
    uint64_t kept, size_t left)
{
	uint64_t first = cut->broken.first & below(cut->n);
	/* A masked store of no bytes is slow. */
	if (cut->n == 0)
		return TROUBLE;
	c->src += cut->n;
	if (first != 0 && c->invalid == UPCASE_REPLACE) {
		store_replaced(c, out, kept & ~cut->broken.rest, first);
	} else {
		if (kept != below(cut->n))
			out = _mm512_maskz_compress_epi8(kept, out);
		size_t nkept = (size_t)_mm_popcnt_u64(kept);
		store(c->dst, out, nkept, left);
		c->dst += nkept;
	}
	if (cut->bad)
		return TROUBLE;
	return first != 0 ? TORN : CONVERTED;
}

/*
 * Converts what a block, or the bytes that are left, have of whole sequences,
 * of which the first begins the block.  Some are left: whole blocks leave two
 * at the least.
 */
static inline enum outcome
convert_cut(struct upcase_cursor *c, struct letters *letters)
{
	size_t left = (size_t)(c->end - c->src);
	struct block b = {
	    .src = c->src,
	    .left = left,
	    .before = _mm512_setzero_si512(),
	    .bytes = load(c->src, left),
	};
	__m512i out = ascii_upper(b.bytes);
	if (_mm512_movepi8_mask(b.bytes) == 0) {
		size_t n = left < BLOCK ? left : BLOCK;
		store(c->dst, out, n, left);
		c->src += n;
		c->dst += n;
		return CONVERTED;
	}
	struct shape shape = shape_of(b.bytes, bytes_behind(&b, 1), 0);
	struct cut cut = cut_block(&b, &shape, c->invalid);
	uint64_t zeros = 0;
	if (cut.leads != 0) {
		uint64_t three = cut.leads & shape.lead3;
		uint64_t special = sequences(cut.leads, three);
		out = _mm512_mask_mov_epi8(out, special,
		    look_up(letters, &b, out, special, three != 0));
		zeros = _mm512_mask_testn_epi8_mask(special, out, out);
	}
	if (SELDOM((zeros & cut.leads) != 0)) {
		cut.n = first_of(zeros & cut.leads);
		cut.bad = true;
	}
	return store_cut(c, out, &cut, below(cut.n) & ~zeros, left);
}

static void
convert(struct upcase_cursor *cursor)
{
	struct upcase_cursor c = *cursor;
	/* Those of Latin, until others come. */
	struct letters letters = {
	    .leads = {leads_of(0xc3), leads_of(0xc5), leads_of(0xc7)},
	    .pages = pages_of(0xe1, 0xba),
	};
	enum outcome outcome;
	do {
		convert_blocks(&c, &letters);
		/* Bytes that are not UTF-8 tend to come together. */
		do
			outcome = convert_cut(&c, &letters);
		while (outcome == TORN);
	} while (outcome == CONVERTED && c.src < c.end);
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
