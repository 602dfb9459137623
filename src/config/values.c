/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/values.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const struct value_scale value_number = {
    .noun = "a number",
    .units = {{"", 1}},
};

const struct value_scale value_time = {
    .noun = "a time",
    .units = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}},
    .examples = {500, 30000, 300000, 7200000},
};

const struct value_scale value_time_us = {
    .noun = "a time",
    .units = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000},
	{"h", UINT64_C(3600000000)}},
    .examples = {50, 1000},
};

const struct value_scale value_size = {
    .noun = "a size",
    .units = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}},
    .examples = {64 << 10, 16 << 20, 1 << 30},
};

int
value_parse(const struct value_scale *scale, const char *text, uint64_t *value)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0)
		return -1;
	uint64_t number = 0;
	for (size_t i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	const char *name = text + digits;
	if (number == 0 && name[0] == '\0') {
		*value = 0;
		return 0;
	}
	for (const struct value_unit *unit = scale->units; unit->each; unit++) {
		if (strcmp(name, unit->name) != 0)
			continue;
		if (number > UINT64_MAX / unit->each)
			return -1;
		*value = number * unit->each;
		return 0;
	}
	return -1;
}

const char *
value_print(const struct value_scale *scale, uint64_t value,
    char text[static VALUE_TEXT_MAX])
{
	const char *name = "";
	uint64_t each = 1;
	for (const struct value_unit *unit = scale->units; unit->each; unit++) {
		if (value == 0 || value % unit->each != 0)
			continue;
		name = unit->name;
		each = unit->each;
	}
	(void)snprintf(
	    text, VALUE_TEXT_MAX, "%" PRIu64 "%s", value / each, name);
	return text;
}

/* Adds the examples that lie between the bounds; returns how many there are. */
static size_t
add_examples(const struct value_scale *scale, uint64_t least, uint64_t most,
    char sentence[static SENTENCE_MAX])
{
	const uint64_t *first = scale->examples;
	while (*first != 0 && *first < least)
		first++;
	size_t n = 0;
	while (first[n] != 0 && first[n] <= most)
		n++;
	char text[VALUE_TEXT_MAX];
	sentence_add(sentence, "%s", n > 0 ? " such as " : "");
	for (size_t i = 0; i < n; i++)
		sentence_add_item(
		    sentence, value_print(scale, first[i], text), i, n, "or");
	return n;
}

void
value_want(const struct value_scale *scale, uint64_t least, uint64_t most,
    char sentence[static SENTENCE_MAX])
{
	char low[VALUE_TEXT_MAX], high[VALUE_TEXT_MAX];
	(void)value_print(scale, least, low);
	(void)value_print(scale, most, high);
	sentence_add(sentence, "%s", scale->noun);
	bool has_examples = add_examples(scale, least, most, sentence) > 0;
	const char *comma = has_examples ? "," : "";
	bool is_bounded = most < VALUE_SIZE_MAX || !has_examples;
	if (is_bounded && least == 0 && has_examples)
		sentence_add(sentence, ", at most %s", high);
	else if (is_bounded)
		sentence_add(sentence, "%s from %s to %s", comma, low, high);
	else
		sentence_add(sentence, "%s at least %s", comma, low);
}
