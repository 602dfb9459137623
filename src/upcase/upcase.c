/* SPDX-License-Identifier: ISC */
/*
 * The stream around the kernels: what is held back between calls, and what
 * becomes of bytes that are not UTF-8.
 *
 * A kernel stops before the first sequence that it cannot convert.  What is
 * there is then measured: either the input ends inside a sequence that is
 * well-formed so far, which is held back, or the bytes up to where it can no
 * longer become well-formed, a maximal subpart, go the way of the policy.  A
 * sequence that spans calls is put together beside the input and takes the
 * same way.  The result is the same for every cut, because each judgement
 * depends on nothing but the bytes from the beginning of a sequence on.
 */
#include "upcase.h"

#include <string.h>

#include "kernel.h"

/* The longest sequence, in bytes. */
#define SEQUENCE (UPCASE_CARRY + 1)

_Static_assert(UPCASE_BOUND(0) >= UPCASE_CARRY,
    "upcase_final has no room to return what was held back");

static const unsigned char replacement[] = {0xef, 0xbf, 0xbd};

_Static_assert(sizeof(replacement) <= UPCASE_EXPANSION,
    "replacing one byte takes more room than the bound has for it");

/* What begins at a place of the input. */
struct sequence {
	size_t len;  /* what the lead byte announces; 1 if it is no lead byte */
	size_t have; /* how many bytes from the first on can be part of it */
};

/*
 * Measures the sequence at src, of which n > 0 bytes are there.  Only the
 * second byte is limited beyond being a continuation (Unicode 17.0, table
 * 3-7); the limits keep out what is overlong, a surrogate or above U+10FFFF.
 */
static struct sequence
measure(const unsigned char *src, size_t n)
{
	unsigned char lead = src[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	struct sequence s = {.len = 1, .have = 1};

	if (lead < 0x80)
		return s;
	s.have = 0;
	if (lead < 0xc2 || lead > 0xf4)
		return s;
	s.len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;

	for (s.have = 1; s.have < s.len && s.have < n; s.have++) {
		if (src[s.have] < low || src[s.have] > high)
			break;
		low = 0x80;
		high = 0xbf;
	}
	return s;
}

/* Deals with a maximal subpart of n bytes and returns the place behind it. */
static unsigned char *
reject(struct upcase *u, unsigned char *dst, const unsigned char *src, size_t n)
{
	switch ((enum upcase_invalid)u->invalid) {
	case UPCASE_PASS:
		memcpy(dst, src, n);
		return dst + n;
	case UPCASE_REPLACE:
		memcpy(dst, replacement, sizeof(replacement));
		return dst + sizeof(replacement);
	case UPCASE_CLOSE:
		u->refused = true;
		break;
	}
	return dst;
}

/*
 * Takes the one sequence at the cursor, well-formed or not.  Returns false,
 * and leaves the cursor where it is, if the input ends inside of it.
 */
static bool
take(struct upcase *u, struct upcase_cursor *cursor)
{
	size_t n = (size_t)(cursor->end - cursor->src);
	struct sequence s = measure(cursor->src, n);

	if (s.have == s.len) {
		struct upcase_cursor one = {
		    .src = cursor->src,
		    .end = cursor->src + s.len,
		    .dst = cursor->dst,
		};
		upcase_scalar(&one);
		cursor->src = one.src;
		cursor->dst = one.dst;
		return true;
	}
	if (s.have == n)
		return false;

	/* A byte that cannot begin a sequence is a subpart of its own. */
	size_t subpart = s.have > 0 ? s.have : 1;
	cursor->dst = reject(u, cursor->dst, cursor->src, subpart);
	cursor->src += subpart;
	return true;
}

/*
 * Completes the sequence that was held back with bytes from the cursor.  What
 * is held back is always the beginning of a well-formed sequence, so the one
 * taken here reaches at least to its end.
 */
static void
take_carry(struct upcase *u, struct upcase_cursor *cursor)
{
	unsigned char joined[SEQUENCE];
	size_t n = (size_t)(cursor->end - cursor->src);
	size_t held = u->ncarry;
	size_t more = n < SEQUENCE - held ? n : SEQUENCE - held;

	memcpy(joined, u->carry, held);
	memcpy(joined + held, cursor->src, more);

	struct upcase_cursor one = {
	    .src = joined,
	    .end = joined + held + more,
	    .dst = cursor->dst,
	};
	if (take(u, &one)) {
		cursor->src += (size_t)(one.src - joined) - held;
		cursor->dst = one.dst;
		u->ncarry = 0;
	} else {
		memcpy(u->carry + held, cursor->src, more);
		u->ncarry = (uint8_t)(held + more);
		cursor->src += more;
	}
}

void
upcase_init(struct upcase *u, enum upcase_invalid invalid)
{
	*u = (struct upcase){.invalid = (uint8_t)invalid};
}

size_t
upcase_update(struct upcase *u, unsigned char *restrict dst,
    const unsigned char *restrict src, size_t n)
{
	if (u->refused || n == 0)
		return 0;

	struct upcase_cursor cursor = {.src = src, .end = src + n, .dst = dst};
	if (u->ncarry > 0)
		take_carry(u, &cursor);

	while (!u->refused && cursor.src < cursor.end) {
		upcase_scalar(&cursor);
		if (cursor.src == cursor.end)
			break;
		if (!take(u, &cursor)) {
			u->ncarry = (uint8_t)(cursor.end - cursor.src);
			memcpy(u->carry, cursor.src, u->ncarry);
			break;
		}
	}
	return (size_t)(cursor.dst - dst);
}

size_t
upcase_final(struct upcase *u, unsigned char *dst)
{
	size_t held = u->ncarry;

	if (u->refused || held == 0)
		return 0;
	u->ncarry = 0;
	return (size_t)(reject(u, dst, u->carry, held) - dst);
}

bool
upcase_refused(const struct upcase *u)
{
	return u->refused;
}
