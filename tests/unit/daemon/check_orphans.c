/* SPDX-License-Identifier: ISC */
/* Which of the children that have ended are freed, and which is spared. */
#include "config.h"

#include "daemon/orphans.h"
#include "unit/runner.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* A child that ends with that status at once; it has when this returns. */
static pid_t
end_child(int status)
{
	siginfo_t ended;
	pid_t child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0)
		_exit(status);
	ck_assert_int_eq(
	    waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	return child;
}

static void
expect_freed(pid_t child)
{
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void
expect_status(pid_t child, int status)
{
	int found;
	ck_assert_int_eq(waitpid(child, &found, WNOHANG), child);
	ck_assert(WIFEXITED(found));
	ck_assert_int_eq(WEXITSTATUS(found), status);
}

START_TEST(all_that_have_ended_are_freed)
{
	pid_t children[5];
	for (int i = 0; i < LENGTH(children); i++)
		children[i] = end_child(i);
	orphans_reap(0);
	for (int i = 0; i < LENGTH(children); i++)
		expect_freed(children[i]);
	/* Without any there is nothing to do. */
	orphans_reap(0);
}
END_TEST

START_TEST(the_one_that_is_spared_keeps_its_status)
{
	for (int place = 0; place < 3; place++) {
		pid_t children[3];
		for (int i = 0; i < LENGTH(children); i++)
			children[i] = end_child(i);
		orphans_reap(children[place]);
		expect_status(children[place], place);
		orphans_reap(0);
		for (int i = 0; i < LENGTH(children); i++)
			expect_freed(children[i]);
	}
}
END_TEST

START_TEST(one_that_runs_is_not_waited_for)
{
	pid_t child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	pid_t other = end_child(1);
	orphans_reap(0);
	expect_freed(other);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("orphans");
	TCase *tcase = tcase_create("orphans");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, all_that_have_ended_are_freed);
	tcase_add_test(tcase, the_one_that_is_spared_keeps_its_status);
	tcase_add_test(tcase, one_that_runs_is_not_waited_for);
	return suite;
}
