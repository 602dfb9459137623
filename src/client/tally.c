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

enum tally_match
tally_compare(const struct tally *sent, const struct tally *received)
{
	if (received->lines > sent->lines)
		return TALLY_FOREIGN;
	if (received->lines < sent->lines ||
	    received->characters < sent->characters)
		return TALLY_SHORT;
	/* A text of stray continuation bytes alone has no characters. */
	if (received->bytes == 0 && sent->bytes > 0)
		return TALLY_SHORT;
	return TALLY_WHOLE;
}
