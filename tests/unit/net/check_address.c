/* SPDX-License-Identifier: ISC */
/* Addresses, as they are written in options and shown in the log. */
#include "config.h"

#include "net/address.h"
#include "net/address_option.h"
#include "unit/runner.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *host, *port;
	bool loopback;
} good_addresses[] = {
    {"127.0.0.1:5220", "127.0.0.1", "5220", false},
    {"[::1]:5220", "::1", "5220", false},
    {"[::]:0", "::", "0", false},
    {"[fe80::1%lo]:80", "fe80::1%lo", "80", false},
    {"name.example:1", "name.example", "1", false},
    {":65535", "", "65535", false},
    {"a:00080", "a", "00080", false},
    {"127.0.0.1", "127.0.0.1", "5220", false},
    {"name.example", "name.example", "5220", false},
    {"[::1]", "::1", "5220", false},
    {"5220", "", "5220", true},
    {"0", "", "0", true},
    {"1a", "1a", "5220", false},
    {"tcp:127.0.0.1:1", "127.0.0.1", "1", false},
    {"tcp:[::1]", "::1", "5220", false},
    {"tcp:7", "", "7", true},
    {"tcp::7", "", "7", false},
    {"tcp:udp:7", "udp", "7", false},
    {"tcp:tcp:7", "tcp", "7", false},
};

static const char *const bad_addresses[] = {"", ":", "tcp:", "udp:1", "unix:/a",
    "65536", "123456", "name,proxy", "name:", "tcp:[]", "[::1]5220", "[::1",
    "[name]", "name:http", "name:65536", "name:000080", "name:-1", "name:+1",
    "name: 1", "name:1 ", "na me:1", "na\tme:1", "::1:80", "::1", "[::1]80",
    "[::1:80", "::1]:80", "[]:80", "[name]:80", "[127.0.0.1]:80", "[[::1]]:80",
    "[::1]x]:80", "a[b:80", "na\x1bme:1", "na\177me:1",
    "name:99999999999999999999", "\"name\":1", "'name'"};

