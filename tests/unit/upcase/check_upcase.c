/* SPDX-License-Identifier: ISC */
/* What the transform answers to a text that comes in one piece. */
#include "unit/runner.h"
#include "unit/upcase/each_kernel.h"
#include "unit/upcase/upcase_oracle.h"
#include "upcase/stream.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest text of the tests that compare single sequences, in bytes. */
#define SHORT 16

static const enum upcase_invalid policies[] = {
    UPCASE_PASS,
    UPCASE_REPLACE,
    UPCASE_CLOSE,
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* Bytes on both sides of every limit in table 3-7 of the standard. */
static const unsigned char edges[] = {0x00, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f,
    0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xf0, 0xf4, 0xff};

#define EDGES (sizeof(edges) / sizeof(edges[0]))

struct answer {
	unsigned char text[UPCASE_BOUND(SHORT) + UPCASE_BOUND(0)];
	size_t len;
	bool refused;
};

static struct answer
ask(enum upcase_invalid invalid, const unsigned char *src, size_t n)
{
	struct upcase_stream u;
	struct answer a;

	upcase_stream_init(&u, invalid);
	a.len = upcase_stream_update(&u, a.text, src, n);
	a.len += upcase_stream_final(&u, a.text + a.len);
	a.refused = upcase_stream_refused(&u);
	return a;
}

static void
compare(enum upcase_invalid invalid, const unsigned char *src, size_t n)
{
	struct answer got = ask(invalid, src, n);
	struct answer want;

	want.len =
	    oracle_answer(want.text, src, n, invalid, true, &want.refused);
	if (got.refused == want.refused && got.len == want.len &&
	    memcmp(got.text, want.text, want.len) == 0)
		return;

	char shown[3 * SHORT + 1] = "";
	for (size_t i = 0; i < n; i++)
		snprintf(shown + 3 * i, 4, " %02x", src[i]);
	ck_abort_msg("policy %d:%s: %zu bytes, refused %d; wanted %zu, %d",
	    (int)invalid, shown, got.len, got.refused, want.len, want.refused);
}

START_TEST(every_scalar_value_becomes_what_the_data_say)
{
	unsigned seen = 0;

	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		unsigned char src[ORACLE_SEQUENCE];
		unsigned char want[ORACLE_ANSWER];
		if (!oracle_is_scalar(code))
			continue;
		size_t n = oracle_encode(src, code);
		size_t len = oracle_upper(want, code);
		struct answer got = ask(UPCASE_CLOSE, src, n);
		if (got.refused || got.len != len ||
		    memcmp(got.text, want, len) != 0)
			ck_abort_msg("U+%04X is wrong", code);
		seen++;
	}
	ck_assert_uint_eq(seen, 1112064);
}
END_TEST

START_TEST(as_many_code_points_change_and_expand_as_the_limits_state)
{
	unsigned changed = 0;
	unsigned expanded = 0;
	unsigned to_three = 0;
	size_t longest = 0;

	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		unsigned char src[ORACLE_SEQUENCE];
		if (!oracle_is_scalar(code))
			continue;
		size_t n = oracle_encode(src, code);
		struct answer got = ask(UPCASE_PASS, src, n);
		if (got.len == n && memcmp(got.text, src, n) == 0)
			continue;
		changed++;
		unsigned points = 0;
		for (size_t i = 0; i < got.len; i++)
			points += (got.text[i] & 0xc0) != 0x80;
		expanded += points > 1;
		to_three += points == 3;
		longest = got.len > longest ? got.len : longest;
		ck_assert_uint_le(got.len, UPCASE_EXPANSION * n);
	}
	ck_assert_uint_eq(changed, 1580);
	ck_assert_uint_eq(expanded, 102);
	ck_assert_uint_eq(to_three, 16);
	ck_assert_uint_eq(longest, 6);
}
END_TEST

static void
expect_upper(const char *src, const char *want)
{
	unsigned char dst[UPCASE_BOUND(64)];
	struct upcase_stream u;

	upcase_stream_init(&u, UPCASE_CLOSE);
	size_t len = upcase_stream_update(
	    &u, dst, (const unsigned char *)src, strlen(src));
	dst[len] = '\0';
	ck_assert_str_eq((const char *)dst, want);
}

