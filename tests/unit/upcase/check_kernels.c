/* SPDX-License-Identifier: ISC */
/*
 * That a sequence gets the same answer wherever it stands: kernels look at
 * whole blocks, and a sequence can begin, end or be cut at any place of one.
 */
#include "unit/runner.h"
#include "unit/upcase/each_kernel.h"
#include "unit/upcase/upcase_oracle.h"
#include "upcase/dispatch.h"
#include "upcase/stream.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Two of the longest blocks and some bytes, in which a sequence is moved. */
enum { TEXT = 140, PLACES = TEXT - ORACLE_SEQUENCE };

/* The most tables that a kernel may have. */
enum { TABLES = 100 };

/* What stands around it: one byte, two or three, with a capital each. */
static const struct filler {
	const char *text, *answer;
} fillers[] = {
    {"x", "X"},
    {"\xd1\x8f", "\xd0\xaf"},
    {"\xe1\xba\xa1", "\xe1\xba\xa0"},
    {"\xe4\xb8\xad", "\xe4\xb8\xad"},
};

/*
 * Bytes on both sides of every limit in table 3-7 of the standard, and a lead
 * with upper case with one that differs in nothing but the length it states.
 */
static const unsigned char edges[] = {0x00, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f,
    0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xea, 0xed, 0xf0, 0xf4, 0xfa, 0xff};

static const enum upcase_invalid policies[] = {
    UPCASE_PASS,
    UPCASE_REPLACE,
    UPCASE_CLOSE,
};

/* Appends the filler until the text would be longer than n bytes, then dots. */
static size_t
fill(unsigned char *text, size_t end, size_t n, const char *filler)
{
	size_t length = strlen(filler);
	for (; end + length <= n; end += length)
		memcpy(text + end, filler, length);
	while (end < n)
		text[end++] = '.';
	return end;
}

static size_t
answer(unsigned char *dst, const unsigned char *src, size_t n,
    enum upcase_invalid invalid)
{
	struct upcase_stream u;
	upcase_stream_init(&u, invalid);
	size_t length = upcase_stream_update(&u, dst, src, n);
	return length + upcase_stream_final(&u, dst + length);
}

/* One character at each place of a text of one filler. */
static void
move_character(uint32_t code, const struct filler *filler)
{
	unsigned char text[TEXT + ORACLE_SEQUENCE], want[UPCASE_BOUND(TEXT)];
	unsigned char got[UPCASE_BOUND(sizeof text) + UPCASE_BOUND(0)];
	for (size_t place = 0; place <= PLACES; place++) {
		size_t n = fill(text, 0, place, filler->text);
		size_t length = fill(want, 0, place, filler->answer);
		n += oracle_encode(text + n, code);
		length += oracle_upper(want + length, code);
		size_t rest = TEXT - n;
		n = fill(text, n, TEXT, filler->text);
		length = fill(want, length, length + rest, filler->answer);
		if (answer(got, text, n, UPCASE_CLOSE) != length ||
		    memcmp(got, want, length) != 0)
			ck_abort_msg("U+%04X at %zu is wrong", code, place);
	}
}

START_TEST(each_character_that_changes_is_right_at_each_place)
{
	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		if (oracle_is_scalar(code) && oracle_targets(code) > 0)
			move_character(code, &fillers[_i]);
	}
}
END_TEST

START_TEST(characters_that_do_not_change_are_right_at_each_place)
{
	/* A prime number apart: these fall into all planes and pages. */
	for (uint32_t code = 0x80; code <= ORACLE_LAST; code += 1013) {
		if (oracle_is_scalar(code) && oracle_targets(code) == 0)
			move_character(code, &fillers[_i]);
	}
}
END_TEST

/* Bytes that need not be UTF-8 at one place of a text. */
static void
place_bytes(const unsigned char *bytes, size_t length, size_t place,
    const struct filler *filler, enum upcase_invalid invalid)
{
	unsigned char text[TEXT + 8], want[UPCASE_BOUND(TEXT + 8)];
	unsigned char got[UPCASE_BOUND(sizeof text) + UPCASE_BOUND(0)];
	bool refused;
	size_t n = fill(text, 0, place, filler->text);
	memcpy(text + n, bytes, length);
	n = fill(text, n + length, TEXT, filler->text);
	size_t wanted = oracle_answer(want, text, n, invalid, true, &refused);
	if (answer(got, text, n, invalid) != wanted ||
	    memcmp(got, want, wanted) != 0)
		ck_abort_msg("%02x %02x %02x %02x at %zu, policy %d", bytes[0],
		    bytes[1], bytes[2], bytes[3], place, (int)invalid);
}

/* The ends of blocks of 16, 32 and 64 bytes, and the places around them. */
START_TEST(malformed_sequences_are_judged_alike_at_the_borders_of_blocks)
{
	static const size_t borders[] = {0, 16, 32, 64, 128};
	enum { FORMS = LENGTH(edges) * LENGTH(edges) * LENGTH(edges) };
	for (size_t form = 0; form < FORMS; form++) {
		unsigned char bytes[] = {edges[form % LENGTH(edges)],
		    edges[form / LENGTH(edges) % LENGTH(edges)],
		    edges[form / LENGTH(edges) / LENGTH(edges)], 0x80};
		/* Each form at one of the places: all of them take too long. */
		size_t place = borders[form % LENGTH(borders)] + form / 7 % 5;
		place -= place < 4 ? place : 4;
		for (int i = 0; i < LENGTH(policies); i++)
			place_bytes(bytes, form % 2 + 3, place,
			    &fillers[form % LENGTH(fillers)], policies[i]);
	}
}
END_TEST

