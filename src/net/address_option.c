/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/address_option.h"

#include "net/address.h"

#include <string.h>

static bool
parse(const struct option_field *field, const char *text, void *member)
{
	(void)field;
	struct address address;
	if (address_parse(&address, text) == -1)
		return false;
	memcpy(member, &address, sizeof address);
	return true;
}

static bool
parse_listen(const struct option_field *field, const char *text, void *member)
{
	(void)field;
	struct address address;
	if (address_parse_listen(&address, text) == -1)
		return false;
	memcpy(member, &address, sizeof address);
	return true;
}

static bool
print(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	(void)field;
	const struct address *address = member;
	(void)address_spell(address, text);
	return address->port[0] != '\0';
}

static void
want(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "%s", ADDRESS_SYNTAX);
}

static void
want_listen(
    const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "%s", ADDRESS_LISTEN_SYNTAX);
}

const struct option_kind option_address = {
    .parse = parse, .print = print, .want = want};

const struct option_kind option_listen = {
    .parse = parse_listen, .print = print, .want = want_listen};
