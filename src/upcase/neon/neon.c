/* SPDX-License-Identifier: ISC */
/*
 * The kernel for AArch64 processors: 64 bytes at a time, in four vectors.
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
 * takes one or two.  A look-up leaves alone what its index is too large for,
 * so where a round has nothing to say, the index is made so.
 *
 * A character that shrinks leaves a byte of 0, and such bytes are pressed out
 * at the end.  Where a character grows, or the bytes are not UTF-8, the kernel
 * stops, with all before it converted.
 *
 * A block is read with the two bytes behind it.  Where these are not there, the
 * rest of the input is copied to where zeros follow it.
 */
#include "config.h"

#include "upcase/block.h"
#include "upcase/kernel.h"
#include "upcase/neon/block.h"
#include "upcase/upcase_pages.h"

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	READ = BLOCK + 2, /* bytes, for a block */
	/* The longest rest: that of a sequence, and almost a block. */
	REST = 3 + READ - 1
};

/* Where the bytes of each kind are. */
struct shape {
	uint64_t lead, cont;
	uint64_t expect;  /* where continuations have to be */
	uint64_t behind;  /* the same for the next block */
	uint64_t pairs;   /* leads of two bytes, up to the last that changes */
	uint64_t special; /* leads whose sequence needs a look, by class */
};

static inline bool
is_ascii(struct block x)
{
	uint8x16_t any = vorrq_u8(vorrq_u8(x.a, x.b), vorrq_u8(x.c, x.d));
	return vmaxvq_u8(any) < 0x80;
}

static inline uint8x16_t
ascii_upper_16(uint8x16_t bytes)
{
	uint8x16_t from_a = vsubq_u8(bytes, vdupq_n_u8('a'));
	uint8x16_t small = vcltq_u8(from_a, vdupq_n_u8(26));
	return vsubq_u8(bytes, vandq_u8(small, vdupq_n_u8(32)));
}

static inline struct block
ascii_upper(struct block x)
{
	return (struct block){ascii_upper_16(x.a), ascii_upper_16(x.b),
	    ascii_upper_16(x.c), ascii_upper_16(x.d)};
}

/* Continuations as indices below 64; all other bytes are larger. */
static inline uint8x16_t
indices(uint8x16_t bytes)
{
	return veorq_u8(bytes, vdupq_n_u8(0x80));
}

/* All ones where the classes of a lead from 0xe0 on and its second agree. */
static inline uint8x16_t
special_16(uint8x16_t bytes, uint8x16_t next)
{
	const uint8x16x2_t leads = vld1q_u8_x2(upcase_lead_class + 32);
	const uint8x16x4_t seconds = vld1q_u8_x4(upcase_second_class);
	return vtstq_u8(vqtbl2q_u8(leads, vsubq_u8(bytes, vdupq_n_u8(0xe0))),
	    vqtbl4q_u8(seconds, indices(next)));
}

static inline struct shape
shape_of(struct block x, const unsigned char *src, uint64_t carry)
{
	uint64_t lead = at_least(x, 0xc0);
	uint64_t lead3 = at_least(x, 0xe0);
	struct shape shape = {
	    .lead = lead,
	    .cont = at_least(x, 0x80) & ~lead,
	    .expect = carry | lead << 1,
	    .behind = lead >> 63,
	    .pairs = lead & ~at_least(x, UPCASE_PAGES_LAST_LEAD + 1),
	};
	if (lead3 == 0)
		return shape;
	uint64_t lead4 = at_least(x, 0xf0);
	struct block next = load(src + 1);
	shape.expect |= lead3 << 2 | lead4 << 3;
	shape.behind |= lead3 >> 62 | lead4 >> 61;
	shape.special =
	    mask_of(special_16(x.a, next.a), special_16(x.b, next.b),
		special_16(x.c, next.c), special_16(x.d, next.d));
	return shape;
}

/* Replaces bytes of out, where there are ones in where, by their answers. */
static inline uint8x16_t
look_up(uint8x16_t out, uint8x16x4_t table, uint8x16_t where, uint8x16_t conts)
{
	return vqtbx4q_u8(out, table, vornq_u8(indices(conts), where));
}

/* Answers the sequences of two bytes with this lead. */
static inline void
answer_lead(unsigned char *dst, const unsigned char *src, unsigned char lead)
{
	const uint8_t(*tables)[64] = upcase_leads[lead - 0xc0];
	const uint8x16x4_t firsts = vld1q_u8_x4(tables[0]);
	const uint8x16x4_t seconds = vld1q_u8_x4(tables[1]);
	uint8x16_t before = vdupq_n_u8(0);
	for (size_t i = 0; i < BLOCK; i += VECTOR) {
		uint8x16_t bytes = vld1q_u8(src + i);
		uint8x16_t same = vceqq_u8(bytes, vdupq_n_u8(lead));
		uint8x16_t out = vld1q_u8(dst + i);
		out = look_up(out, firsts, same, vld1q_u8(src + i + 1));
		out = look_up(out, seconds, vextq_u8(before, same, 15), bytes);
		vst1q_u8(dst + i, out);
		before = same;
	}
}

