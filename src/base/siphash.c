/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/siphash.h"

/* The rounds for each word of the input, and those at the end. */
enum { ROUNDS = 2, LAST_ROUNDS = 4 };

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void
mix(struct state *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

/* As many as 8 bytes, the first one lowest. */
static uint64_t
word_of(const unsigned char *bytes, size_t n)
{
	uint64_t word = 0;
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

static void
take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, ROUNDS);
	s->v0 ^= word;
}

uint64_t
siphash(const struct siphash_key *key, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	/* The constants are those of the definition. */
	struct state s = {
	    .v0 = key->words[0] ^ UINT64_C(0x736f6d6570736575),
	    .v1 = key->words[1] ^ UINT64_C(0x646f72616e646f6d),
	    .v2 = key->words[0] ^ UINT64_C(0x6c7967656e657261),
	    .v3 = key->words[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t left = n;
	for (; left >= 8; at += 8, left -= 8)
		take(&s, word_of(at, 8));
	take(&s, word_of(at, left) | (uint64_t)n << 56);
	s.v2 ^= 0xff;
	mix(&s, LAST_ROUNDS);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
