/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/prefix_option.h"

#include "net/prefix.h"

static bool
parse(const struct option_field *field, const char *text, void *member)
{
	(void)field;
	return prefix_parse(member, text) == 0;
}

static bool
print(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	(void)field;
	(void)prefix_format(member, text);
	return true;
}

static void
want(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "%s", PREFIX_SYNTAX);
}

const struct option_kind option_prefix = {
    .parse = parse, .print = print, .want = want};
