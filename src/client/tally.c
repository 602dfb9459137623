/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/tally.h"

void
tally_add(struct tally *tally, const char *bytes, size_t n)
{
	size_t lines = 0, characters = 0;
	for (size_t i = 0; i < n; i++) {
		lines += bytes[i] == '\n';
		characters += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	}
	tally->bytes += n;
	tally->lines += lines;
	tally->characters += characters;
}

bool
tally_is_whole(const struct tally *sent, const struct tally *received)
{
	/* A text of stray continuation bytes alone has no characters. */
	return received->lines == sent->lines &&
	       received->characters >= sent->characters &&
	       (received->bytes > 0 || sent->bytes == 0);
}
