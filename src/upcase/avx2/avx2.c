/* SPDX-License-Identifier: ISC */
/*
 * The kernel for x86 processors with AVX2: 64 bytes at a time, in two halves.
 *
 * A block of ASCII is converted by one comparison and one exclusive or.  For
 * any other, the bytes are told apart by masks with a bit for each of them.
 * This is "x é € y" and the masks that validate it:
 *
 *	bytes    78 20 c3 a9 20 e2 82 ac 20 79
 *	lead      .  .  1  .  .  1  .  .  .  .	from 0xc0 on
 *	lead3     .  .  .  .  .  1  .  .  .  .	from 0xe0 on
 *	expect    .  .  .  1  .  .  1  1  .  .	lead << 1 | lead3 << 2 | ...
 *	cont      .  .  .  1  .  .  1  1  .  .	0x80 to 0xbf: must be equal
 *
 * What is expected behind the block is carried into the next.  Three look-ups
 * of four bits each tell almost all sequences that have no upper case, and a
 * second byte that the lead allows (see upcase_pages.h).  If there is nothing
 * but those, emoji and ASCII, the block is done: so text in Arabic, Chinese or
 * Thai runs through.
 *
 * If there are others, they are converted by look-ups.  The low six bits of the
 * last byte of a sequence choose the answer, from tables that its other bytes
 * choose: so there is one round for each lead of two bytes in the block, first
 * for those that came last, and one for each page of three, however often they
 * come.  A round looks at a sequence from its lead.  What it finds there for
 * each byte, the answer exclusive or what is to be changed, moves on to the
 * place of that byte, also into the next block.  Only a block with sequences of
 * three bytes to look up, or with bytes that are not UTF-8, is cut before the
 * last sequence that it does not hold whole.  This is the round for the page
 * e1 ba in "x ạ y":
 *
 *	bytes    78 20 e1 ba a1 20 79
 *	first     .  . 00  .  .  .  .	stays where it is
 *	second    .  . 00  .  .  .  .	moves on by one byte
 *	third     .  . 01  .  .  .  .	moves on by two
 *	answer   58 20 e1 ba a0 20 59
 *
 * A character that shrinks leaves a byte of 0, and such bytes are left out at
 * the end.  Bytes that are not UTF-8 stay or are replaced, as the policy is.
 * Where a character grows or has four bytes and upper case the kernel stops,
 * with all before it converted, and where the policy is to close.
 */
#include "config.h"

#include "upcase/avx2/block.h"
#include "upcase/avx2/letters.h"
#include "upcase/avx2/shape.h"
#include "upcase/block.h"
#include "upcase/kernel.h"
#include "upcase/upcase_pages.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* Bytes behind a block that are read as well. */
enum { MORE = 2 };

/*
 * When a block is filled up with zeros for the end of a text: if it has at
 * least SHORT bytes, and of so many DENSE are beyond ASCII.  If none was, 50
 * bytes of Greek or Russian would take 1.4 times as long, and of Chinese twice;
 * if each was, 30 bytes of English or German 1.5 times.
 */
enum { SHORT = 16, DENSE = 7 };

/* The letters that are looked up until a text brings others. */
static const struct letters latin = {0xc3, 0xc5};

/* Blocks that have the bytes behind them, the last one, and those not UTF-8. */
enum part { INSIDE, LAST, BROKEN };

/* The fewest bytes that leave room for a block of pieces to be written. */
enum { PIECES = 2 * BLOCK };

static ALWAYS_INLINE struct block
ascii_upper(struct block b)
{
	/* As numbers with a sign, the small letters become the lowest. */
	struct block moved = add(b, 0x80 - 'a');
	__m256i limit = all(0x80 + 26);
	struct block small = {_mm256_cmpgt_epi8(limit, moved.low),
	    _mm256_cmpgt_epi8(limit, moved.high)};
	struct block bit = {all(0x20), all(0x20)};
	return flip(b, both(small, bit));
}

/*
 * Converts the whole sequences of a block that has more than ASCII to convert,
 * or is not UTF-8.  Moves the cursor, and returns false if it met trouble.
 */
