/* SPDX-License-Identifier: ISC */
/* Prefixes: sets of addresses. */
#include "config.h"

#include "net/prefix.h"
#include "net/prefix_option.h"
#include "unit/runner.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <string.h>

union any_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static union any_address
address_of(const char *text)
{
	union any_address address = {.any = {.sa_family = AF_UNIX}};
	struct in_addr ipv4;
	struct in6_addr ipv6;
	if (inet_pton(AF_INET, text, &ipv4) == 1)
		address.ipv4 = (struct sockaddr_in){.sin_family = AF_INET,
		    .sin_port = htons(1),
		    .sin_addr = ipv4};
	else if (inet_pton(AF_INET6, text, &ipv6) == 1)
		address.ipv6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
		    .sin6_port = htons(1),
		    .sin6_scope_id = 1,
		    .sin6_addr = ipv6};
	return address;
}

/* "a socket" stands for one of another family. */
static bool
has(const char *prefix, const char *address)
{
	struct prefix parsed;
	const union any_address own = address_of(address);
	ck_assert_msg(prefix_parse(&parsed, prefix) == 0, "%s", prefix);
	return prefix_has(&parsed, &own.any);
}

START_TEST(a_prefix_is_written_as_it_was_read)
{
	static const char *const same[] = {"none", "all", "loopback",
	    "192.0.2.7", "192.0.2.0/24", "0.0.0.0/0", "128.0.0.0/1",
	    "255.255.255.254/31", "::1", "::/0", "2001:db8::/32", "8000::/1",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"};
	char text[PREFIX_TEXT_MAX];
	struct prefix prefix;
	for (int i = 0; i < LENGTH(same); i++) {
		ck_assert_msg(
		    prefix_parse(&prefix, same[i]) == 0, "%s", same[i]);
		ck_assert_ptr_eq(prefix_format(&prefix, text), text);
		ck_assert_str_eq(text, same[i]);
		ck_assert(option_prefix.print(NULL, &prefix, text));
		ck_assert_str_eq(text, same[i]);
	}
	ck_assert_int_eq(prefix_parse(&prefix, "192.0.2.7/32"), 0);
	ck_assert_str_eq(prefix_format(&prefix, text), "192.0.2.7");
	ck_assert_int_eq(prefix_parse(&prefix, "0:0::1/128"), 0);
	ck_assert_str_eq(prefix_format(&prefix, text), "::1");
}
END_TEST

START_TEST(what_is_no_prefix_is_refused)
{
	static const char *const bad[] = {"", "/", "/8", "All", "lo", "1",
	    "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
	    "192.0.2.0/+8", "192.0.2.0/ 8", "192.0.2.0/08", "192.0.2.0/8x",
	    "192.0.2.0/24/8", "192.0.2.0/255.255.255.0", "192.0.2.0/4294967320",
	    "192.0.2.7/24", "192.0.2.1/31", "192.0.2.256", "192.0.02.1",
	    " 192.0.2.1", "192.0.2.1 ", "192.0.2.1,", "[::1]", "::1/129",
	    "2001:db8::1/32", "::1/127", "fe80::1%lo", "::ffff:192.0.2.1",
	    "::ffff:0:0/96", "name", "all/0", "none/0",
	    "00000000000000000000000000000000000000000000000000000000::1"};
	char sentence[SENTENCE_MAX] = "";
	for (int i = 0; i < LENGTH(bad); i++) {
		struct prefix prefix = {.kind = PREFIX_IPV4, .bits = 7};
		const struct prefix before = prefix;
		ck_assert_msg(
		    prefix_parse(&prefix, bad[i]) == -1, "%s", bad[i]);
		ck_assert(!option_prefix.parse(NULL, bad[i], &prefix));
		ck_assert_mem_eq(&prefix, &before, sizeof prefix);
	}
	option_prefix.want(NULL, sentence);
	ck_assert_ptr_nonnull(strstr(sentence, "192.0.2.0/24"));
}
END_TEST

/* Against a comparison of bits one by one. */
START_TEST(each_length_has_the_addresses_that_begin_so)
{
	static const struct {
		const char *address;
		unsigned bits;
	} wholes[] = {{"165.90.195.60", 32}, {"a5c3:5a3c:f00f::8001", 128}};
	for (int i = 0; i < LENGTH(wholes); i++) {
		unsigned most = wholes[i].bits;
		union any_address own = address_of(wholes[i].address);
		unsigned char *bytes = most == 32 ? (void *)&own.ipv4.sin_addr
						  : own.ipv6.sin6_addr.s6_addr;
		for (unsigned bits = 0; bits <= most; bits++) {
			const struct prefix prefix =
			    prefix_of(&own.any, bits, bits);
			ck_assert_uint_eq(prefix.bits, bits);
			ck_assert(prefix_has(&prefix, &own.any));
			for (unsigned at = 0; at < most; at++) {
				unsigned char bit = 0x80U >> at % 8 & 0xff;
				bytes[at / 8] ^= bit;
				ck_assert_int_eq(
				    prefix_has(&prefix, &own.any), at >= bits);
				const struct prefix other =
				    prefix_of(&own.any, bits, bits);
				ck_assert_int_eq(
				    memcmp(&other, &prefix, sizeof prefix) == 0,
				    at >= bits);
				bytes[at / 8] ^= bit;
			}
		}
	}
}
END_TEST

START_TEST(ipv4_in_ipv6_is_ipv4)
{
	ck_assert(has("192.0.2.0/24", "::ffff:192.0.2.9"));
	ck_assert(has("192.0.2.9", "::ffff:192.0.2.9"));
	ck_assert(!has("192.0.2.8", "::ffff:192.0.2.9"));
	ck_assert(!has("::/0", "::ffff:192.0.2.9"));
	ck_assert(has("0.0.0.0/0", "::ffff:192.0.2.9"));
	ck_assert(has("loopback", "::ffff:127.1.2.3"));
	const union any_address mapped = address_of("::ffff:192.0.2.9"),
				plain = address_of("192.0.2.9");
	const struct prefix a = prefix_of(&mapped.any, 24, 64),
			    b = prefix_of(&plain.any, 24, 64);
	ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

START_TEST(no_family_has_addresses_of_another)
{
	static const char *const prefixes[] = {
	    "none", "loopback", "0.0.0.0/0", "::/0"};
	for (int i = 0; i < LENGTH(prefixes); i++)
		ck_assert(!has(prefixes[i], "a socket"));
	ck_assert(has("all", "a socket"));
	ck_assert(!has("0.0.0.0/0", "::"));
	ck_assert(!has("::/0", "0.0.0.0"));
	const union any_address strange = address_of("a socket");
	ck_assert_uint_eq(prefix_of(&strange.any, 32, 128).kind, PREFIX_NONE);
}
END_TEST

START_TEST(the_words_stand_for_what_they_say)
{
	ck_assert(has("all", "192.0.2.1") && has("all", "2001:db8::1"));
	ck_assert(!has("none", "192.0.2.1") && !has("none", "::1"));
	ck_assert(has("loopback", "127.0.0.1") && has("loopback", "::1"));
	ck_assert(has("loopback", "127.255.255.255"));
	ck_assert(!has("loopback", "128.0.0.0") && !has("loopback", "::2"));
	ck_assert(!has("loopback", "126.255.255.255"));
}
END_TEST

START_TEST(one_prefix_of_a_list_is_enough)
{
	struct prefix list[3];
	const union any_address own = address_of("192.0.2.7");
	ck_assert_int_eq(prefix_parse(&list[0], "::/0"), 0);
	ck_assert_int_eq(prefix_parse(&list[1], "none"), 0);
	ck_assert_int_eq(prefix_parse(&list[2], "192.0.2.0/29"), 0);
	ck_assert(!prefixes_have(list, 0, &own.any));
	ck_assert(!prefixes_have(list, 2, &own.any));
	ck_assert(prefixes_have(list, 3, &own.any));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("prefix");
	TCase *prefix = tcase_create("prefix");
	tcase_add_test(prefix, a_prefix_is_written_as_it_was_read);
	tcase_add_test(prefix, what_is_no_prefix_is_refused);
	tcase_add_test(prefix, each_length_has_the_addresses_that_begin_so);
	tcase_add_test(prefix, ipv4_in_ipv6_is_ipv4);
	tcase_add_test(prefix, no_family_has_addresses_of_another);
	tcase_add_test(prefix, the_words_stand_for_what_they_say);
	tcase_add_test(prefix, one_prefix_of_a_list_is_enough);
	suite_add_tcase(suite, prefix);
	return suite;
}