START_TEST(a_bad_byte_is_found_at_each_place)
{
	static const unsigned char bytes[] = {0xff, 0xc0, 0x80, 0xf5};
	for (size_t place = 0; place <= PLACES; place++) {
		for (int i = 0; i < LENGTH(bytes) * LENGTH(fillers); i++) {
			unsigned char bad[4] = {bytes[i % LENGTH(bytes)]};
			place_bytes(bad, 1, place, &fillers[i / LENGTH(bytes)],
			    policies[place % LENGTH(policies)]);
		}
	}
}
END_TEST

/*
 * One letter for each beginning of a sequence, without its last byte, of those
 * that change: what a kernel has a table for.  Returns how many there are.
 */
static size_t
letters_of_all_tables(uint32_t letters[TABLES])
{
	size_t n = 0;
	for (uint32_t code = 0x80; code <= ORACLE_LAST; code++) {
		if (oracle_is_scalar(code) && oracle_targets(code) > 0 &&
		    (n == 0 || letters[n - 1] >> 6 != code >> 6)) {
			ck_assert_uint_lt(n, TABLES);
			letters[n++] = code;
		}
	}
	return n;
}

/* Around the end of the longest block. */
START_TEST(any_two_letters_are_right_beside_each_other)
{
	uint32_t letters[TABLES];
	size_t n = letters_of_all_tables(letters);
	for (size_t i = 0; i < n * n; i++) {
		unsigned char bytes[3 * ORACLE_SEQUENCE];
		size_t length = oracle_encode(bytes, letters[i / n]);
		length += oracle_encode(bytes + length, letters[i % n]);
		length += oracle_encode(bytes + length, letters[i / n]);
		for (size_t place = 56; place <= 64; place++)
			place_bytes(bytes, length, place,
			    &fillers[(i + place) % LENGTH(fillers)],
			    UPCASE_CLOSE);
	}
}
END_TEST

START_TEST(a_letter_is_right_behind_a_part_of_any_other)
{
	uint32_t letters[TABLES];
	size_t n = letters_of_all_tables(letters);
	for (size_t i = 0; i < n * n; i++) {
		unsigned char bytes[2 * ORACLE_SEQUENCE];
		size_t whole = oracle_encode(bytes, letters[i / n]);
		for (size_t part = 1; part < whole; part++) {
			size_t length =
			    part + oracle_encode(bytes + part, letters[i % n]);
			for (size_t place = 61; place <= 66; place++)
				place_bytes(bytes, length, place,
				    &fillers[(i + place) % LENGTH(fillers)],
				    policies[(i / n + place) %
					     LENGTH(policies)]);
			(void)oracle_encode(bytes, letters[i / n]);
		}
	}
}
END_TEST

START_TEST(a_text_that_ends_anywhere_is_answered_up_to_there)
{
	unsigned char text[TEXT], want[UPCASE_BOUND(TEXT)];
	unsigned char got[UPCASE_BOUND(TEXT) + UPCASE_BOUND(0)];
	bool refused;
	for (int i = 0; i < LENGTH(fillers); i++) {
		(void)fill(text, 0, TEXT, fillers[i].text);
		for (size_t n = 0; n <= TEXT; n++) {
			size_t wanted = oracle_answer(
			    want, text, n, UPCASE_REPLACE, true, &refused);
			ck_assert_uint_eq(
			    answer(got, text, n, UPCASE_REPLACE), wanted);
			ck_assert_int_eq(memcmp(got, want, wanted), 0);
		}
	}
}
END_TEST

START_TEST(an_unknown_kernel_is_refused_and_the_best_one_is_the_first)
{
	ck_assert_int_eq(upcase_choose_kernel("none"), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(upcase_choose_kernel("scalar"), 0);
	ck_assert_str_eq(upcase_kernel_in_use(), "scalar");
	ck_assert_int_eq(upcase_choose_kernel(NULL), 0);
	ck_assert_str_eq(upcase_kernel_in_use(), upcase_kernel(0));
}
END_TEST

static void
add_cases(Suite *suite, const char *kernel)
{
	TCase *places = kernel_case(suite, "places", kernel);
	tcase_add_unchecked_fixture(places, oracle_load, NULL);
	tcase_add_loop_test(places,
	    each_character_that_changes_is_right_at_each_place, 0,
	    LENGTH(fillers));
	tcase_add_loop_test(places,
	    characters_that_do_not_change_are_right_at_each_place, 0,
	    LENGTH(fillers));
	tcase_add_test(places,
	    malformed_sequences_are_judged_alike_at_the_borders_of_blocks);
	tcase_add_test(places, a_bad_byte_is_found_at_each_place);
	tcase_add_test(places, any_two_letters_are_right_beside_each_other);
	tcase_add_test(places, a_letter_is_right_behind_a_part_of_any_other);
	tcase_add_test(
	    places, a_text_that_ends_anywhere_is_answered_up_to_there);
}

Suite *
suite(void)
{
	Suite *suite = suite_create("kernels");
	each_kernel(suite, add_cases);
	TCase *choice = tcase_create("choice");
	tcase_add_test(
	    choice, an_unknown_kernel_is_refused_and_the_best_one_is_the_first);
	suite_add_tcase(suite, choice);
	return suite;
}