static ALWAYS_INLINE bool
convert_block(struct upcase_cursor *c, struct letters *letters,
    const struct shape *shape, struct block bytes, struct block next,
    enum part part)
{
	struct block out = ascii_upper(bytes);
	struct index second = index_of(next);
	uint64_t bad = shape->expect ^ shape->cont;
	struct broken broken = {0};
	if (part == BROKEN) {
		broken = broken_of(bytes, &second, shape->lead, shape->cont);
		bytes = leave_out(bytes, broken.first);
		bad = 0;
	}
	size_t n = BLOCK;
	if (shape->behind != 0)
		n = last_of(shape->lead);
	n = before_trouble(shape->lead, shape->expect, bad, n);
	uint64_t whole = below(n) & ~broken.first;
	uint64_t pairs = shape->pairs & whole;
	if (pairs != 0) {
		struct changes changes =
		    changes_of(letters, bytes, next, &second, c->src, pairs);
		out = flip(out, changes.first);
		out = flip(out, move_on(changes.second));
	}
	uint64_t special = shape->longer & whole;
	if (special != 0)
		special &= ~mask_of(equal(classes_of(bytes, &second), 0));
	if (special != 0)
		out = convert_pages(out, bytes, next,
		    part == LAST ? next_of(next) : load(c->src + 2), c->src,
		    &special);
	uint64_t zeros = mask_of(equal(out, 0));
	uint64_t lost = (special | (zeros & shape->lead)) & below(n);
	uint64_t gone = zeros & shape->cont & below(n);
	c->src += n;
	if (c->invalid != UPCASE_REPLACE)
		broken = (struct broken){0};
	if ((lost | gone | broken.first) == 0) {
		store(c->dst, out);
		c->dst += n;
		return bad == 0;
	}
	if (lost != 0) {
		c->src -= n - first_of(lost);
		n = first_of(lost);
		if (n == 0)
			return false;
	}
	gone = (gone | broken.rest) & below(n);
	broken.first &= below(n);
	c->dst = store_some(c->dst, out, n, gone, broken.first);
	return (bad | lost) == 0;
}

/* What a block leaves to the next one. */
struct carry {
	uint64_t expect; /* where its last sequence has to go on */
	uint64_t pair;   /* 1 if that is a pair to be looked up */
	__m256i second;  /* what becomes of its second byte, at the end */
};

/*
 * Converts a whole block in which nothing but ASCII and pairs has upper case,
 * also one half of a pair at either end.  So where the next block begins does
 * not depend on what is in this one, and the processor need not wait for that.
 * Returns false, and leaves all as it is, if a character grows.
 */
static ALWAYS_INLINE bool
convert_across(struct upcase_cursor *c, struct letters *letters,
    const struct shape *shape, struct block bytes, struct block next,
    struct carry *carry)
{
	struct index last = index_of(next);
	struct changes changes =
	    changes_of(letters, bytes, next, &last, c->src, shape->pairs);
	struct block out = flip(ascii_upper(bytes), changes.first);
	out = flip(out, move_on_from(carry->second, changes.second));
	uint64_t zeros = mask_of(equal(out, 0));
	if (zeros == 0) {
		store(c->dst, out);
		c->dst += BLOCK;
	} else if (SELDOM((zeros & shape->lead) != 0)) {
		return false;
	} else {
		c->dst = store_some(c->dst, out, BLOCK, zeros & shape->cont, 0);
	}
	c->src += BLOCK;
	carry->expect = shape->behind;
	carry->pair = shape->pairs >> (BLOCK - 1);
	carry->second = changes.second.high;
	return true;
}

static ALWAYS_INLINE void
convert_ascii(struct upcase_cursor *c)
{
	while (c->end - c->src >= BLOCK) {
		struct block bytes = load(c->src);
		if (mask_of(bytes) != 0)
			return;
		store(c->dst, ascii_upper(bytes));
		c->src += BLOCK;
		c->dst += BLOCK;
	}
}

/*
 * Moves the cursor over whole blocks for as long as there is no trouble: over
 * those that have the bytes behind them, or the last one, which has not.
 */
