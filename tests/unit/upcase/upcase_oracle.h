/* SPDX-License-Identifier: ISC */
/*
 * What the transform has to answer, found in the plainest way: the mappings
 * are read from the text files of contrib/unicode, the rules for bytes that
 * are not UTF-8 stand as the standard prints them.  It shares no code and no
 * table with the transform.
 */
#ifndef UPCASE_ORACLE_H
#define UPCASE_ORACLE_H

#include "upcase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_LAST     0x10ffff
#define ORACLE_SEQUENCE 4  /* the longest sequence, in bytes */
#define ORACLE_ANSWER   12 /* three code points at most, in bytes */

/*
 * Reads the mappings below $srcdir, or the current directory without it.
 * Exits with a message if it cannot.
 */
void oracle_load(void);

bool oracle_is_scalar(uint32_t code);

/* Write UTF-8, and return its length: of a code point, of its upper case. */
size_t oracle_encode(unsigned char *dst, uint32_t code);
size_t oracle_upper(unsigned char *dst, uint32_t code);

/* How many code points the upper case has; 0 if nothing changes. */
unsigned oracle_targets(uint32_t code);

/* The length of the incomplete sequence at the end of a text; 0 without one. */
size_t oracle_held(const unsigned char *src, size_t n);

/*
 * Writes the answer to n bytes, at most UPCASE_BOUND(n), and returns its
 * length.  An incomplete sequence at the end counts only if the stream has
 * ended there.
 */
size_t oracle_answer(unsigned char *dst, const unsigned char *src, size_t n,
    enum upcase_invalid, bool ended, bool *refused);

#endif
