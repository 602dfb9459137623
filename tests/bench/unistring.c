/* SPDX-License-Identifier: ISC */
/* libunistring, which takes UTF-8 and refuses what is not. */
#include "config.h"

#include "bench/contender.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>
#include <unicase.h>
#include <unistr.h>
#include <unistring/version.h>

static bool
is_utf8(const struct contender *contender, struct text *text)
{
	(void)contender;
	return u8_check(text->bytes, text->n) == NULL;
}

static size_t
convert(struct answer *answer, const struct piece *piece)
{
	size_t n = answer->size;
	uint8_t *bytes =
	    u8_toupper(piece->bytes, piece->n, NULL, NULL, answer->room, &n);
	if (bytes != answer->room)
		err(EX_SOFTWARE, "u8_toupper");
	answer->bytes = bytes;
	return n;
}

const struct contender *
contenders(void)
{
	static char counted[80];
	static const struct contender all[] = {
	    {
		.name = "unistring",
		.counted = counted,
		.begin = is_utf8,
		.convert = convert,
	    },
	    {0},
	};
	(void)snprintf(counted, sizeof counted,
	    "libunistring %d.%d: u8_toupper, UTF-8 to UTF-8, into given room",
	    _libunistring_version >> 16, _libunistring_version >> 8 & 0xff);
	return all;
}
