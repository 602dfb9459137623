/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/visible.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The longest sign and its end: <U+202E>. */
enum { SIGN_MAX = 9 };

/* The bytes of the character that begins with lead; 0: none does. */
static size_t
length_of(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/*
 * Whether a character that begins with the bytes held can go on with this one.
 * The second byte decides: RFC 3629 leaves out what is too long a form, a half
 * of a pair, or beyond U+10FFFF.
 */
static bool
goes_on(const struct visible *visible, unsigned char byte)
{
	unsigned char least = 0x80, most = 0xbf;
	if (visible->nheld == 1) {
		switch (visible->held[0]) {
		case 0xe0:
			least = 0xa0;
			break;
		case 0xed:
			most = 0x9f;
			break;
		case 0xf0:
			least = 0x90;
			break;
		case 0xf4:
			most = 0x8f;
			break;
		default:
			break;
		}
	}
	return byte >= least && byte <= most;
}

static uint32_t
decode(const unsigned char *bytes, size_t n)
{
	if (n == 1)
		return bytes[0];
	uint32_t character = bytes[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++)
		character = character << 6 | (bytes[i] & 0x3fU);
	return character;
}

static bool
is_obeyed(uint32_t character)
{
	if (character == '\n' || character == '\t')
		return false;
	return character < 0x20 || (character >= 0x7f && character <= 0x9f) ||
	       (character >= 0x202a && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069);
}

/* Appends one whole character, as it is or as a sign. */
static char *
put_character(char *end, const unsigned char *bytes, size_t n)
{
	uint32_t character = decode(bytes, n);
	if (!is_obeyed(character)) {
		memcpy(end, bytes, n);
		return end + n;
	}
	if (character < 0x80) {
		*end++ = '^';
		*end++ = (char)(character ^ 0x40);
		return end;
	}
	char sign[SIGN_MAX];
	int length =
	    snprintf(sign, sizeof sign, "<U+%04X>", (unsigned)character);
	memcpy(end, sign, (size_t)length);
	return end + length;
}

/* Appends what was kept and has not become a character. */
static char *
put_held(struct visible *visible, char *end)
{
	if (visible->nheld > 0 && visible->held[0] == '\r')
		end = put_character(end, visible->held, visible->nheld);
	else
		for (size_t i = 0; i < visible->nheld; i++) {
			char sign[SIGN_MAX];
			int length = snprintf(
			    sign, sizeof sign, "<%02X>", visible->held[i]);
			memcpy(end, sign, (size_t)length);
			end += length;
		}
	visible->nheld = 0;
	return end;
}

/* Takes a byte that begins something. */
static char *
begin(struct visible *visible, char *end, unsigned char byte)
{
	size_t length = length_of(byte);
	if (length == 1 && byte != '\r')
		return put_character(end, &byte, 1);
	visible->held[0] = byte;
	visible->nheld = 1;
	return length == 0 ? put_held(visible, end) : end;
}

/* Takes a byte after those that were kept. */
static char *
go_on(struct visible *visible, char *end, unsigned char byte)
{
	bool is_return = visible->held[0] == '\r';
	if (is_return && byte == '\n') {
		*end++ = '\r';
		*end++ = '\n';
		visible->nheld = 0;
		return end;
	}
	if (is_return || !goes_on(visible, byte)) {
		end = put_held(visible, end);
		return begin(visible, end, byte);
	}
	unsigned char whole[VISIBLE_HELD + 1];
	memcpy(whole, visible->held, visible->nheld);
	whole[visible->nheld] = byte;
	size_t n = visible->nheld + 1;
	if (n == length_of(whole[0])) {
		visible->nheld = 0;
		return put_character(end, whole, n);
	}
	visible->held[visible->nheld++] = byte;
	return end;
}

size_t
visible_update(
    struct visible *visible, char *shown, const char *bytes, size_t n)
{
	char *end = shown;
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		end = visible->nheld == 0 ? begin(visible, end, byte)
					  : go_on(visible, end, byte);
	}
	return (size_t)(end - shown);
}

size_t
visible_end(struct visible *visible, char shown[static VISIBLE_BOUND(0)])
{
	return (size_t)(put_held(visible, shown) - shown);
}
