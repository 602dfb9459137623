/* SPDX-License-Identifier: ISC */
/* What a terminal is shown of an answer. */
#include "config.h"

#include "client/visible.h"
#include "unit/runner.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 256 };

/* The UTF-8 of a character, which may be half of a pair; returns its length. */
static size_t
encode(uint32_t c, char bytes[static 5])
{
	if (c < 0x80)
		return (size_t)sprintf(bytes, "%c", (int)c);
	if (c < 0x800)
		return (size_t)sprintf(
		    bytes, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | c % 64));
	if (c < 0x10000)
		return (size_t)sprintf(bytes, "%c%c%c", (int)(0xe0 | c >> 12),
		    (int)(0x80 | c / 64 % 64), (int)(0x80 | c % 64));
	return (size_t)sprintf(bytes, "%c%c%c%c", (int)(0xf0 | c >> 18),
	    (int)(0x80 | c / 4096 % 64), (int)(0x80 | c / 64 % 64),
	    (int)(0x80 | c % 64));
}

/* The text in pieces: a set bit i of cuts ends one after byte i. */
static size_t
show(char shown[static ROOM], const char *text, size_t n, unsigned cuts)
{
	struct visible visible = {.nheld = 0};
	size_t length = 0, from = 0;
	for (size_t i = 0; i < n; i++) {
		if ((cuts >> i & 1) == 0 && i + 1 < n)
			continue;
		length += visible_update(
		    &visible, shown + length, text + from, i + 1 - from);
		from = i + 1;
	}
	length += visible_end(&visible, shown + length);
	shown[length] = '\0';
	return length;
}

static void
assert_shown(const char *text, const char *expected)
{
	char shown[ROOM];
	(void)show(shown, text, strlen(text), 0);
	ck_assert_str_eq(shown, expected);
}

START_TEST(what_a_terminal_obeys_is_made_visible)
{
	assert_shown("\x1b[2J", "^[[2J");
	assert_shown("\x1b]0;TITLE\a", "^[]0;TITLE^G");
	assert_shown("A\bB\x7f", "A^HB^?");
	assert_shown("\xc2\x9b"
		     "31M",
	    "<U+009B>31M");
	assert_shown("\x9b"
		     "31M",
	    "<9B>31M");
	assert_shown("\xe2\x80\xae"
		     "CBA\xe2\x81\xa9",
	    "<U+202E>CBA<U+2069>");
}
END_TEST

START_TEST(text_stays)
{
	const char *texts[] = {"", "ONE\tTWO\nTHREE\n",
	    "GR\xc3\x9c\xc3\x9f\xe1\xba\x9e \xf0\x9f\x8c\xae\n",
	    /* A family, which joiners make one sign of; a wide blank. */
	    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe3\x80\x80",
	    "\xef\xbb\xbf\xe2\x80\x8f\xc2\xad", "^[ <9B> \\"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_shown(texts[i], texts[i]);
}
END_TEST

START_TEST(a_carriage_return_stays_only_in_a_line_end)
{
	assert_shown("ONE\r\nTWO\r\n", "ONE\r\nTWO\r\n");
	assert_shown("ROOT#\rX", "ROOT#^MX");
	assert_shown("\r\r\n", "^M\r\n");
	assert_shown("A\r", "A^M");
	assert_shown("\r\xc3\x9c", "^M\xc3\x9c");
	assert_shown("\xc3\r\n", "<C3>\r\n");
}
END_TEST

START_TEST(every_character_is_shown_whole_or_as_a_sign)
{
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		char text[5], shown[ROOM], expected[ROOM];
		size_t n = encode(c, text);
		if (c == '\n' || c == '\t')
			(void)strcpy(expected, text);
		else if (c < 0x20 || c == 0x7f)
			(void)sprintf(expected, "^%c",
			    c == 0x7f ? '?'
				      : "@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"[\\]^_"[c]);
		else if (c >= 0xd800 && c <= 0xdfff)
			(void)sprintf(expected, "<ED><%02X><%02X>",
			    (unsigned char)text[1], (unsigned char)text[2]);
		else if ((c > 0x7f && c < 0xa0) || (c > 0x2029 && c < 0x202f) ||
			 (c > 0x2065 && c < 0x206a))
			(void)sprintf(expected, "<U+%04X>", (unsigned)c);
		else
			(void)strcpy(expected, text);
		for (unsigned cuts = 0; cuts < 8; cuts++) {
			(void)show(shown, text, n, cuts);
			/* Check is slow to note that something holds. */
			if (strcmp(shown, expected) != 0)
				ck_assert_str_eq(shown, expected);
		}
	}
	char shown[ROOM];
	(void)show(shown, "", 1, 0);
	ck_assert_str_eq(shown, "^@");
}
END_TEST

/* The characters of strict UTF-8 in a text that has nothing else. */
static bool
is_utf8(const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = (unsigned char)text[i];
		size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (i + length > n)
			return false;
		if (length > 1)
			c &= 0xffU >> (length + 1);
		for (size_t k = 1; k < length; k++)
			c = c << 6 | ((unsigned char)text[i + k] & 0x3fU);
		char again[5];
		if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ||
		    encode(c, again) != length ||
		    memcmp(again, text + i, length) != 0)
			return false;
		i += length;
	}
	return true;
}