/* Answers the sequences of three bytes that begin with these two. */
static inline void
answer_page(unsigned char *dst, const unsigned char *src, unsigned char lead,
    unsigned char second, unsigned page)
{
	const uint8_t(*tables)[64] = upcase_pages[page];
	const uint8x16x4_t firsts = vld1q_u8_x4(tables[0]);
	const uint8x16x4_t seconds = vld1q_u8_x4(tables[1]);
	const uint8x16x4_t thirds = vld1q_u8_x4(tables[2]);
	uint8x16_t before = vdupq_n_u8(0);
	for (size_t i = 0; i < BLOCK; i += VECTOR) {
		uint8x16_t bytes = vld1q_u8(src + i);
		uint8x16_t next = vld1q_u8(src + i + 1);
		uint8x16_t same = vandq_u8(vceqq_u8(bytes, vdupq_n_u8(lead)),
		    vceqq_u8(next, vdupq_n_u8(second)));
		uint8x16_t out = vld1q_u8(dst + i);
		out = look_up(out, firsts, same, vld1q_u8(src + i + 2));
		out = look_up(out, seconds, vextq_u8(before, same, 15), next);
		out = look_up(out, thirds, vextq_u8(before, same, 14), bytes);
		vst1q_u8(dst + i, out);
		before = same;
	}
}

/*
 * Answers the sequences of three bytes whose leads are in special.  The first
 * one without a page ends it; returns the mask from there.
 */
static inline uint64_t
answer_pages(unsigned char *dst, const unsigned char *src, uint64_t special)
{
	while (special != 0) {
		unsigned at = first_of(special);
		unsigned char lead = src[at], second = src[at + 1];
		unsigned page = upcase_page_of[lead & 15][second & 63];
		/* Other leads have low bits like those of three bytes. */
		if (page == 0 || (lead & 0xf0) != 0xe0)
			break;
		answer_page(dst, src, lead, second, page - 1);
		special &=
		    ~(equal(load(src), lead) & equal(load(src + 1), second));
	}
	return special;
}

/* Presses the bytes in gone out of a block, and returns how many these are. */
static inline size_t
press_out(unsigned char *dst, uint64_t gone)
{
	unsigned char block[2 * BLOCK] = {0};
	size_t n = 0;
	store(block, load(dst));
	for (; gone != 0; gone &= gone - 1) {
		unsigned at = first_of(gone);
		store(dst + at - n, load(block + at + 1));
		n++;
	}
	return n;
}

/*
 * Converts what a block has of whole sequences, of which the first begins the
 * block.  Moves the cursor, and returns false if it met trouble.  ASCII has its
 * answer at the cursor already.
 */
static inline bool
convert_block(struct upcase_cursor *c, const struct shape *shape, size_t n)
{
	if (shape->behind != 0)
		n = last_of(shape->lead);
	n = before_trouble(
	    shape->lead, shape->expect, shape->expect ^ shape->cont, n);
	uint64_t pairs = shape->pairs & below(n);
	while (pairs != 0) {
		unsigned char lead = c->src[first_of(pairs)];
		answer_lead(c->dst, c->src, lead);
		pairs &= ~equal(load(c->src), lead);
	}
	uint64_t lost = answer_pages(c->dst, c->src, shape->special & below(n));
	uint64_t zeros = equal(load(c->dst), 0);
	lost |= zeros & shape->lead & below(n);
	if (SELDOM(lost != 0))
		n = first_of(lost);
	uint64_t gone = zeros & shape->cont & below(n);
	c->src += n;
	if (gone != 0)
		n -= press_out(c->dst, gone);
	c->dst += n;
	return shape->expect == shape->cont && lost == 0;
}

/*
 * Converts the blocks that begin before stop, all of which can be read and
 * written whole.
 */
static void
convert_blocks(struct upcase_cursor *cursor, const unsigned char *stop)
{
	struct upcase_cursor c = *cursor;
	uint64_t carry = 0;
	while (c.src < stop) {
		size_t left = (size_t)(c.end - c.src);
		size_t n = left < BLOCK ? left : BLOCK;
		struct block bytes = load(c.src);
		store(c.dst, ascii_upper(bytes));
		if (carry != 0 || !is_ascii(bytes)) {
			struct shape shape = shape_of(bytes, c.src, carry);
			uint64_t bad = shape.expect ^ shape.cont;
			if ((bad | shape.pairs | shape.special) != 0) {
				/* Now a block must begin with a sequence. */
				if (carry != 0)
					take_back(&c);
				else if (!convert_block(&c, &shape, n))
					break;
				carry = 0;
				continue;
			}
			carry = shape.behind;
		}
		c.src += n;
		c.dst += n;
	}
	if (carry != 0)
		take_back(&c);
	*cursor = c;
}

/* Converts what is too short for a block, beside the input. */
static void
convert_rest(struct upcase_cursor *c)
{
	unsigned char src[REST + READ] = {0}, dst[REST + 2 * BLOCK];
	size_t n = (size_t)(c->end - c->src);
	memcpy(src, c->src, n);
	struct upcase_cursor rest = {.src = src, .end = src + n, .dst = dst};
	convert_blocks(&rest, rest.end);
	size_t length = (size_t)(rest.dst - dst);
	memcpy(c->dst, dst, length);
	c->src += rest.src - src;
	c->dst += length;
}

static void
convert(struct upcase_cursor *c)
{
	if (c->end - c->src >= READ)
		convert_blocks(c, c->end - READ + 1);
	if (c->end - c->src <= REST)
		convert_rest(c);
}

static bool
is_supported(void)
{
	return true;
}

const struct upcase_kernel upcase_kernel_neon = {
    .name = "neon",
    .is_supported = is_supported,
    .convert = convert,
};
