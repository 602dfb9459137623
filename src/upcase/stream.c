/* SPDX-License-Identifier: ISC */
/*
 * The stream around the kernels: what is held back between calls, and what
 * becomes of bytes that are not UTF-8.
 *
 * A kernel stops before what it cannot convert.  What is there is then
 * measured: either the input ends inside a sequence that is well-formed so far,
 * which is held back, or the bytes up to where it can no longer become well-
 * formed, a maximal subpart, go the way of the policy.  A sequence that spans
 * calls is put together beside the input and takes the same way.  The result is
 * the same for every cut, because each judgement depends on nothing but the
 * bytes from the beginning of a sequence on.
 */
#include "config.h"

#include "upcase/stream.h"

#include "upcase/dispatch.h"
#include "upcase/kernel.h"

#include <string.h>

/* The longest sequence, in bytes. */
#define SEQUENCE (UPCASE_CARRY + 1)

_Static_assert(UPCASE_BOUND(0) >= UPCASE_CARRY,
    "upcase_stream_final has no room to return what was held back");

/*
 * A vector kernel fails where it stops before the end, as at a character that
 * grows.  Then the scalar kernel takes a step, and each failure in a row makes
 * the next step four times as long.  If it did not, text would take six times
 * as long where all characters grow, and twice where lengths change at random.
 */
enum {
	/* Bytes in which steps are counted. */
	UNIT = 16,

	/*
	 * The fewest bytes that end a row of failures, if the kernel converted
	 * them at once.  If nothing ended it, random bytes would take eleven
	 * times as long; if 16 did, text in which a character grows every 40
	 * bytes would take three times.
	 */
	WORTH = 64,

	/* Failures that count, which make a step as long as a state can say. */
	FAILED_MOST = 5,
	REST_MOST = UINT8_MAX
};

_Static_assert(sizeof(struct upcase_stream) == 5,
    "a connection of the daemon has no room for more");

static const unsigned char replacement[] = {0xef, 0xbf, 0xbd};

_Static_assert(sizeof(replacement) <= UPCASE_EXPANSION,
    "replacing one byte takes more room than the bound has for it");

/*
 * Returns how many of the n > 0 bytes at src, which do not begin with a whole
 * sequence, are a maximal subpart of one: at least 1, as a byte that cannot
 * begin a sequence counts for itself.  Sets *incomplete if more input could
 * still complete it.
 *
 * Only the second byte is limited beyond being a continuation (Unicode 17.0,
 * table 3-7); the limits keep out what is overlong, a surrogate or above
 * U+10FFFF.
 */
