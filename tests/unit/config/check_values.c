/* SPDX-License-Identifier: ISC */
/* Quantities: what is read, what is refused, how they are written. */
#include "config.h"

#include "config/values.h"
#include "unit/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const struct value_scale *scale;
	const char *text;
	uint64_t value;
} good[] = {
    {&value_number, "0", 0},
    {&value_number, "007", 7},
    {&value_number, "0000000000000000000000000001", 1},
    {&value_number, "18446744073709551615", UINT64_MAX},
    {&value_time, "0", 0},
    {&value_time, "00", 0},
    {&value_time, "0h", 0},
    {&value_time, "1ms", 1},
    {&value_time, "500ms", 500},
    {&value_time, "30s", 30000},
    {&value_time, "5m", 300000},
    {&value_time, "2h", 7200000},
    {&value_time, "0002s", 2000},
    {&value_time, "168h", VALUE_WEEK},
    {&value_time, "604800s", VALUE_WEEK},
    {&value_time_us, "50us", 50},
    {&value_time_us, "3ms", 3000},
    {&value_time_us, "1s", 1000000},
    {&value_time_us, "1m", 60000000},
    {&value_time_us, "1h", UINT64_C(3600000000)},
    {&value_size, "0", 0},
    {&value_size, "65537", 65537},
    {&value_size, "64K", 65536},
    {&value_size, "16M", 16777216},
    {&value_size, "1000000000", 1000000000},
    {&value_size, "17179869183G", UINT64_C(17179869183) << 30},
};

static const struct {
	const struct value_scale *scale;
	const char *texts[24];
} bad[] = {
    {&value_number, {"", "-1", "+1", " 1", "1 ", "1k", "0x1", "1.0", "1e2", "x",
			"18446744073709551616", "18446744073709551620",
			"99999999999999999999999"}},
    {&value_time,
	{"", "1", "s", "1 s", " 1s", "1s ", "-1s", "+1s", "1.5s", "1S", "1d",
	    "1sm", "1mss", "0x1s", "1000us", "0x", "18446744073709551616ms",
	    "18446744073709551615s", "18446744073709552s", "5124095576031h"}},
    {&value_time_us, {"", "1", "us", "-1us", "1.5ms", "1US"}},
    {&value_size,
	{"", "K", "64k", "64KB", "64 K", "1T", "-64K", "1.5M", "17179869184G"}},
};

START_TEST(a_quantity_is_a_number_and_its_unit)
{
	for (int i = 0; i < LENGTH(good); i++) {
		uint64_t value = 77;
		const char *text = good[i].text;
		ck_assert_msg(
		    value_parse(good[i].scale, text, &value) == 0, "%s", text);
		ck_assert_msg(value == good[i].value, "%s", text);
	}
}
END_TEST

START_TEST(what_is_no_quantity_is_refused)
{
	for (int i = 0; i < LENGTH(bad); i++) {
		for (int j = 0; j < 24 && bad[i].texts[j] != NULL; j++) {
			uint64_t value = 77;
			const char *text = bad[i].texts[j];
			ck_assert_msg(
			    value_parse(bad[i].scale, text, &value) == -1, "%s",
			    text);
			ck_assert_uint_eq(value, 77);
		}
	}
}
END_TEST

START_TEST(the_text_of_a_value_is_the_shortest_that_gives_it_again)
{
	static const struct {
		const struct value_scale *scale;
		uint64_t value;
		const char *text;
	} cases[] = {
	    {&value_number, 0, "0"},
	    {&value_number, UINT64_MAX, "18446744073709551615"},
	    {&value_time, 0, "0"},
	    {&value_time, 1, "1ms"},
	    {&value_time, 1000, "1s"},
	    {&value_time, 1500, "1500ms"},
	    {&value_time, 60000, "1m"},
	    {&value_time, 90000, "90s"},
	    {&value_time, 600000, "10m"},
	    {&value_time, VALUE_WEEK, "168h"},
	    {&value_time_us, 10000, "10ms"},
	    {&value_time_us, UINT64_C(7200000000), "2h"},
	    {&value_size, 1000, "1000"},
	    {&value_size, 65536, "64K"},
	    {&value_size, 65537, "65537"},
	    {&value_size, UINT64_C(3) << 30, "3G"},
	};
	char text[VALUE_TEXT_MAX];
	for (int i = 0; i < LENGTH(cases); i++)
		ck_assert_str_eq(
		    value_print(cases[i].scale, cases[i].value, text),
		    cases[i].text);
	for (int i = 0; i < LENGTH(good); i++) {
		uint64_t again;
		(void)value_print(good[i].scale, good[i].value, text);
		ck_assert_int_eq(value_parse(good[i].scale, text, &again), 0);
		ck_assert_uint_eq(again, good[i].value);
		ck_assert_uint_le(strlen(text), strlen(good[i].text));
	}
}
END_TEST

START_TEST(bounds_and_examples_within_them_make_the_sentence)
{
	static const struct {
		const struct value_scale *scale;
		uint64_t least, most;
		const char *sentence;
	} cases[] = {
	    {&value_number, 1, 256, "a number from 1 to 256"},
	    {&value_number, 0, UINT64_MAX,
		"a number from 0 to 18446744073709551615"},
	    {&value_time, 0, VALUE_WEEK,
		"a time such as 500ms, 30s, 5m or 2h, at most 168h"},
	    {&value_time, 1, 3600000,
		"a time such as 500ms, 30s or 5m, from 1ms to 1h"},
	    {&value_time, 1000, 60000, "a time such as 30s, from 1s to 1m"},
	    {&value_time, 0, 30000, "a time such as 500ms or 30s, at most 30s"},
	    {&value_time, 0, 499, "a time from 0 to 499ms"},
	    {&value_time_us, 0, 10000,
		"a time such as 50us or 1ms, at most 10ms"},
	    {&value_size, 65536, VALUE_SIZE_MAX,
		"a size such as 64K, 16M or 1G, at least 64K"},
	};
	for (int i = 0; i < LENGTH(cases); i++) {
		char sentence[SENTENCE_MAX] = "";
		value_want(
		    cases[i].scale, cases[i].least, cases[i].most, sentence);
		ck_assert_str_eq(sentence, cases[i].sentence);
	}
}
END_TEST

START_TEST(a_sentence_without_room_is_cut_at_its_end)
{
	char sentence[SENTENCE_MAX] = "";
	for (int i = 0; i < SENTENCE_MAX; i++)
		sentence_add(sentence, "%d,", i);
	ck_assert_uint_eq(strlen(sentence), SENTENCE_MAX - 1);
	ck_assert_int_eq(strncmp(sentence, "0,1,2,3,", 8), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("values");
	TCase *tcase = tcase_create("values");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_quantity_is_a_number_and_its_unit);
	tcase_add_test(tcase, what_is_no_quantity_is_refused);
	tcase_add_test(
	    tcase, the_text_of_a_value_is_the_shortest_that_gives_it_again);
	tcase_add_test(
	    tcase, bounds_and_examples_within_them_make_the_sentence);
	tcase_add_test(tcase, a_sentence_without_room_is_cut_at_its_end);
	return suite;
}