START_TEST(known_words_come_back_in_upper_case)
{
	expect_upper("I am hungry for 🌮", "I AM HUNGRY FOR 🌮");
	expect_upper("straße, \uFB01n, ŉ", "STRASSE, FIN, ʼN");
	expect_upper("\u0390 \u03B0", "\u0399\u0308\u0301 \u03A5\u0308\u0301");
	expect_upper("ᾳ ᾼ σς", "ΑΙ ΑΙ ΣΣ");
	expect_upper("ı i ſ ÿ µ ȿ", "I I S Ÿ Μ Ȿ");
	expect_upper("თბილისი ꭰ 𐐨 İ",
	    "ᲗᲑᲘᲚᲘᲡᲘ Ꭰ 𐐀 İ");
	expect_upper("日本語 हिन्दी @[`{", "日本語 हिन्दी @[`{");
}
END_TEST

START_TEST(a_text_of_all_scalar_values_is_converted_in_one_call)
{
	size_t room = (size_t)(ORACLE_LAST + 1) * ORACLE_SEQUENCE;
	unsigned char *src = malloc(room);
	unsigned char *got = malloc(UPCASE_BOUND(room));
	unsigned char *want = malloc(UPCASE_BOUND(room));
	size_t n = 0;
	size_t len = 0;
	struct upcase_stream u;

	ck_assert(src != NULL && got != NULL && want != NULL);
	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		if (!oracle_is_scalar(code))
			continue;
		n += oracle_encode(src + n, code);
		len += oracle_upper(want + len, code);
	}
	upcase_stream_init(&u, UPCASE_REPLACE);
	ck_assert_uint_eq(upcase_stream_update(&u, got, src, n), len);
	ck_assert_int_eq(memcmp(got, want, len), 0);
	ck_assert_uint_eq(upcase_stream_final(&u, got), 0);
	free(src);
	free(got);
	free(want);
}
END_TEST

START_TEST(every_string_of_one_or_two_bytes_is_judged_by_the_standard)
{
	enum upcase_invalid invalid = policies[_i];

	for (unsigned first = 0; first < 256; first++) {
		unsigned char src[] = {(unsigned char)first, 0};
		compare(invalid, src, 1);
		for (unsigned second = 0; second < 256; second++) {
			src[1] = (unsigned char)second;
			compare(invalid, src, 2);
		}
	}
}
END_TEST

/*
 * All leads and all second bytes, then the edges: that has every sequence
 * that is truncated, overlong, a surrogate or above U+10FFFF in every way.
 */
START_TEST(every_malformed_sequence_is_judged_by_the_standard)
{
	enum upcase_invalid invalid = policies[_i];

	for (unsigned head = 0xc000; head < 0x10000; head++) {
		unsigned char src[] = {
		    (unsigned char)(head >> 8), (unsigned char)head, 0, 0, 'z'};
		bool four = src[0] >= 0xf0;
		for (size_t third = 0; third < EDGES; third++) {
			src[2] = edges[third];
			compare(invalid, src, 3);
			for (size_t i = 0; four && i < EDGES; i++) {
				src[3] = edges[i];
				compare(invalid, src, 4);
			}
			src[3] = 'y';
			compare(invalid, src, 5);
		}
	}
}
END_TEST

START_TEST(the_examples_of_the_standard_are_replaced_as_it_prints_them)
{
	/* Unicode 17.0, tables 3-8 to 3-11; '?' stands for U+FFFD. */
	static const struct {
		const char *src;
		const char *want;
	} examples[] = {
	    {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "????????A"},
	    {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "????????A"},
	    {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "?????A??B"},
	    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "????A"},
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const char *src = examples[i].src;
		struct answer got = ask(
		    UPCASE_REPLACE, (const unsigned char *)src, strlen(src));
		char shown[sizeof(got.text) + 1];
		size_t len = 0;
		for (size_t at = 0; at < got.len; len++) {
			bool replaced = got.text[at] == 0xef;
			shown[len] = replaced ? '?' : (char)got.text[at];
			at += replaced ? 3 : 1;
		}
		shown[len] = '\0';
		ck_assert_str_eq(shown, examples[i].want);
	}
}
END_TEST

