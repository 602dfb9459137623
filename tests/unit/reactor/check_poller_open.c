/* SPDX-License-Identifier: ISC */
/*
 * How a poller is opened: by which names, and with which descriptors of its
 * own.
 */
#include "config.h"

#include "base/sys.h"
#include "unit/backends.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

START_TEST(an_unknown_name_is_refused)
{
	ck_assert_ptr_null(poller_open("select"));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(poller_open(""));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(without_descriptors_only_poll_can_be_opened)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct rlimit low = {(rlim_t)descriptor_next(), limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++) {
		errno = 0;
		struct poller *opened = poller_open(name);
		if (strcmp(name, "poll") != 0) {
			ck_assert_ptr_null(opened);
			ck_assert_int_eq(errno, EMFILE);
		} else {
			ck_assert_ptr_nonnull(opened);
		}
		poller_close(opened);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

START_TEST(no_name_means_the_first_and_poll_is_always_the_last)
{
	size_t n = 0;
	while (poller_backend(n) != NULL)
		n++;
	ck_assert_str_eq(poller_backend(n - 1), "poll");
	poller = poller_open(NULL);
	ck_assert_str_eq(poller_name(poller), poller_backend(0));
	poller_close(poller);
	poller_close(NULL);
}
END_TEST

START_TEST(its_own_descriptors_are_close_on_exec_and_given_back)
{
	int before = descriptor_next();
	open_poller(_i);
	ck_assert_str_eq(poller_name(poller), poller_backend((size_t)_i));
	for (int fd = before; fcntl(fd, F_GETFD) != -1; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	poller_close(poller);
	ck_assert_int_eq(dup(0), before);
	(void)close(before);
}
END_TEST

/* What a wait that ends early or untruly cannot show. */
static void
add_exact_contract(TCase *tcase, int i)
{
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
	ADD(its_own_descriptors_are_close_on_exec_and_given_back);
#undef ADD
}

Suite *
suite(void)
{
	Suite *suite = suite_create("poller_open");
	TCase *names = tcase_create("names");
	tcase_add_test(names, an_unknown_name_is_refused);
	tcase_add_test(names, without_descriptors_only_poll_can_be_opened);
	tcase_add_test(
	    names, no_name_means_the_first_and_poll_is_always_the_last);
	suite_add_tcase(suite, names);
	backends_add(suite, NULL, add_exact_contract);
	return suite;
}
