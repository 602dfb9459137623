/* SPDX-License-Identifier: ISC */
/*
 * The kernel that runs everywhere.  It looks at each sequence once: the lead
 * byte chooses the case, the bytes of the sequence index the table.
 */
#include "config.h"

#include "upcase/kernel.h"

#include "upcase/stream.h"
#include "upcase/upcase_pages.h"
#include "upcase/upcase_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(UPCASE_TABLE_EXPANSION == UPCASE_EXPANSION,
    "stream.h states another growth than the table has");
_Static_assert(UPCASE_TABLE_LONGEST <= 2 * UPCASE_EXPANSION,
    "an expansion is longer than a sequence of two bytes leaves room for");

_Static_assert(UPCASE_TABLE_PAGES > 0xffff >> 6,
    "a sequence of three bytes can lead behind the table");

#define WORD sizeof(uint64_t)

static const uint64_t ones = 0x0101010101010101;
static const uint64_t high_bits = 0x8080808080808080;

static bool
is_continuation(unsigned char byte)
{
	/* 0x80 to 0xbf are the lowest of the bytes as signed numbers. */
	return (signed char)byte < -0x40;
}

static unsigned char
ascii_upper(unsigned char byte)
{
	return (unsigned char)(byte - ('a' <= byte && byte <= 'z') * 0x20);
}

/*
 * Eight ASCII bytes at once.  Below 0x80 no sum carries into the next byte:
 * the first has the high bit from 'a' on, the second only behind 'z'.
 */
static uint64_t
ascii_upper_word(uint64_t word)
{
	uint64_t from_a = word + (0x80 - 'a') * ones;
	uint64_t behind_z = word + (0x7f - 'z') * ones;

	return word - ((from_a & ~behind_z & high_bits) >> 2);
}

/*
 * Writes the UTF-8 of a scalar value beyond ASCII and returns the place behind
 * it.  Upper case that is ASCII is found in the tables for sequences of two
 * bytes, and never comes here.
 */
static inline unsigned char *
put(unsigned char *dst, uint32_t code)
{
	unsigned char last = (unsigned char)(0x80 | (code & 0x3f));

	if (code < 0x800) {
		*dst++ = (unsigned char)(0xc0 | code >> 6);
		*dst++ = last;
	} else if (code < 0x10000) {
		*dst++ = (unsigned char)(0xe0 | code >> 12);
		*dst++ = (unsigned char)(0x80 | (code >> 6 & 0x3f));
		*dst++ = last;
	} else {
		*dst++ = (unsigned char)(0xf0 | code >> 18);
		*dst++ = (unsigned char)(0x80 | (code >> 12 & 0x3f));
		*dst++ = (unsigned char)(0x80 | (code >> 6 & 0x3f));
		*dst++ = last;
	}
	return dst;
}

/* Copies as much as the longest has, for which there is room, in one move. */
static inline unsigned char *
put_special(unsigned char *dst, unsigned i)
{
	const struct upcase_special *special = &upcase_special[i];

	memcpy(dst, special->utf8, sizeof special->utf8);
	return dst + special->len;
}

/*
 * Writes the upper case of a code point, whose page must be in the table, and
 * returns the place behind it.
 */
static inline unsigned char *
put_upper(unsigned char *dst, uint32_t code)
{
	unsigned kind = upcase_kind[upcase_page[code >> 6]][code & 0x3f];

	if (kind < UPCASE_TABLE_DELTAS)
		return put(dst, code + (uint32_t)upcase_delta[kind]);
	return put_special(dst, kind - UPCASE_TABLE_DELTAS);
}

/*
 * Each decoder below returns the code point of its length at src, where left
 * bytes are there, or 0 if that is not complete and well-formed (Unicode 17.0,
 * table 3-7).
 */
