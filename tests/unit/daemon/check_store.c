/* SPDX-License-Identifier: ISC */
/* The store of a service manager: names, and how many places it has. */
#include "config.h"

#include "daemon/store.h"
#include "net/transport.h"
#include "unit/runner.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <limits.h>
#include <stddef.h>
#include <string.h>

START_TEST(a_name_has_the_address_and_no_colon)
{
	char name[STORE_NAME_SIZE];
	struct sockaddr_in ipv4 = {
	    .sin_family = AF_INET, .sin_port = htons(5220)};
	struct sockaddr_in6 ipv6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(65535)};
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.7", &ipv4.sin_addr), 1);
	store_name(&transport_tcp, (struct sockaddr *)&ipv4, name);
	ck_assert_str_eq(name, "upcased-store-tcp-192.0.2.7_5220");
	ck_assert_int_eq(
	    inet_pton(AF_INET6, "2001:db8::7", &ipv6.sin6_addr), 1);
	store_name(&transport_tcp, (struct sockaddr *)&ipv6, name);
	ck_assert_str_eq(name, "upcased-store-tcp-[2001_db8__7]_65535");
}
END_TEST

START_TEST(the_longest_address_fits_into_a_name)
{
	static const char longest[] = "1111:2222:3333:4444:5555:6666:7777:8888";
	char name[STORE_NAME_SIZE];
	struct sockaddr_in6 ipv6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(65535)};
	ck_assert_int_eq(inet_pton(AF_INET6, longest, &ipv6.sin6_addr), 1);
	store_name(&transport_tcp, (struct sockaddr *)&ipv6, name);
	ck_assert_ptr_nonnull(strstr(name, "_8888]_65535"));
}
END_TEST

static const struct {
	const char *text;
	long n;
} cases[] = {
    {NULL, 0},
    {"0", 0},
    {"1", 1},
    {"131", 131},
    {"", -1},
    {"yes", -1},
    {"-1", -1},
    {"1 ", -1},
    {"18446744073709551615", LONG_MAX},
    {"18446744073709551616", -1},
};

START_TEST(FDSTORE_says_how_many_places_there_are)
{
	ck_assert_int_eq(store_parse(cases[_i].text), cases[_i].n);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("store");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_name_has_the_address_and_no_colon);
	tcase_add_test(tcase, the_longest_address_fits_into_a_name);
	tcase_add_loop_test(
	    tcase, FDSTORE_says_how_many_places_there_are, 0, LENGTH(cases));
	return suite;
}
