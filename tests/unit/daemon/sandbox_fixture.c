/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/daemon/sandbox_fixture.h"

#include "base/log.h"
#include "daemon/sandbox.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char folder[] = "/tmp/check_sandbox.XXXXXX";
char config[64], outside[64];

static void
make_files(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(config, sizeof config, "%s/conf", folder);
	(void)snprintf(outside, sizeof outside, "%s.outside", folder);
	ck_assert_int_eq(close(open(config, O_CREAT | O_WRONLY, 0644)), 0);
	ck_assert_int_eq(close(open(outside, O_CREAT | O_WRONLY, 0644)), 0);
	log_open("test", LOG_LEVEL_ERROR);
}

static void
remove_files(void)
{
	(void)unlink(config);
	(void)unlink(outside);
	(void)rmdir(folder);
	memset(strrchr(folder, '.') + 1, 'X', 6);
}

void
enter(void)
{
	const struct sandbox_needs needs = {
	    .config = config, .program = "/bin/true"};
	if (sandbox_enter(SANDBOX_REQUIRE, &needs) != 0)
		_exit(NO_SANDBOX);
}

int
inside(int (*act)(int), int argument)
{
	int status;
	pid_t child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		enter();
		_exit(act(argument));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

TCase *
sandbox_case(Suite *suite)
{
	const struct sandbox_needs nothing = {NULL, NULL, false};
	TCase *tcase = tcase_create("from inside");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, make_files, remove_files);
	log_open("test", LOG_LEVEL_ERROR);
	/* What only a kernel that has a sandbox can show. */
	return sandbox_rehearse(SANDBOX_REQUIRE, &nothing) == 0 ? tcase : NULL;
}
