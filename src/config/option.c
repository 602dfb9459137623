/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/option.h"

#include "base/printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stores an unsigned number in a member of its size. */
static void
store(const struct option_field *field, void *member, uint64_t number)
{
	uint8_t byte = (uint8_t)number;
	uint32_t word = (uint32_t)number;
	if (field->size == sizeof byte)
		memcpy(member, &byte, sizeof byte);
	else if (field->size == sizeof word)
		memcpy(member, &word, sizeof word);
	else
		memcpy(member, &number, sizeof number);
}

/* The number in such a member. */
static uint64_t
load(const struct option_field *field, const void *member)
{
	uint8_t byte;
	uint32_t word;
	uint64_t number;
	if (field->size == sizeof byte) {
		memcpy(&byte, member, sizeof byte);
		return byte;
	}
	if (field->size == sizeof word) {
		memcpy(&word, member, sizeof word);
		return word;
	}
	memcpy(&number, member, sizeof number);
	return number;
}

static bool
parse_switch(const struct option_field *field, const char *text, void *member)
{
	bool is_on = text == NULL || strcmp(text, "yes") == 0;
	if (!is_on && strcmp(text, "no") != 0)
		return false;
	store(field, member, is_on ? field->most : 0);
	return true;
}

static bool
print_switch(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	bool is_on = load(field, member) == field->most;
	(void)snprintf(text, OPTION_TEXT_MAX, is_on ? "yes" : "no");
	return true;
}

static void
want_switch(
    const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "yes or no");
}

static bool
parse_quantity(const struct option_field *field, const char *text, void *member)
{
	uint64_t value = 0;
	if (field->zero != NULL && strcmp(text, field->zero) == 0) {
		store(field, member, value);
		return true;
	}
	if (value_parse(field->kind->scale, text, &value) == -1 ||
	    value < field->least || value > field->most)
		return false;
	store(field, member, value);
	return true;
}

static bool
print_quantity(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	uint64_t value = load(field, member);
	if (field->zero != NULL && value == 0) {
		(void)snprintf(text, OPTION_TEXT_MAX, "%s", field->zero);
		return true;
	}
	(void)value_print(field->kind->scale, value, text);
	/* 0 is no value where it is out of bounds. */
	return value >= field->least;
}

static void
want_quantity(
    const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	if (field->zero != NULL)
		sentence_add(sentence, "%s or ", field->zero);
	value_want(field->kind->scale, field->least, field->most, sentence);
}

/* Word i of the list, or NULL behind its end. */
static const char *
word_of(const struct option_field *field, size_t i)
{
	return field->words != NULL ? field->words[i] : field->name(i);
}

/* The place of a text in the list, or of its end. */
static size_t
find_word(const struct option_field *field, const char *text)
{
	size_t i = 0;
	while (
	    word_of(field, i) != NULL && strcmp(word_of(field, i), text) != 0)
		i++;
	return i;
}

static bool
parse_word(const struct option_field *field, const char *text, void *member)
{
	size_t i = find_word(field, text);
	if (word_of(field, i) == NULL)
		return false;
	store(field, member, i);
	return true;
}

static bool
print_word(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	(void)snprintf(text, OPTION_TEXT_MAX, "%s",
	    word_of(field, (size_t)load(field, member)));
	return true;
}

static void
want_word(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	size_t n = 0;
	while (word_of(field, n) != NULL)
		n++;
	sentence_add(sentence, "%s", n > 1 ? "one of " : "");
	for (size_t i = 0; i < n; i++)
		sentence_add_item(sentence, word_of(field, i), i, n, "and");
}

/* The name itself is kept, which lives as long as the program. */
static bool
parse_name(const struct option_field *field, const char *text, void *member)
{
	const char *name = word_of(field, find_word(field, text));
	if (name == NULL)
		return false;
	memcpy(member, &name, sizeof name);
	return true;
}

static bool
print_name(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	(void)field;
	const char *name;
	memcpy(&name, member, sizeof name);
	(void)snprintf(text, OPTION_TEXT_MAX, "%s", name == NULL ? "" : name);
	return name != NULL;
}

static bool
parse_text(const struct option_field *field, const char *text, void *member)
{
	size_t length = strlen(text);
	if (length == 0 || length >= field->size)
		return false;
	memcpy(member, text, length + 1);
	return true;
}

