/* SPDX-License-Identifier: ISC */
/* GLib, which is defined for UTF-8 alone and answers with a new string. */
#include "config.h"

#include "bench/contender.h"

#include <glib.h>
#include <string.h>

static bool
is_utf8(const struct contender *contender, struct text *text)
{
	(void)contender;
	return g_utf8_validate_len((const char *)text->bytes, text->n, NULL);
}

static size_t
convert(struct answer *answer, const struct piece *piece)
{
	static char *bytes;
	g_free(bytes);
	bytes = g_utf8_strup((const char *)piece->bytes, (gssize)piece->n);
	answer->bytes = bytes;
	return strlen(bytes);
}

#define ABOUT                                                                  \
	"GLib " G_STRINGIFY(GLIB_MAJOR_VERSION) "." G_STRINGIFY(               \
	    GLIB_MINOR_VERSION) "." G_STRINGIFY(GLIB_MICRO_VERSION) ": "

const struct contender *
contenders(void)
{
	static const struct contender all[] = {
	    {
		.name = "glib",
		.counted = ABOUT
		"g_utf8_strup, UTF-8 to UTF-8, which it does not check; g_free "
		"and the length of the answer counted",
		.begin = is_utf8,
		.convert = convert,
	    },
	    {0},
	};
	return all;
}
