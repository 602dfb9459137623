/* SPDX-License-Identifier: ISC */
/* ICU, on UTF-8 and on UTF-16, the form of its strings. */
#include "config.h"

#include "bench/contender.h"

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>

static UCaseMap *root;

/* A call that failed would look fast. */
static void
check(UErrorCode error, const char *what)
{
	if (U_FAILURE(error))
		errx(EX_SOFTWARE, "%s: %s", what, u_errorName(error));
}

static bool
open_root(const struct contender *contender, struct text *text)
{
	(void)text;
	UErrorCode error = U_ZERO_ERROR;
	if (root == NULL)
		root = ucasemap_open("", 0, &error);
	check(error, contender->name);
	return true;
}

static size_t
convert(struct answer *answer, const struct piece *piece)
{
	UErrorCode error = U_ZERO_ERROR;
	int32_t n =
	    ucasemap_utf8ToUpper(root, answer->room, (int32_t)answer->size,
		(const char *)piece->bytes, (int32_t)piece->n, &error);
	answer->bytes = answer->room;
	check(error, "ucasemap_utf8ToUpper");
	return (size_t)n;
}

static bool
decode(const struct contender *contender, struct text *text)
{
	(void)contender;
	for (size_t i = 0; i < text->npieces; i++) {
		struct piece *piece = &text->pieces[i];
		if (piece->native != NULL)
			continue;
		UErrorCode error = U_ZERO_ERROR;
		int32_t n;
		UChar *native = must(malloc(piece->n * sizeof(UChar)));
		(void)u_strFromUTF8(native, (int32_t)piece->n, &n,
		    (const char *)piece->bytes, (int32_t)piece->n, &error);
		if (U_FAILURE(error)) {
			free(native);
			return false;
		}
		piece->native = native;
		piece->nnative = (size_t)n;
	}
	return true;
}

static size_t
convert_native(struct answer *answer, const struct piece *piece)
{
	UErrorCode error = U_ZERO_ERROR;
	int32_t n =
	    u_strToUpper(answer->room, (int32_t)(answer->size / sizeof(UChar)),
		piece->native, (int32_t)piece->nnative, "", &error);
	answer->bytes = answer->room;
	check(error, "u_strToUpper");
	return (size_t)n;
}

static char *
encode(const struct answer *answer, size_t n, size_t *length)
{
	UErrorCode error = U_ZERO_ERROR;
	int32_t most = 3 * (int32_t)n + 1, written;
	char *bytes = must(malloc((size_t)most));
	(void)u_strToUTF8(
	    bytes, most, &written, answer->bytes, (int32_t)n, &error);
	check(error, "u_strToUTF8");
	*length = (size_t)written;
	return bytes;
}

#define ABOUT "ICU " U_ICU_VERSION ", Unicode " U_UNICODE_VERSION ": "

const struct contender *
contenders(void)
{
	static const struct contender all[] = {
	    {
		.name = "icu",
		.counted = ABOUT "ucasemap_utf8ToUpper, UTF-8 to UTF-8",
		.begin = open_root,
		.convert = convert,
	    },
	    {
		.name = "icu-str",
		.counted = ABOUT
		"u_strToUpper, UTF-16 to UTF-16, conversions not counted",
		.begin = decode,
		.convert = convert_native,
		.encode = encode,
	    },
	    {0},
	};
	return all;
}
