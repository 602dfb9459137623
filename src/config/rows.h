/* SPDX-License-Identifier: ISC */
/*
 * The notation for tables of options.  A file that has one says first of which
 * settings it is, and writes a row for each option:
 *
 *	#define OPTION_SETTINGS struct kitchen
 *
 *	static const struct option_row rows[] = {
 *	    {"cooks", NUMBER(ncooks, 1, 9), "N", .preset = "2",
 *		.help = "let N cooks prepare it"},
 *	    {"stir", SWITCH(stir), .help = "stir it now and then"},
 *	    {.name = NULL},
 *	};
 *
 * A row whose member has not the type of its kind, or one that is too small for
 * the upper bound, does not compile.
 */
#ifndef ROWS_H
#define ROWS_H

#include "config/option.h"

/* The member, for its type only. */
#define OPTION_MEMBER(member) (((OPTION_SETTINGS *)NULL)->member)

/* The kind, if the member is of the type. */
#define OPTION_OF(member, type, its_kind)                                      \
	_Generic(OPTION_MEMBER(member), type : &(its_kind))

#define OPTION_FIELD(member, its_kind, ...)                                    \
	{                                                                      \
		.kind = its_kind, .offset = offsetof(OPTION_SETTINGS, member), \
		.size = sizeof OPTION_MEMBER(member), __VA_ARGS__              \
	}

/* Bounds of an unsigned member. */
#define OPTION_BOUNDS(member, low, high)                                       \
	.least = (low), .most = (high) + 0 * sizeof(struct {                   \
		_Static_assert((low) == (high) || (low) < (high),              \
		    "no value is in bounds");                                  \
		_Static_assert((high) <= UINT64_MAX >>                         \
				   (64 - 8 * sizeof OPTION_MEMBER(member)),    \
		    "the upper bound does not fit " #member);                  \
		char none;                                                     \
	})

/* Yes or no, where no value is yes: true, or the constant. */
#define SWITCH(member)                                                         \
	OPTION_FIELD(                                                          \
	    member, OPTION_OF(member, bool, option_switch), .most = true)
#define CONSTANT(member, constant)                                             \
	OPTION_FIELD(                                                          \
	    member, OPTION_OF(member, int, option_switch), .most = (constant))

/* A whole number, in a member of any unsigned type. */
#define NUMBER(member, low, high) NUMBER_OR(member, NULL, low, high)

/* The same, or a word that stands for 0, which is out of bounds. */
#define NUMBER_OR(member, word, low, high)                                     \
	OPTION_FIELD(member,                                                   \
	    _Generic(OPTION_MEMBER(member), unsigned                           \
		     : &option_number, unsigned long                           \
		     : &option_number, unsigned long long                      \
		     : &option_number),                                        \
	    OPTION_BOUNDS(member, low, high), .zero = (word))

/* A time in milliseconds, and one in microseconds. */
#define TIME(member, low, high)                                                \
	OPTION_FIELD(member, OPTION_OF(member, uint32_t, option_time),         \
	    OPTION_BOUNDS(member, low, high))
#define TIME_US(member, low, high)                                             \
	OPTION_FIELD(member, OPTION_OF(member, uint32_t, option_time_us),      \
	    OPTION_BOUNDS(member, low, high))

/* A size in bytes. */
#define SIZE(member, low, high) SIZE_OR(member, NULL, low, high)
#define SIZE_OR(member, word, low, high)                                       \
	OPTION_FIELD(member, OPTION_OF(member, size_t, option_size),           \
	    OPTION_BOUNDS(member, low, high), .zero = (word))

/* One of a list of words, which ends with NULL; an enum gets its index. */
#define WORD(member, list)                                                     \
	OPTION_FIELD(                                                          \
	    member, OPTION_OF(member, unsigned, option_word), .words = (list))

/* One of the names that a function has, until it returns NULL; kept as such. */
#define NAME(member, function)                                                 \
	OPTION_FIELD(member, OPTION_OF(member, const char *, option_name),     \
	    .name = (function))

/* A text that is not empty and fits in an array of char. */
#define TEXT(member, its_noun)                                                 \
	OPTION_FIELD(member,                                                   \
	    _Generic(                                                          \
		&OPTION_MEMBER(member), char(*)[sizeof OPTION_MEMBER(member)]  \
		: &option_text),                                               \
	    .noun = (its_noun))

/* A member of a type of the program's own, with its kind. */
#define OF_KIND(member, type, its_kind)                                        \
	OPTION_FIELD(member, OPTION_OF(member, type, its_kind), .places = 0)

/*
 * Given any number of times: an array of such members, and a size_t for how
 * many are in use.
 */
#define LIST(member, its_count, type, its_kind)                                \
	OPTION_FIELD(member[0], OPTION_OF(member[0], type, its_kind),          \
	    .places = sizeof OPTION_MEMBER(member) /                           \
		      sizeof OPTION_MEMBER(member)[0],                         \
	    .count = _Generic(OPTION_MEMBER(its_count), size_t                 \
			      : offsetof(OPTION_SETTINGS, its_count)))

#endif
