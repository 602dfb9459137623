/* SPDX-License-Identifier: ISC */
/* Rows: how a text becomes a member of the settings, and that a text again. */
#include "config.h"

#include "config/rows.h"
#include "unit/runner.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A kind of the program's own. */
struct point {
	int x, y;
};

enum fruit { APPLE, PEAR, PLUM };

struct settings {
	bool flag;
	int family;
	unsigned small;
	uint64_t large;
	size_t count, size;
	uint32_t ms, us;
	enum fruit fruit;
	const char *animal;
	char text[8];
	struct point points[3];
	size_t npoints;
	struct point origin;
	unsigned crew;
	size_t room;
};

static const char *const fruits[] = {
    [APPLE] = "apple", [PEAR] = "pear", [PLUM] = "plum", NULL};
static const char *const one_word[] = {"only", NULL};

static const char *
animal(size_t i)
{
	static const char *const animals[] = {"cat", "dog", NULL};
	return animals[i];
}

static bool
parse_point(const struct option_field *field, const char *text, void *member)
{
	struct point *point = member;
	(void)field;
	if (strlen(text) != 3 || text[1] != ',')
		return false;
	point->x = text[0] - '0';
	point->y = text[2] - '0';
	return true;
}

static bool
print_point(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	const struct point *point = member;
	(void)field;
	(void)snprintf(text, OPTION_TEXT_MAX, "%d,%d", point->x, point->y);
	return true;
}

static void
want_point(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "a point such as 1,2");
}

static const struct option_kind option_point = {
    .parse = parse_point, .print = print_point, .want = want_point};

#define OPTION_SETTINGS struct settings
static const struct option_row rows[] = {
    {"flag", SWITCH(flag), .help = "raise the flag"},
    {"family", CONSTANT(family, 7), .help = "be of family 7"},
    {"small", NUMBER(small, 1, UINT32_MAX), "N", .preset = "12"},
    {"large", NUMBER(large, 0, UINT64_MAX), "N", .reloadable = true},
    {"count", NUMBER(count, 2, 9), "N", .otherwise = "some"},
    {"size", SIZE(size, 1, VALUE_SIZE_MAX), "SIZE", .preset = "64K"},
    {"time", TIME(ms, 0, VALUE_WEEK), "T", .preset = "10m"},
    {"short", TIME_US(us, 1, 10000), "T", .preset = "50us"},
    {"fruit", WORD(fruit, fruits), "FRUIT", .preset = "pear"},
    {"only", WORD(small, one_word), "WORD", .help = ""},
    {"animal", NAME(animal, animal), "NAME", .help = ""},
    {"text", TEXT(text, "a short word"), "TEXT", .help = ""},
    {"point", LIST(points, npoints, struct point, option_point), "POINT",
	.help = ""},
    {"origin", OF_KIND(origin, struct point, option_point), "POINT",
	.preset = "0,0"},
    {"crew", NUMBER_OR(crew, "auto", 1, 5), "N", .preset = "auto"},
    {"room", SIZE_OR(room, "auto", 8, VALUE_SIZE_MAX), "SIZE", .preset = "9"},
    {.name = NULL},
};

static struct settings settings;
static char sentence[SENTENCE_MAX];

static bool
set(const char *name, const char *text)
{
	const struct option_row *row = option_find(rows, name);
	ck_assert_ptr_nonnull(row);
	return option_set(row, &settings, text, sentence);
}

static void
expect(const char *name, size_t i, const char *expected)
{
	static char text[OPTION_TEXT_MAX];
	const struct option_row *row = option_find(rows, name);
	bool is_set = option_print(row, &settings, i, text);
	ck_assert_msg(is_set == (expected != NULL), "%s", name);
	if (expected != NULL)
		ck_assert_str_eq(text, expected);
}

static void
begin(void)
{
	memset(&settings, 0, sizeof settings);
	option_set_defaults(rows, &settings);
}

START_TEST(defaults_go_through_the_parser_and_the_rest_is_not_set)
{
	begin();
	ck_assert_uint_eq(settings.small, 12);
	ck_assert_uint_eq(settings.size, 65536);
	ck_assert_uint_eq(settings.ms, 600000);
	ck_assert_uint_eq(settings.us, 50);
	ck_assert_int_eq(settings.fruit, PEAR);
	expect("small", 0, "12");
	expect("time", 0, "10m");
	expect("fruit", 0, "pear");
	expect("origin", 0, "0,0");
	/* 0 is a value where it is one. */
	expect("large", 0, "0");
	expect("count", 0, NULL);
	expect("animal", 0, NULL);
	expect("text", 0, NULL);
	expect("point", 0, NULL);
	expect("flag", 0, "no");
	expect("family", 0, "no");
}
END_TEST