static inline uint32_t
decode_3(const unsigned char *src, ptrdiff_t left)
{
	if (left < 3 || !is_continuation(src[1]) || !is_continuation(src[2]))
		return 0;

	uint32_t code = (uint32_t)(src[0] & 0x0f) << 12 |
			(uint32_t)(src[1] & 0x3f) << 6 | (src[2] & 0x3f);
	bool overlong = code < 0x800;
	bool surrogate = code >> 11 == 0xd800 >> 11;
	return overlong || surrogate ? 0 : code;
}

static inline uint32_t
decode_4(const unsigned char *src, ptrdiff_t left)
{
	if (left < 4 || src[0] > 0xf4 || !is_continuation(src[1]) ||
	    !is_continuation(src[2]) || !is_continuation(src[3]))
		return 0;

	uint32_t code = (uint32_t)(src[0] & 0x07) << 18 |
			(uint32_t)(src[1] & 0x3f) << 12 |
			(uint32_t)(src[2] & 0x3f) << 6 | (src[3] & 0x3f);
	return 0x10000 <= code && code <= 0x10ffff ? code : 0;
}

/*
 * Each run below takes sequences of one length for as long as they follow one
 * another: text stays in its script for a while.  A run that does not get over
 * its first sequence has met what the kernel stops at.
 */
static inline void
run_1(struct upcase_cursor *c)
{
	while (c->end - c->src >= (ptrdiff_t)WORD) {
		uint64_t word;
		memcpy(&word, c->src, WORD);
		if ((word & high_bits) != 0)
			break;
		word = ascii_upper_word(word);
		memcpy(c->dst, &word, WORD);
		c->src += WORD;
		c->dst += WORD;
	}
	while (c->src < c->end && *c->src < 0x80)
		*c->dst++ = ascii_upper(*c->src++);
}

static inline void
run_2(struct upcase_cursor *c)
{
	while (c->end - c->src >= 2) {
		unsigned first = c->src[0], second = c->src[1];
		if (first < 0xc2 || first > 0xdf || !is_continuation(c->src[1]))
			return;
		c->src += 2;
		const uint8_t(*table)[64] = upcase_leads[first - 0xc0];
		second &= 0x3f;
		first = table[0][second];
		second = table[1][second];
		if (first != 0) {
			c->dst[0] = (unsigned char)first;
			c->dst[1] = (unsigned char)second;
			c->dst += second != 0 ? 2 : 1;
		} else {
			c->dst = put_special(c->dst, second);
		}
	}
}

static inline void
run_3(struct upcase_cursor *c)
{
	do {
		uint32_t code = decode_3(c->src, c->end - c->src);
		if (code == 0)
			return;
		if (upcase_page[code >> 6] == 0) {
			memcpy(c->dst, c->src, 3);
			c->dst += 3;
		} else {
			c->dst = put_upper(c->dst, code);
		}
		c->src += 3;
	} while (c->src < c->end && *c->src >= 0xe0 && *c->src < 0xf0);
}

static inline void
run_4(struct upcase_cursor *c)
{
	do {
		uint32_t code = decode_4(c->src, c->end - c->src);
		if (code == 0)
			return;
		if (code >> 6 >= UPCASE_TABLE_PAGES) {
			memcpy(c->dst, c->src, 4);
			c->dst += 4;
		} else {
			c->dst = put_upper(c->dst, code);
		}
		c->src += 4;
	} while (c->src < c->end && *c->src >= 0xf0);
}

void
upcase_scalar(struct upcase_cursor *cursor)
{
	struct upcase_cursor c = *cursor;
	const unsigned char *start = NULL;

	while (c.src != start && c.src < c.end) {
		start = c.src;
		if (*c.src < 0x80)
			run_1(&c);
		else if (*c.src < 0xe0)
			run_2(&c);
		else if (*c.src < 0xf0)
			run_3(&c);
		else
			run_4(&c);
	}
	*cursor = c;
}

static bool
is_supported(void)
{
	return true;
}

const struct upcase_kernel upcase_kernel_scalar = {
    .name = "scalar",
    .is_supported = is_supported,
    .convert = upcase_scalar,
};