static ALWAYS_INLINE void
convert_some(struct upcase_cursor *cursor, enum part part)
{
	struct upcase_cursor c = *cursor;
	struct letters letters = latin;
	struct carry carry = {.second = all(0)};
	while (c.end - c.src >= BLOCK) {
		struct block bytes = load(c.src);
		uint64_t high = mask_of(bytes);
		if ((high | carry.expect) == 0) {
			store(c.dst, ascii_upper(bytes));
			c.src += BLOCK;
			c.dst += BLOCK;
			carry.second = all(0);
			convert_ascii(&c);
			continue;
		}
		if (part != LAST && c.end - c.src < BLOCK + MORE)
			break;
		struct block next = part == LAST && c.end - c.src == BLOCK
					? next_of(bytes)
					: load(c.src + 1);
		struct shape shape = shape_of(bytes, next, high, carry.expect);
		uint64_t bad = shape.expect ^ shape.cont;
		if ((bad | shape.pairs | shape.longer | carry.pair) == 0) {
			store(c.dst, ascii_upper(bytes));
			c.src += BLOCK;
			c.dst += BLOCK;
			carry.expect = shape.behind;
			carry.second = all(0);
			continue;
		}
		if ((bad | shape.longer) == 0 &&
		    convert_across(&c, &letters, &shape, bytes, next, &carry))
			continue;
		/* Now a block must begin with a sequence. */
		if (carry.expect != 0)
			take_back(&c);
		else if (!convert_block(
			     &c, &letters, &shape, bytes, next, part))
			break;
		carry = (struct carry){.second = all(0)};
	}
	if (carry.expect != 0)
		take_back(&c);
	*cursor = c;
}

/*
 * Moves the cursor over the blocks that follow one another with bytes that are
 * not UTF-8.  Returns false if it met other trouble, or none at all.
 */
static NEVER_INLINE bool
convert_broken(struct upcase_cursor *c)
{
	const unsigned char *start = c->src;
	struct letters letters = latin;
	while (c->end - c->src >= PIECES) {
		struct block bytes = load(c->src), next = load(c->src + 1);
		struct shape shape = shape_of(bytes, next, mask_of(bytes), 0);
		if (shape.expect == shape.cont)
			break;
		if (!convert_block(c, &letters, &shape, bytes, next, BROKEN))
			return false;
	}
	return c->src > start;
}

static NEVER_INLINE void
convert_blocks(struct upcase_cursor *c)
{
	do
		convert_some(c, INSIDE);
	while (c->invalid != UPCASE_CLOSE && c->end - c->src >= PIECES &&
	       convert_broken(c));
}

static NEVER_INLINE void
convert_last(struct upcase_cursor *c)
{
	convert_some(c, LAST);
}

/* Fills up with zeros what is left to a block beside the text. */
static NEVER_INLINE void
convert_end(struct upcase_cursor *c)
{
	unsigned char in[BLOCK + MORE] = {0}, out[2 * BLOCK];
	size_t left = (size_t)(c->end - c->src);
	struct upcase_cursor block = {
	    .src = in,
	    .end = in + sizeof in,
	    .dst = out,
	    .invalid = c->invalid,
	};
	memcpy(in, c->src, left);
	convert_blocks(&block);
	if (block.src > in + left) {
		block.dst -= block.src - (in + left);
		block.src = in + left;
	}
	size_t n = (size_t)(block.dst - out);
	memcpy(c->dst, out, n);
	c->src += block.src - in;
	c->dst += n;
}

/* Whether much of the text that begins here is beyond ASCII. */
static bool
is_dense(const unsigned char *src)
{
	int high = _mm_movemask_epi8(
	    _mm_loadu_si128((const __m128i *)(const void *)src));
	return _mm_popcnt_u32((unsigned)high) >= DENSE;
}

static void
convert(struct upcase_cursor *c)
{
	if (c->end - c->src >= BLOCK)
		convert_blocks(c);
	ptrdiff_t left = c->end - c->src;
	if (BLOCK <= left && left < BLOCK + MORE) {
		convert_last(c);
		left = c->end - c->src;
	}
	if (left == 0 || left >= BLOCK)
		return;
	if (left >= SHORT && is_dense(c->src))
		convert_end(c);
	else
		upcase_scalar(c);
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

const struct upcase_kernel upcase_kernel_avx2 = {
    .name = "avx2",
    .is_supported = is_supported,
    .convert = convert,
};