static size_t
measure(const unsigned char *src, size_t n, bool *incomplete)
{
	unsigned char lead = src[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t have = 1;

	*incomplete = false;
	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;

	for (; have < len && have < n; have++) {
		if (src[have] < low || src[have] > high)
			return have;
		low = 0x80;
		high = 0xbf;
	}
	*incomplete = have < len;
	return have;
}

/* Deals with a maximal subpart of n bytes and returns the place behind it. */
static unsigned char *
reject(struct upcase_stream *u, unsigned char *dst, const unsigned char *src,
    size_t n)
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
 * Moves the cursor over the bad bytes that a kernel stopped at.  Returns false,
 * and leaves it where it is, if they are not bad yet: the input ends there.
 */
static bool
skip(struct upcase_stream *u, struct upcase_cursor *c)
{
	bool incomplete;
	size_t n = measure(c->src, (size_t)(c->end - c->src), &incomplete);

	if (incomplete)
		return false;
	c->dst = reject(u, c->dst, c->src, n);
	c->src += n;
	return true;
}

/*
 * Completes the sequence that was held back with bytes from the cursor.  What
 * is held back is the beginning of a well-formed sequence, so a step from
 * there, over a sequence or a maximal subpart, is never shorter.
 */
static void
take_carry(struct upcase_stream *u, struct upcase_cursor *c)
{
	unsigned char joined[SEQUENCE];
	size_t n = (size_t)(c->end - c->src);
	size_t held = u->ncarry;
	size_t more = n < SEQUENCE - held ? n : SEQUENCE - held;

	memcpy(joined, u->carry, held);
	memcpy(joined + held, c->src, more);

	struct upcase_cursor one = {
	    .src = joined,
	    .end = joined + held + more,
	    .dst = c->dst,
	};
	upcase_scalar(&one);
	if (one.src == joined && !skip(u, &one)) {
		memcpy(u->carry + held, c->src, more);
		u->ncarry = (held + more) % SEQUENCE;
		c->src += more;
		return;
	}
	c->src += (size_t)(one.src - joined) - held;
	c->dst = one.dst;
	u->ncarry = 0;
}

/*
 * Moves the cursor over about the given number of bytes, bad ones included,
 * without the chosen kernel.  Returns false if the input ends inside a
 * sequence.
 */
static bool
step(struct upcase_stream *u, struct upcase_cursor *c, size_t about)
{
	size_t left = (size_t)(c->end - c->src);
	const unsigned char *goal = c->src + (about < left ? about : left);
	if (goal == c->end)
		upcase_scalar(c);
	while (!u->refused && c->src < goal) {
		struct upcase_cursor part = *c;
		/* If these do not begin with a whole sequence, none does. */
		if (goal - c->src < SEQUENCE && c->end - c->src > SEQUENCE)
			part.end = c->src + SEQUENCE;
		else if (goal - c->src >= SEQUENCE)
			part.end = goal;
		upcase_scalar(&part);
		if (part.src > c->src) {
			c->src = part.src;
			c->dst = part.dst;
		} else if (!skip(u, c)) {
			return false;
		}
	}
	return true;
}

/*
 * Finishes the step that the last failure of the kernel began, perhaps in an
 * earlier call.  Returns false if the text is refused or the input ends in it.
 */
static bool
step_on(struct upcase_stream *u, struct upcase_cursor *c)
{
	size_t about = UNIT * (size_t)u->rest;
	const unsigned char *before = c->src;
	bool good = step(u, c, about);
	size_t done = (size_t)(c->src - before);
	u->rest = done < about ? (uint8_t)((about - done) / UNIT) : 0;
	/* The kernel did not fail if it is here that the input ends. */
	if (!good && done == 0) {
		u->failed = 0;
		u->rest = 0;
	}
	return good && !u->refused && c->src < c->end;
}

/*
 * Says how long the next step is after the kernel failed behind n bytes.  Less
 * than a unit counts as two failures, by which short messages in which all
 * characters grow take two thirds of the time.
 */
static void
begin_step(struct upcase_stream *u, size_t n)
{
	unsigned failed = n >= WORTH ? 0 : u->failed;
	failed += n < UNIT;
	unsigned rest = 1U << 2 * failed;
	u->rest = (uint8_t)(rest < REST_MOST ? rest : REST_MOST);
	u->failed = (failed < FAILED_MOST ? failed + 1 : failed) & 7;
}

/*
 * The chosen kernel goes as far as it can, then the scalar one takes a step,
 * and so on to the end of the input.
 */
static void
convert(struct upcase_stream *u, struct upcase_cursor *c)
{
	const struct upcase_kernel *kernel = upcase_dispatch();
	while (u->rest == 0 || step_on(u, c)) {
		const unsigned char *before = c->src;
		kernel->convert(c);
		if (c->src == c->end) {
			u->failed = 0;
			return;
		}
		begin_step(u, (size_t)(c->src - before));
	}
	if (u->refused)
		return;
	u->ncarry = (size_t)(c->end - c->src) % SEQUENCE;
	memcpy(u->carry, c->src, u->ncarry);
}

void
upcase_stream_init(struct upcase_stream *u, enum upcase_invalid invalid)
{
	*u = (struct upcase_stream){.invalid = invalid % 4U};
}

size_t
upcase_stream_update(struct upcase_stream *u, unsigned char *restrict dst,
    const unsigned char *restrict src, size_t n)
{
	if (u->refused || n == 0)
		return 0;

	struct upcase_cursor c = {
	    .src = src,
	    .end = src + n,
	    .dst = dst,
	    .invalid = (enum upcase_invalid)u->invalid,
	};
	if (u->ncarry > 0)
		take_carry(u, &c);
	if (!u->refused && c.src < c.end)
		convert(u, &c);
	return (size_t)(c.dst - dst);
}

size_t
upcase_stream_final(struct upcase_stream *u, unsigned char *dst)
{
	size_t held = u->ncarry;

	if (u->refused || held == 0)
		return 0;
	u->ncarry = 0;
	return (size_t)(reject(u, dst, u->carry, held) - dst);
}

void
upcase_stream_save(const struct upcase_stream *u, struct upcase_saved *saved)
{
	*saved = (struct upcase_saved){
	    .invalid = u->invalid,
	    .refused = u->refused,
	    .nheld = u->ncarry,
	};
	memcpy(saved->held, u->carry, u->ncarry);
}

int
upcase_stream_restore(struct upcase_stream *u, const struct upcase_saved *saved)
{
	unsigned char answer[UPCASE_BOUND(UPCASE_CARRY)];
	if (saved->invalid > UPCASE_CLOSE || saved->refused > 1 ||
	    saved->nheld > UPCASE_CARRY)
		return -1;
	upcase_stream_init(u, (enum upcase_invalid)saved->invalid);
	/* What can be answered is not held back. */
	size_t n = upcase_stream_update(u, answer, saved->held, saved->nheld);
	if (n != 0 || u->refused || u->ncarry != saved->nheld)
		return -1;
	u->refused = saved->refused & 1U;
	return 0;
}