static bool
print_text(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	(void)field;
	(void)snprintf(text, OPTION_TEXT_MAX, "%s", (const char *)member);
	return text[0] != '\0';
}

static void
want_text(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	sentence_add(
	    sentence, "%s, of at most %zu bytes", field->noun, field->size - 1);
}

#define QUANTITY(its_scale)                                                    \
	{                                                                      \
		.parse = parse_quantity, .print = print_quantity,              \
		.want = want_quantity, .scale = &(its_scale)                   \
	}

const struct option_kind option_switch = {
    parse_switch, print_switch, want_switch, NULL};
const struct option_kind option_number = QUANTITY(value_number);
const struct option_kind option_time = QUANTITY(value_time);
const struct option_kind option_time_us = QUANTITY(value_time_us);
const struct option_kind option_size = QUANTITY(value_size);
const struct option_kind option_word = {
    parse_word, print_word, want_word, NULL};
const struct option_kind option_name = {
    parse_name, print_name, want_word, NULL};
const struct option_kind option_text = {
    parse_text, print_text, want_text, NULL};

const struct option_row *
option_find(const struct option_row *rows, const char *name)
{
	for (; rows->name != NULL; rows++) {
		if (strcmp(rows->name, name) == 0)
			return rows;
	}
	return NULL;
}

bool
option_set(const struct option_row *row, void *settings, const char *text,
    char sentence[static SENTENCE_MAX])
{
	const struct option_field *field = &row->field;
	char *member = (char *)settings + field->offset;
	size_t *count = NULL;
	sentence[0] = '\0';
	char shown[PRINTABLE_MAX];
	if (field->places != 0) {
		count = (void *)((char *)settings + field->count);
		if (*count == field->places) {
			sentence_add(sentence,
			    "'%s' is not one of the first %zu, which are the "
			    "most",
			    printable(text, shown), field->places);
			return false;
		}
		member += *count * field->size;
	}
	if (!field->kind->parse(field, text, member)) {
		sentence_add(sentence, "'%s' is not ", printable(text, shown));
		field->kind->want(field, sentence);
		return false;
	}
	if (count != NULL)
		++*count;
	return true;
}

void
option_clear(const struct option_row *row, void *settings)
{
	const size_t none = 0;
	if (row->field.places != 0)
		memcpy((char *)settings + row->field.count, &none, sizeof none);
}

size_t
option_count(const struct option_row *row, const void *settings)
{
	size_t n = 1;
	if (row->field.places != 0)
		memcpy(&n, (const char *)settings + row->field.count, sizeof n);
	return n;
}

bool
option_print(const struct option_row *row, const void *settings, size_t i,
    char text[static OPTION_TEXT_MAX])
{
	const struct option_field *field = &row->field;
	if (i >= option_count(row, settings))
		return false;
	const char *member =
	    (const char *)settings + field->offset + i * field->size;
	return field->kind->print(field, member, text);
}

void
option_copy(const struct option_row *row, void *settings, const void *others)
{
	const struct option_field *field = &row->field;
	size_t n = field->places != 0 ? field->places : 1;
	memcpy((char *)settings + field->offset,
	    (const char *)others + field->offset, n * field->size);
	if (field->places != 0)
		memcpy((char *)settings + field->count,
		    (const char *)others + field->count, sizeof(size_t));
}

bool
option_is_same(
    const struct option_row *row, const void *settings, const void *others)
{
	char ours[OPTION_TEXT_MAX], theirs[OPTION_TEXT_MAX];
	for (size_t i = 0;; i++) {
		/* As texts, since members have bytes that mean nothing. */
		bool has_ours = option_print(row, settings, i, ours);
		bool has_theirs = option_print(row, others, i, theirs);
		if (has_ours != has_theirs ||
		    (has_ours && strcmp(ours, theirs) != 0))
			return false;
		if (!has_ours)
			return true;
	}
}

void
option_set_defaults(const struct option_row *rows, void *settings)
{
	char sentence[SENTENCE_MAX];
	for (; rows->name != NULL; rows++) {
		option_clear(rows, settings);
		/* If a table's own default is refused, the table is wrong. */
		if (rows->preset != NULL &&
		    !option_set(rows, settings, rows->preset, sentence))
			abort();
	}
}
