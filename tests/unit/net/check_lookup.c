/* SPDX-License-Identifier: ISC */
/* Addresses that are looked up within a time, or as long as it takes. */
#include "config.h"

#include "base/sys.h"
#include "net/lookup.h"
#include "unit/runner.h"

#include <string.h>

static const uint32_t timeouts[] = {0, 60000};

static int
look_up(const char *host, int family, uint32_t timeout, struct addrinfo **list)
{
	struct address address = {.port = ADDRESS_PORT};
	memcpy(address.host, host, strlen(host) + 1);
	return lookup_run(&address, family, timeout, list);
}

static void
assert_first(const char *host, int family, const char *expected)
{
	for (int i = 0; i < LENGTH(timeouts); i++) {
		struct addrinfo *list = NULL;
		char text[ADDRESS_TEXT_MAX];
		ck_assert_int_eq(look_up(host, family, timeouts[i], &list), 0);
		ck_assert_str_eq(address_format(list->ai_addr, text), expected);
		freeaddrinfo(list);
	}
}

START_TEST(names_and_numbers_have_their_addresses)
{
	assert_first("127.0.0.1", AF_UNSPEC, "127.0.0.1:5220");
	assert_first("::1", AF_UNSPEC, "[::1]:5220");
	assert_first("localhost", AF_INET, "127.0.0.1:5220");
}
END_TEST

START_TEST(a_failure_is_that_of_the_resolver)
{
	struct addrinfo *list;
	for (int i = 0; i < LENGTH(timeouts); i++)
		ck_assert_int_eq(
		    look_up("127.0.0.1", AF_INET6, timeouts[i], &list),
		    look_up("127.0.0.2", AF_INET6, timeouts[i], &list));
	int of_a_name = look_up("a..b", AF_UNSPEC, 0, &list);
	ck_assert_int_ne(of_a_name, 0);
	ck_assert_int_eq(look_up("a..b", AF_UNSPEC, 60000, &list), of_a_name);
}
END_TEST

START_TEST(no_descriptor_stays_open)
{
	struct sys_descriptors before, after;
	sys_count_descriptors(&before);
	assert_first("localhost", AF_INET, "127.0.0.1:5220");
	sys_count_descriptors(&after);
	ck_assert_uint_eq(after.open, before.open);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("lookup");
	TCase *lookups = tcase_create("lookups");
	tcase_add_test(lookups, names_and_numbers_have_their_addresses);
	tcase_add_test(lookups, a_failure_is_that_of_the_resolver);
	tcase_add_test(lookups, no_descriptor_stays_open);
	suite_add_tcase(suite, lookups);
	return suite;
}