START_TEST(an_address_is_split_into_host_and_port)
{
	for (int i = 0; i < LENGTH(good_addresses); i++) {
		struct address address;
		const char *text = good_addresses[i].text;
		ck_assert_msg(address_parse(&address, text) == 0, "%s", text);
		ck_assert_str_eq(address.host, good_addresses[i].host);
		ck_assert_str_eq(address.port, good_addresses[i].port);
		ck_assert_int_eq(address.loopback, good_addresses[i].loopback);
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	for (int i = 0; i < LENGTH(bad_addresses); i++) {
		struct address address;
		const char *text = bad_addresses[i];
		ck_assert_msg(address_parse(&address, text) == -1, "%s", text);
	}
}
END_TEST

START_TEST(an_address_to_listen_on_may_have_the_attribute_proxy_once)
{
	static const char *const good[] = {
	    "127.0.0.1:5220", "[::1]:5220", "name:80", ":0", "80"};
	static const char *const bad[] = {"", ",proxy", "80,", "80,proxy,",
	    "80,proxy,proxy", "80,other", "80,Proxy", "80, proxy", "80 ,proxy",
	    "80,proxy ", "80,proxy=yes", "80\\,proxy", "other:x,proxy"};
	struct address address;
	char text[ADDRESS_SPELLED_MAX], spelled[ADDRESS_SPELLED_MAX];
	for (int i = 0; i < LENGTH(good); i++) {
		ck_assert_int_eq(address_parse_listen(&address, good[i]), 0);
		ck_assert(!address.proxied);
		ck_assert_str_eq(address_spell(&address, spelled), good[i]);
		(void)snprintf(text, sizeof text, "%s,proxy", good[i]);
		ck_assert_int_eq(address_parse_listen(&address, text), 0);
		ck_assert(address.proxied);
		ck_assert_str_eq(address_spell(&address, spelled), text);
		/* A server to connect to has none. */
		ck_assert_int_eq(address_parse(&address, text), -1);
	}
	for (int i = 0; i < LENGTH(bad); i++)
		ck_assert_msg(
		    address_parse_listen(&address, bad[i]) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(the_longest_name_can_be_spelled_with_the_attribute)
{
	struct address address;
	static char text[ADDRESS_SPELLED_MAX + 8], spelled[ADDRESS_SPELLED_MAX];
	memset(text, 'a', ADDRESS_HOST_MAX - 1);
	(void)snprintf(text + ADDRESS_HOST_MAX - 1, 20, ":00001,proxy");
	ck_assert_int_eq(address_parse_listen(&address, text), 0);
	ck_assert_str_eq(address_spell(&address, spelled), text);
	memset(text, 'a', sizeof text - 1);
	ck_assert_int_eq(address_parse_listen(&address, text), -1);
}
END_TEST

START_TEST(a_host_name_may_be_as_long_as_there_is_room)
{
	struct address address;
	char text[ADDRESS_HOST_MAX + 8];
	for (size_t length = ADDRESS_HOST_MAX - 1; length <= ADDRESS_HOST_MAX;
	     length++) {
		memset(text, 'a', length);
		memcpy(text + length, ":80", 4);
		ck_assert_int_eq(address_parse(&address, text),
		    length < ADDRESS_HOST_MAX ? 0 : -1);
	}
}
END_TEST

static void
expect_format(const char *text, int family, const char *expected)
{
	struct address address;
	struct addrinfo *list;
	char formatted[ADDRESS_TEXT_MAX];
	ck_assert_int_eq(address_parse(&address, text), 0);
	ck_assert_int_eq(address_resolve(&address, family, &list), 0);
	ck_assert_int_eq(list->ai_socktype, SOCK_STREAM);
	ck_assert_ptr_eq(address_format(list->ai_addr, formatted), formatted);
	ck_assert_str_eq(formatted, expected);
	freeaddrinfo(list);
}

START_TEST(literal_addresses_are_resolved_and_written_as_they_were)
{
	expect_format("127.0.0.1:5220", AF_UNSPEC, "127.0.0.1:5220");
	expect_format("[::1]:65535", AF_UNSPEC, "[::1]:65535");
	expect_format("[0:0::ff]:1", AF_INET6, "[::ff]:1");
	expect_format("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
	    AF_UNSPEC, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	expect_format(":7", AF_INET, "0.0.0.0:7");
	expect_format(":7", AF_INET6, "[::]:7");
	expect_format("7", AF_INET, "127.0.0.1:7");
	expect_format("7", AF_INET6, "[::1]:7");
	char text[ADDRESS_TEXT_MAX];
	const struct sockaddr strange = {.sa_family = AF_UNIX};
	ck_assert_str_eq(address_format(&strange, text), "an unknown address");
}
END_TEST

START_TEST(an_address_of_the_other_family_does_not_resolve)
{
	struct address address;
	struct addrinfo *list;
	ck_assert_int_eq(address_parse(&address, "127.0.0.1:1"), 0);
	ck_assert_int_ne(address_resolve(&address, AF_INET6, &list), 0);
}
END_TEST

START_TEST(an_address_is_a_value_of_an_option_and_is_printed_as_it_was)
{
	static const char *const texts[] = {
	    "127.0.0.1:5220", "[::1]:5220", "name:80", ":0", "80"};
	struct address address = {.port = ""};
	static char text[OPTION_TEXT_MAX];
	char sentence[SENTENCE_MAX] = "";
	const struct option_kind *kind = &option_address;
	ck_assert(!kind->print(NULL, &address, text));
	for (int i = 0; i < LENGTH(texts); i++) {
		ck_assert(kind->parse(NULL, texts[i], &address));
		ck_assert(kind->print(NULL, &address, text));
		ck_assert_str_eq(text, texts[i]);
	}
	ck_assert(!kind->parse(NULL, "other:x", &address));
	ck_assert_str_eq(address.host, "");
	kind->want(NULL, sentence);
	ck_assert_str_eq(sentence, ADDRESS_SYNTAX);
	ck_assert(!kind->parse(NULL, "80,proxy", &address));
	kind = &option_listen;
	ck_assert(kind->parse(NULL, "80,proxy", &address));
	ck_assert(kind->print(NULL, &address, text));
	ck_assert_str_eq(text, "80,proxy");
	ck_assert(!kind->parse(NULL, "80,other", &address));
	sentence[0] = '\0';
	kind->want(NULL, sentence);
	ck_assert_str_eq(sentence, ADDRESS_LISTEN_SYNTAX);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("address");
	TCase *address = tcase_create("address");
	tcase_add_test(address, an_address_is_split_into_host_and_port);
	tcase_add_test(address, what_is_no_address_is_refused);
	tcase_add_test(address, a_host_name_may_be_as_long_as_there_is_room);
	tcase_add_test(
	    address, an_address_to_listen_on_may_have_the_attribute_proxy_once);
	tcase_add_test(
	    address, the_longest_name_can_be_spelled_with_the_attribute);
	tcase_add_test(
	    address, literal_addresses_are_resolved_and_written_as_they_were);
	tcase_add_test(
	    address, an_address_of_the_other_family_does_not_resolve);
	tcase_add_test(address,
	    an_address_is_a_value_of_an_option_and_is_printed_as_it_was);
	suite_add_tcase(suite, address);
	return suite;
}