START_TEST(each_text_fills_its_member_and_no_other)
{
	begin();
	struct settings expected = settings;
	expected.flag = true;
	expected.family = 7;
	expected.small = UINT32_MAX;
	expected.large = UINT64_MAX;
	expected.count = 9;
	expected.size = 3;
	expected.ms = 1500;
	expected.us = 10000;
	expected.fruit = PLUM;
	expected.animal = animal(1);
	memcpy(expected.text, "7 bytes", 8);
	expected.points[0] = (struct point){1, 2};
	expected.npoints = 1;
	expected.origin = (struct point){3, 4};
	ck_assert(set("flag", NULL) && set("family", NULL) &&
		  set("small", "4294967295") &&
		  set("large", "18446744073709551615") && set("count", "9") &&
		  set("size", "3") && set("time", "1500ms") &&
		  set("short", "10ms") && set("fruit", "plum") &&
		  set("animal", "dog") && set("text", "7 bytes") &&
		  set("point", "1,2") && set("origin", "3,4"));
	ck_assert_mem_eq(&settings, &expected, sizeof settings);
	ck_assert_str_eq(sentence, "");
}
END_TEST

START_TEST(what_is_printed_sets_the_same_again)
{
	static const char *const texts[][2] = {{"small", "7"}, {"large", "5"},
	    {"count", "2"}, {"size", "16M"}, {"time", "90s"}, {"short", "1ms"},
	    {"fruit", "apple"}, {"animal", "cat"}, {"text", "word"},
	    {"point", "5,6"}, {"origin", "9,9"}, {"flag", "yes"},
	    {"flag", "no"}, {"family", "yes"}, {"crew", "auto"}, {"crew", "5"},
	    {"room", "auto"}, {"room", "8"}};
	for (int i = 0; i < LENGTH(texts); i++) {
		begin();
		ck_assert(set(texts[i][0], texts[i][1]));
		expect(texts[i][0], 0, texts[i][1]);
		expect(texts[i][0], 1, NULL);
	}
}
END_TEST

START_TEST(a_refused_value_changes_nothing_and_says_what_is_wanted)
{
	static const char *const cases[][3] = {
	    {"small", "0", "'0' is not a number from 1 to 4294967295"},
	    {"small", "4294967296",
		"'4294967296' is not a number from 1 to 4294967295"},
	    {"count", "1", "'1' is not a number from 2 to 9"},
	    {"count", "10", "'10' is not a number from 2 to 9"},
	    {"large", "\n",
		"'\\x0a' is not a number from 0 to "
		"18446744073709551615"},
	    {"size", "0",
		"'0' is not a size such as 64K, 16M or 1G, at least "
		"1"},
	    {"time", "169h",
		"'169h' is not a time such as 500ms, 30s, 5m or "
		"2h, at most 168h"},
	    {"short", "0",
		"'0' is not a time such as 50us or 1ms, from 1us "
		"to 10ms"},
	    {"fruit", "Plum", "'Plum' is not one of apple, pear and plum"},
	    {"fruit", "", "'' is not one of apple, pear and plum"},
	    {"only", "other", "'other' is not only"},
	    {"animal", "cow", "'cow' is not one of cat and dog"},
	    {"text", "", "'' is not a short word, of at most 7 bytes"},
	    {"text", "12345678",
		"'12345678' is not a short word, of at most 7 "
		"bytes"},
	    {"point", "1;2", "'1;2' is not a point such as 1,2"},
	    {"origin", "", "'' is not a point such as 1,2"},
	    {"flag", "", "'' is not yes or no"},
	    {"flag", "Yes", "'Yes' is not yes or no"},
	    {"crew", "some", "'some' is not auto or a number from 1 to 5"},
	    {"crew", "0", "'0' is not auto or a number from 1 to 5"},
	    {"room", "7",
		"'7' is not auto or a size such as 64K, 16M or 1G, at least "
		"8"},
	};
	begin();
	struct settings before = settings;
	for (int i = 0; i < LENGTH(cases); i++) {
		ck_assert_msg(
		    !set(cases[i][0], cases[i][1]), "%s", cases[i][0]);
		ck_assert_str_eq(sentence, cases[i][2]);
		ck_assert_mem_eq(&settings, &before, sizeof settings);
	}
}
END_TEST

