/* SPDX-License-Identifier: ISC */
/*
 * The main function of all unit tests.  They speak TAP, which the Makefile's
 * driver reads.  CK_FORK=no runs one under a debugger or valgrind, and
 * CK_RUN_CASE=name picks a test case.
 */
#include "unit/runner.h"

#include <signal.h>
#include <stdlib.h>

/*
 * MemorySanitizer's, null without it.  The Check library is not built with it,
 * so what the library hands to the C library would count as uninitialized.
 * Each thread has its own mark.
 */
void __msan_scoped_disable_interceptor_checks(void) __attribute__((weak));

void
runner_begin_thread(void)
{
	if (__msan_scoped_disable_interceptor_checks != NULL)
		__msan_scoped_disable_interceptor_checks();
}

/*
 * How long a test may take, in seconds.  It ends a test that hangs; no other
 * may come near it, whatever else the machine does, under a sanitizer or
 * valgrind.
 */
static const char timeout[] = "600";

int
main(void)
{
	runner_begin_thread();
	/* Before the suite is made: each test case of it takes this over. */
	(void)setenv("CK_DEFAULT_TIMEOUT", timeout, 0);
	/* As in the programs: a peer that is gone is an error, not the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* What nohup, or a shell for its background, has ignored. */
	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	SRunner *runner = srunner_create(suite());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	/* The TAP output says what failed; another status would say "crash". */
	srunner_free(runner);
	return EXIT_SUCCESS;
}
