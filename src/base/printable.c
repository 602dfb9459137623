/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of an escape. */
enum { ESCAPE = 4 };

static const char dots[] = "...";

/*
 * The categories Cc, Cf, Zl, Zp and Zs of Unicode 17, in order, but for the
 * space, for which the others of Zs would pass, and those that are no
 * characters.  Those at the end of each plane are a rule of their own.
 */
static const struct {
	uint32_t first, last;
} unprintable[] = {
    {0x0, 0x1f},
    {0x7f, 0xa0},
    {0xad, 0xad},
    {0x600, 0x605},
    {0x61c, 0x61c},
    {0x6dd, 0x6dd},
    {0x70f, 0x70f},
    {0x890, 0x891},
    {0x8e2, 0x8e2},
    {0x1680, 0x1680},
    {0x180e, 0x180e},
    {0x2000, 0x200f},
    {0x2028, 0x202f},
    {0x205f, 0x206f},
    {0x3000, 0x3000},
    {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},
    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd},
    {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a},
    {0xe0000, 0xe007f},
};

/* The character that the text begins with; returns its bytes, or 0 for none. */
static size_t
decode(const char *text, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text[0];
	if (lead < 0x80) {
		*character = lead;
		return 1;
	}
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t value = lead & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		/* The end of the text is none either. */
		unsigned char byte = (unsigned char)text[i];
		if ((byte & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*character = value;
	return length;
}

static bool
is_printable(uint32_t character)
{
	if ((character & 0xfffe) == 0xfffe)
		return false;
	size_t n = sizeof unprintable / sizeof unprintable[0];
	for (size_t i = 0; i < n && unprintable[i].first <= character; i++) {
		if (character <= unprintable[i].last)
			return false;
	}
	return true;
}

size_t
printable_first(const char *text)
{
	uint32_t character;
	size_t length = decode(text, &character);
	return length == 0 ? 1 : length;
}

/* Which characters are escaped. */
enum escapes { NOTHING, UNPRINTABLE, AND_BACKSLASH };

/* True when the character that the text begins with stays as it is. */
static bool
stays(const char *text, enum escapes escapes)
{
	uint32_t character;
	if (escapes == NOTHING)
		return true;
	if (escapes == AND_BACKSLASH && *text == '\\')
		return false;
	return decode(text, &character) != 0 && is_printable(character);
}

/* Copies characters until the next one, with dots behind it, has no room. */
static const char *
copy(const char *text, char *shown, size_t size, enum escapes escapes)
{
	size_t end = 0;
	while (*text != '\0') {
		size_t length = printable_first(text);
		bool stay = stays(text, escapes);
		size_t needed = stay ? length : length * ESCAPE;
		if (end + needed + sizeof dots > size)
			break;
		for (size_t i = 0; i < length && !stay; i++, end += ESCAPE)
			(void)snprintf(shown + end, ESCAPE + 1, "\\x%02x",
			    (unsigned char)text[i]);
		if (stay) {
			memcpy(shown + end, text, length);
			end += length;
		}
		text += length;
	}
	(void)snprintf(
	    shown + end, size - end, "%s", *text == '\0' ? "" : dots);
	return shown;
}

const char *
printable(const char *text, char shown[static PRINTABLE_MAX])
{
	return copy(text, shown, PRINTABLE_MAX, AND_BACKSLASH);
}

const char *
printable_sentence(const char *text, char *shown, size_t size)
{
	return copy(text, shown, size, UNPRINTABLE);
}

const char *
printable_cut(const char *text, char *shown, size_t size)
{
	return copy(text, shown, size, NOTHING);
}