START_TEST(a_list_takes_as_many_as_it_has_places)
{
	begin();
	ck_assert(
	    set("point", "1,1") && set("point", "2,2") && set("point", "3,3"));
	ck_assert(!set("point", "4,4"));
	ck_assert_str_eq(
	    sentence, "'4,4' is not one of the first 3, which are the most");
	ck_assert_uint_eq(settings.npoints, 3);
	expect("point", 0, "1,1");
	expect("point", 2, "3,3");
	expect("point", 3, NULL);
	ck_assert_int_eq(settings.origin.x, 0);
}
END_TEST

START_TEST(a_list_begins_anew_when_it_was_cleared)
{
	begin();
	ck_assert(set("point", "1,1") && set("point", "2,2"));
	ck_assert_uint_eq(
	    option_count(option_find(rows, "point"), &settings), 2);
	ck_assert_uint_eq(
	    option_count(option_find(rows, "small"), &settings), 1);
	struct settings before = settings;
	option_clear(option_find(rows, "small"), &settings);
	ck_assert_mem_eq(&settings, &before, sizeof settings);
	option_clear(option_find(rows, "point"), &settings);
	ck_assert_uint_eq(settings.npoints, 0);
	ck_assert(set("point", "3,3"));
	expect("point", 0, "3,3");
	expect("point", 1, NULL);
	option_set_defaults(rows, &settings);
	ck_assert_uint_eq(settings.npoints, 0);
}
END_TEST

START_TEST(what_was_copied_is_the_same_and_nothing_else_is)
{
	static const char *const texts[][2] = {{"flag", "yes"}, {"small", "7"},
	    {"large", "5"}, {"size", "1"}, {"fruit", "plum"}, {"animal", "cat"},
	    {"text", "word"}, {"point", "5,6"}, {"origin", "9,9"},
	    {"crew", "3"}, {"room", "auto"}};
	for (int i = 0; i < LENGTH(texts); i++) {
		const struct option_row *row = option_find(rows, texts[i][0]);
		begin();
		struct settings other = settings;
		ck_assert(option_is_same(row, &settings, &other));
		ck_assert(set(texts[i][0], texts[i][1]));
		ck_assert_msg(
		    !option_is_same(row, &settings, &other), "%s", texts[i][0]);
		ck_assert(!option_is_same(row, &other, &settings));
		option_copy(row, &other, &settings);
		ck_assert(option_is_same(row, &settings, &other));
		ck_assert_mem_eq(&settings, &other, sizeof settings);
	}
	/* Lists of different lengths, of which one begins as the other. */
	const struct option_row *row = option_find(rows, "point");
	begin();
	ck_assert(set("point", "1,1"));
	struct settings other = settings;
	ck_assert(set("point", "2,2"));
	ck_assert(!option_is_same(row, &settings, &other));
	ck_assert(!option_is_same(row, &other, &settings));
	option_copy(row, &settings, &other);
	ck_assert_uint_eq(settings.npoints, 1);
}
END_TEST

START_TEST(settings_need_the_text_no_longer)
{
	char text[] = "word", name[] = "dog";
	begin();
	ck_assert(set("text", text) && set("animal", name));
	memset(text, 'x', sizeof text - 1);
	memset(name, 'x', sizeof name - 1);
	ck_assert_str_eq(settings.text, "word");
	ck_assert_str_eq(settings.animal, "dog");
}
END_TEST

START_TEST(a_row_is_found_by_its_whole_name)
{
	ck_assert_ptr_eq(option_find(rows, "flag"), &rows[0]);
	ck_assert_ptr_null(option_find(rows, "fla"));
	ck_assert_ptr_null(option_find(rows, "flags"));
	ck_assert_ptr_null(option_find(rows, ""));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("option");
	TCase *tcase = tcase_create("rows");
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, defaults_go_through_the_parser_and_the_rest_is_not_set);
	tcase_add_test(tcase, each_text_fills_its_member_and_no_other);
	tcase_add_test(tcase, what_is_printed_sets_the_same_again);
	tcase_add_test(
	    tcase, a_refused_value_changes_nothing_and_says_what_is_wanted);
	tcase_add_test(tcase, a_list_takes_as_many_as_it_has_places);
	tcase_add_test(tcase, a_list_begins_anew_when_it_was_cleared);
	tcase_add_test(tcase, what_was_copied_is_the_same_and_nothing_else_is);
	tcase_add_test(tcase, settings_need_the_text_no_longer);
	tcase_add_test(tcase, a_row_is_found_by_its_whole_name);
	return suite;
}
