/* SPDX-License-Identifier: ISC */
/*
 * The transform as the programs here use it: the root locale, one stream at a
 * time, in 5 bytes of state.  What others may rely on is in upcase.h, which is
 * made of this.
 *
 * The mapping is the full, unconditional one: the simple mappings of
 * UnicodeData.txt and the entries without conditions of SpecialCasing.txt.  It
 * looks at one code point at a time, so the answer does not depend on how the
 * text was cut, and every complete character is answered at once.
 *
 * The caller owns the state and both buffers.  Nothing here allocates, fails
 * or knows what a socket is.  A state belongs to one thread at a time.
 */
#ifndef UPCASE_STREAM_H
#define UPCASE_STREAM_H

#include "upcase.h"

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

/* One stream.  The fields are for stream.c alone. */
struct upcase_stream {
	unsigned char carry[UPCASE_CARRY]; /* an incomplete sequence */
	uint8_t ncarry : 2;                /* its length in bytes */
	uint8_t invalid : 2;               /* enum upcase_invalid */
	uint8_t refused : 1;               /* UPCASE_CLOSE met a bad byte */

	/* Times in a row that the vector kernel stopped early. */
	uint8_t failed : 3;
	/* Units that the scalar kernel does before it is tried again. */
	uint8_t rest;
};

void upcase_stream_init(struct upcase_stream *, enum upcase_invalid);

/*
 * Converts n bytes at src and returns how many bytes it wrote to dst, which
 * must have room for UPCASE_BOUND(n) and must not overlap src.  An incomplete
 * sequence at the end is held back for the next call.
 */
size_t upcase_stream_update(struct upcase_stream *, unsigned char *restrict dst,
    const unsigned char *restrict src, size_t n);

/*
 * Ends the text: an incomplete sequence still held back is not UTF-8 and is
 * treated as such.  Needs room for UPCASE_BOUND(0) bytes.  Then, unless it
 * refused, the stream is ready for another text.
 */
size_t upcase_stream_final(struct upcase_stream *, unsigned char *dst);

/*
 * True once UPCASE_CLOSE has met bytes that are not UTF-8.  All that came
 * before them has been answered; all that comes after is ignored.
 */
static inline bool
upcase_stream_refused(const struct upcase_stream *stream)
{
	return stream->refused;
}

/* A stream on its way to another process: see upcase_stream_restore. */
struct upcase_saved {
	uint8_t invalid;                  /* enum upcase_invalid */
	uint8_t refused;                  /* 0 or 1 */
	uint8_t nheld;                    /* bytes that are held back */
	unsigned char held[UPCASE_CARRY]; /* what follows them is 0 */
};

void upcase_stream_save(const struct upcase_stream *, struct upcase_saved *);

/* Makes the same stream of it; -1 when no stream is saved like that. */
int upcase_stream_restore(struct upcase_stream *, const struct upcase_saved *);

#endif
