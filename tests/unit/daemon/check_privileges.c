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
	return suite;
}