START_TEST(growth_reaches_the_stated_bound_and_not_a_byte_more)
{
	enum { RUN = 1000 };
	unsigned char src[2 * RUN];
	unsigned char dst[UPCASE_BOUND(sizeof(src))];
	const uint32_t worst[] = {0x390, 0x3b0};
	struct upcase_stream u;

	for (size_t w = 0; w < 2; w++) {
		for (size_t i = 0; i < RUN; i++)
			oracle_encode(src + 2 * i, worst[w]);
		upcase_stream_init(&u, UPCASE_PASS);
		ck_assert_uint_eq(
		    upcase_stream_update(&u, dst, src, sizeof(src)),
		    UPCASE_EXPANSION * sizeof(src));
	}
	memset(src, 0xff, sizeof(src));
	upcase_stream_init(&u, UPCASE_REPLACE);
	ck_assert_uint_eq(upcase_stream_update(&u, dst, src, sizeof(src)),
	    UPCASE_EXPANSION * sizeof(src));
}
END_TEST

START_TEST(only_close_refuses)
{
	static const unsigned char bad[] = {'a', 0xff, 'b', 0xe2, 0x82};

	ck_assert(!ask(UPCASE_PASS, bad, sizeof(bad)).refused);
	ck_assert(!ask(UPCASE_REPLACE, bad, sizeof(bad)).refused);
	ck_assert(ask(UPCASE_CLOSE, bad, sizeof(bad)).refused);
	ck_assert(!ask(UPCASE_CLOSE, bad, 1).refused);
}
END_TEST

START_TEST(a_refused_stream_ignores_all_that_comes_after)
{
	unsigned char dst[UPCASE_BOUND(8)];
	struct upcase_stream u;

	upcase_stream_init(&u, UPCASE_CLOSE);
	ck_assert_uint_eq(upcase_stream_update(&u, dst,
			      (const unsigned char *)"ab\xff"
						     "cd",
			      5),
	    2);
	ck_assert_int_eq(memcmp(dst, "AB", 2), 0);
	ck_assert(upcase_stream_refused(&u));
	ck_assert_uint_eq(
	    upcase_stream_update(&u, dst, (const unsigned char *)"ef\xe2", 3),
	    0);
	ck_assert_uint_eq(upcase_stream_final(&u, dst), 0);
	ck_assert(upcase_stream_refused(&u));
	upcase_stream_init(&u, UPCASE_CLOSE);
	ck_assert(!upcase_stream_refused(&u));
}
END_TEST

START_TEST(an_incomplete_sequence_is_bad_only_at_the_end_of_the_stream)
{
	unsigned char dst[UPCASE_BOUND(8)];
	struct upcase_stream u;

	upcase_stream_init(&u, UPCASE_CLOSE);
	ck_assert_uint_eq(upcase_stream_update(&u, dst,
			      (const unsigned char *)"a\xf0\x9f\x8c", 4),
	    1);
	ck_assert(!upcase_stream_refused(&u));
	ck_assert_uint_eq(upcase_stream_final(&u, dst), 0);
	ck_assert(upcase_stream_refused(&u));
}
END_TEST

static void
add_cases(Suite *s, const char *kernel)
{
	TCase *mapping = kernel_case(s, "mapping", kernel);
	TCase *invalid = kernel_case(s, "invalid", kernel);

	tcase_add_unchecked_fixture(mapping, oracle_load, NULL);
	tcase_add_test(mapping, every_scalar_value_becomes_what_the_data_say);
	tcase_add_test(
	    mapping, as_many_code_points_change_and_expand_as_the_limits_state);
	tcase_add_test(mapping, known_words_come_back_in_upper_case);
	tcase_add_test(
	    mapping, a_text_of_all_scalar_values_is_converted_in_one_call);
	tcase_add_test(
	    mapping, growth_reaches_the_stated_bound_and_not_a_byte_more);

	tcase_add_unchecked_fixture(invalid, oracle_load, NULL);
	tcase_add_loop_test(invalid,
	    every_string_of_one_or_two_bytes_is_judged_by_the_standard, 0,
	    POLICIES);
	tcase_add_loop_test(invalid,
	    every_malformed_sequence_is_judged_by_the_standard, 0, POLICIES);
	tcase_add_test(invalid,
	    the_examples_of_the_standard_are_replaced_as_it_prints_them);
	tcase_add_test(invalid, only_close_refuses);
	tcase_add_test(invalid, a_refused_stream_ignores_all_that_comes_after);
	tcase_add_test(invalid,
	    an_incomplete_sequence_is_bad_only_at_the_end_of_the_stream);
}

Suite *
suite(void)
{
	Suite *s = suite_create("upcase");
	each_kernel(s, add_cases);
	return s;
}
