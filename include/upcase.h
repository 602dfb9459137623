/* SPDX-License-Identifier: ISC */
/*
 * Upper case: UTF-8 in, UTF-8 out, one text at a time, in pieces of any length.
 *
 *	struct upcase u;
 *	if (upcase_init(&u, NULL) == -1)
 *		err(1, "upcase_init");
 *	while ((n = fread(src, 1, sizeof src, stdin)) > 0) {
 *		length = upcase_update(&u, dst, sizeof dst, src, n);
 *		fwrite(dst, 1, length, stdout);
 *	}
 *	length = upcase_final(&u, dst, sizeof dst);
 *	fwrite(dst, 1, length, stdout);
 *
 * Here dst has room for upcase_bound(&u, sizeof src) bytes.
 *
 * The mapping is the full one of the Unicode Standard, sections 3.13 and 5.18,
 * in the version that upcase_unicode names: the simple mappings of
 * UnicodeData.txt and the entries without conditions of SpecialCasing.txt.  How
 * a text was cut into pieces does not change the answer.
 *
 * Lengths and sizes are in bytes.  The caller owns the state and both buffers,
 * and may free or move them between calls; nothing has to be released.  No call
 * allocates memory, takes a lock or keeps a pointer.
 *
 * A state belongs to one thread at a time; calls with different states may run
 * at once in any threads, the very first ones included.
 */
#ifndef UPCASE_H
#define UPCASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of bytes that are not UTF-8 (Unicode 17.0, section 3.9). */
enum upcase_invalid {
	UPCASE_PASS = 0,    /* they are returned unchanged */
	UPCASE_REPLACE = 1, /* each maximal subpart becomes one U+FFFD */
	UPCASE_CLOSE = 2    /* the text ends before the first of them */
};

/*
 * How to convert.  A struct of zeros has the default of each option, and a
 * later version may give a name to what is reserved: set it to 0.
 */
struct upcase_options {
	/* The locale: "root", which is also NULL and "", is the only one. */
	const char *language;
	uint32_t invalid; /* enum upcase_invalid */
	uint32_t reserved[5];
};

/* The state of one text, which may be copied.  Its bytes mean nothing here. */
struct upcase {
	uint64_t opaque[4];
};

/*
 * Begins a text; NULL means a struct of zeros.  Returns 0, or -1 with EINVAL
 * for a language or a policy that it does not know, or if something reserved is
 * not 0; then the state is as it was.
 */
int upcase_init(struct upcase *u, const struct upcase_options *options);

/*
 * The size that always suffices for the answer to n bytes, whatever is held
 * back: today 3 * (n + 3).  SIZE_MAX if that is no size_t.
 */
size_t upcase_bound(const struct upcase *u, size_t n);

/*
 * Converts n bytes at src, writes the answer to dst, which has the given size,
 * and returns its length.  The end of a piece may be held back for the next
 * call, as it may be the beginning of a character.  The buffers must not
 * overlap; either may be NULL if its length is 0.
 *
 * If the answer is longer than the size, nothing has happened but that bytes in
 * dst may have changed: it returns the length, which is the size needed, and
 * the call can be repeated.  It returns SIZE_MAX, and reads nothing, if n is so
 * large that upcase_bound is SIZE_MAX: then do it in smaller pieces.
 */
size_t upcase_update(struct upcase *u, unsigned char *dst, size_t size,
    const unsigned char *src, size_t n);

/*
 * Ends the text: what is still held back is not UTF-8, and is treated as such.
 * Needs at most upcase_bound(u, 0), and returns the length as upcase_update
 * does, also if that is more than the size.  Then, unless it refused, the state
 * is ready for another text with the same options.
 */
size_t upcase_final(struct upcase *u, unsigned char *dst, size_t size);

/*
 * 1 once UPCASE_CLOSE has met bytes that are not UTF-8, or else 0.  All that
 * came before them has been answered; what comes after is ignored, until
 * upcase_init.
 */
int upcase_refused(const struct upcase *u);

/* The version of Unicode, as "17.0.0". */
const char *upcase_unicode(void);

#ifdef __cplusplus
}
#endif

#endif
