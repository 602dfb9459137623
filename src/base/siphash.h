/* SPDX-License-Identifier: ISC */
/*
 * SipHash-2-4: a hash with a key, so that who does not know the key cannot make
 * many values meet in one place of a table (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", 2012).
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

uint64_t siphash(const struct siphash_key *, const void *bytes, size_t n);

#endif
