/* SPDX-License-Identifier: ISC */
/* Accounts that are missing, as systems say it, and what cannot be looked up.
 */
#include "config.h"

#include "base/log.h"
#include "daemon/privileges.h"
#include "unit/runner.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* What the C library's getpwnam does, here without an account. */
static int error;
static int nasked;
static const char *last_asked;

struct passwd *
getpwnam(const char *name)
{
	nasked++;
	last_asked = name;
	/* It may leave errno as it was. */
	if (error != 0)
		errno = error;
	return NULL;
}

static uid_t number_asked;

struct passwd *
getpwuid(uid_t number)
{
	number_asked = number;
	return getpwnam("a number");
}

/* Whom the process is, which this test plays as well. */
static uid_t real, effective;

uid_t
getuid(void)
{
	return real;
}

uid_t
geteuid(void)
{
	return effective;
}

static void
own_nothing(uid_t account, void *arg)
{
	(void)account, (void)arg;
}

static void
expect(const char *user, int with, int status, int calls)
{
	error = with;
	nasked = 0;
	errno = EIO;
	ck_assert_int_eq(privileges_drop(user, own_nothing, NULL), status);
	ck_assert_int_eq(nasked, calls);
}

START_TEST(account_that_is_missing_is_told_from_one_that_cannot_be_looked_up)
{
	static const int missing[] = {0, ENOENT, ESRCH, EBADF, EPERM};
	static const int failed[] = {EIO, EMFILE, ENFILE, ENOMEM, EACCES};
	log_open("test", LOG_LEVEL_ERROR);
	for (int i = 0; i < LENGTH(missing); i++) {
		expect("somebody", missing[i], EX_NOUSER, 1);
		ck_assert_str_eq(last_asked, "somebody");
	}
	for (int i = 0; i < LENGTH(failed); i++)
		expect("somebody", failed[i], EX_OSERR, 1);
}
END_TEST

START_TEST(default_accounts_are_asked_for_in_turn_as_long_as_they_are_missing)
{
	/* Root is who could become root again. */
	static const uid_t roots[][2] = {{0, 0}, {0, 1000}, {1000, 0}};
	log_open("test", LOG_LEVEL_ERROR);
	for (int i = 0; i < LENGTH(roots); i++) {
		real = roots[i][0];
		effective = roots[i][1];
		expect("", ENOENT, EX_NOUSER, 2);
		ck_assert_str_eq(last_asked, "nobody");
		expect("", EIO, EX_OSERR, 1);
		ck_assert_str_eq(last_asked, "upcased");
	}
}
END_TEST

START_TEST(a_number_is_looked_up_as_one_and_not_at_all_with_its_group)
{
	log_open("test", LOG_LEVEL_ERROR);
	real = effective = 0;
	expect("65534", ENOENT, EX_NOUSER, 1);
	ck_assert_uint_eq(number_asked, 65534);
	expect("65534", EIO, EX_OSERR, 1);
	/* That of root, for which nobody is asked either. */
	expect("0:5", EIO, EX_NOPERM, 0);
	expect("5:0", EIO, EX_NOPERM, 0);
	ck_assert_int_eq(privileges_check("5:6"), 0);
	ck_assert_int_eq(privileges_check("5:0"), EX_NOPERM);
	ck_assert_int_eq(privileges_check("0:5"), EX_NOPERM);
	ck_assert_int_eq(nasked, 0);
}
END_TEST

START_TEST(whoever_is_not_root_may_ask_for_what_it_is_in_numbers)
{
	char own[64], others[64];
	log_open("test", LOG_LEVEL_ERROR);
	real = effective = 4294967294;
	(void)snprintf(
	    own, sizeof own, "4294967294:%lu", (unsigned long)getgid());
	(void)snprintf(others, sizeof others, "4294967294:%lu",
	    (unsigned long)getgid() + 1);
	expect("4294967294", EIO, EX_OK, 0);
	expect(own, EIO, EX_OK, 0);
	ck_assert_int_eq(privileges_check("4294967294"), 0);
	expect(others, EIO, EX_NOPERM, 0);
	expect("1:1", EIO, EX_NOPERM, 0);
	expect("1", ENOENT, EX_NOUSER, 1);
	expect("0", EIO, EX_OSERR, 1);
}
END_TEST

START_TEST(whoever_is_not_root_needs_no_account)
{
	static const uid_t others[] = {1, 2, 1000};
	log_open("test", LOG_LEVEL_ERROR);
	for (int i = 0; i < LENGTH(others); i++) {
		real = effective = others[i];
		expect("", ENOENT, EX_OK, 0);
		expect("somebody", ENOENT, EX_NOUSER, 1);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("privileges");
	TCase *tcase = tcase_create("accounts");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase,
	    account_that_is_missing_is_told_from_one_that_cannot_be_looked_up);
	tcase_add_test(tcase,
	    default_accounts_are_asked_for_in_turn_as_long_as_they_are_missing);
	tcase_add_test(tcase, whoever_is_not_root_needs_no_account);
	tcase_add_test(
	    tcase, a_number_is_looked_up_as_one_and_not_at_all_with_its_group);
	tcase_add_test(
	    tcase, whoever_is_not_root_may_ask_for_what_it_is_in_numbers);
	return suite;
}
