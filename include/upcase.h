/* SPDX-License-Identifier: ISC */
/*
 * The transform: UTF-8 in, upper case out, one stream at a time.
 *
 * The mapping is the full, unconditional one of the root locale: the simple
 * mappings of UnicodeData.txt and the entries without conditions of
 * SpecialCasing.txt (Unicode 17.0, sections 3.13 and 5.18).  It looks at one
 * code point at a time, so the output does not depend on how the input was
 * cut, and every complete character is answered at once.
 *
 * The caller owns the state and both buffers.  Nothing here allocates, fails
 * or knows what a socket is.
 */
#ifndef UPCASE_H
#define UPCASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of Unicode whose mapping this is. */
#define UPCASE_UNICODE "17.0.0"

/* The worst growth, in bytes for a byte: U+0390 and U+03B0, from 2 to 6. */
#define UPCASE_EXPANSION 3

/* The longest incomplete sequence that a stream can hold back, in bytes. */
#define UPCASE_CARRY 3

/* Room, in bytes, that always suffices for the answer to n bytes. */
#define UPCASE_BOUND(n) (UPCASE_EXPANSION * ((size_t)(n) + UPCASE_CARRY))

/* What becomes of bytes that are not UTF-8 (Unicode 17.0, section 3.9). */
enum upcase_invalid {
	UPCASE_PASS,    /* they are returned unchanged */
	UPCASE_REPLACE, /* each maximal subpart becomes one U+FFFD */
	UPCASE_CLOSE    /* the stream ends before the first of them */
};

/* One stream. Its fields are private to the transform. */
struct upcase {
	unsigned char carry[UPCASE_CARRY]; /* an incomplete sequence */
	uint8_t ncarry : 2;                /* its length in bytes */
	uint8_t invalid : 2;               /* enum upcase_invalid */
	uint8_t refused : 1;               /* UPCASE_CLOSE met a bad byte */
	uint8_t failed : 3;                /* how often the kernel did */
	uint8_t rest;                      /* of the way until it is tried */
};

void upcase_init(struct upcase *, enum upcase_invalid);

/*
 * Converts n bytes at src and returns how many bytes it wrote to dst, which
 * must have room for UPCASE_BOUND(n) and must not overlap src.  An incomplete
 * sequence at the end is held back for the next call.
 */
size_t upcase_update(struct upcase *, unsigned char *restrict dst,
    const unsigned char *restrict src, size_t n);

/*
 * Ends the stream: an incomplete sequence still held back is not UTF-8 and is
 * treated as such.  Needs room for UPCASE_BOUND(0) bytes.  Afterwards the
 * state may be used again only through upcase_init.
 */
size_t upcase_final(struct upcase *, unsigned char *dst);

/*
 * True once UPCASE_CLOSE has met bytes that are not UTF-8.  All that came
 * before them has been answered; all that comes after is ignored.
 */
static inline bool
upcase_refused(const struct upcase *u)
{
	return u->refused;
}

/*
 * True while the stream would go on in the same way with a state fresh from
 * upcase_init: nothing is held back, and nothing was refused.
 */
static inline bool
upcase_is_at_rest(const struct upcase *u)
{
	return u->ncarry == 0 && !u->refused;
}

/*
 * The kernels that this processor can run, the best first; NULL behind the
 * last.  The answer does not depend on the kernel, only how fast it comes.
 */
const char *upcase_kernel(size_t i);

/*
 * Chooses the kernel of that name, or the best one for NULL, which is also used
 * without a choice.  To be called before there are streams.  -1 with EINVAL if
 * there is no such kernel here.
 */
int upcase_choose_kernel(const char *name);

const char *upcase_kernel_in_use(void);

#endif