static bool
is_harmless(const char *shown, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)shown[i];
		if (byte == '\r' && i + 1 < n && shown[i + 1] == '\n')
			continue;
		if ((byte < 0x20 && byte != '\n' && byte != '\t') ||
		    byte == 0x7f)
			return false;
		if (byte == 0xc2 && (unsigned char)shown[i + 1] < 0xa0)
			return false;
	}
	return is_utf8(shown, n);
}

/* Bytes at the edges of what UTF-8 allows, and of what is made visible. */
static const unsigned char edges[] = {'A', '\r', '\n', 0x1b, 0x7f, 0x80, 0x8f,
    0x90, 0x9b, 0x9f, 0xa0, 0xae, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe2, 0xed,
    0xef, 0xf0, 0xf4, 0xf5, 0xff};
enum { NEDGES = sizeof edges, NBYTES = 4 };

START_TEST(any_bytes_are_harmless_and_bounded_wherever_they_are_cut)
{
	int first = _i;
	for (int k = 0; k < NEDGES * NEDGES * NEDGES; k++) {
		const char text[NBYTES] = {(char)edges[first],
		    (char)edges[k % NEDGES], (char)edges[k / NEDGES % NEDGES],
		    (char)edges[k / NEDGES / NEDGES]};
		char whole[ROOM], cut[ROOM];
		size_t n = show(whole, text, NBYTES, 0);
		if (n > 4 * NBYTES || !is_harmless(whole, n))
			ck_abort_msg("%s", whole);
		for (unsigned cuts = 1; cuts < 1 << (NBYTES - 1); cuts++) {
			if (show(cut, text, NBYTES, cuts) != n ||
			    memcmp(cut, whole, n) != 0)
				ck_assert_str_eq(cut, whole);
		}
	}
}
END_TEST

START_TEST(what_is_told_is_not_kept)
{
	struct visible visible = {.nheld = 0};
	char shown[ROOM];
	ck_assert_uint_eq(visible_update(&visible, shown, "AB\xc3", 3), 2);
	ck_assert_uint_eq(visible_update(&visible, shown, "\x9c", 1), 2);
	ck_assert_mem_eq(shown, "\xc3\x9c", 2);
	ck_assert_uint_eq(
	    visible_update(&visible, shown, "\xf0\x9f\x8c", 3), 0);
	/* What can be no character any more is shown at once. */
	ck_assert_uint_eq(visible_update(&visible, shown, "A", 1), 13);
	ck_assert_mem_eq(shown, "<F0><9F><8C>A", 13);
	ck_assert_uint_eq(visible_end(&visible, shown), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("visible");
	TCase *texts = tcase_create("texts");
	tcase_add_test(texts, what_a_terminal_obeys_is_made_visible);
	tcase_add_test(texts, text_stays);
	tcase_add_test(texts, a_carriage_return_stays_only_in_a_line_end);
	tcase_add_test(texts, what_is_told_is_not_kept);
	suite_add_tcase(suite, texts);
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 300);
	tcase_add_test(all, every_character_is_shown_whole_or_as_a_sign);
	tcase_add_loop_test(all,
	    any_bytes_are_harmless_and_bounded_wherever_they_are_cut, 0,
	    NEDGES);
	suite_add_tcase(suite, all);
	return suite;
}
