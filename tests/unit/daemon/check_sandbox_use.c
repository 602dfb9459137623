/* SPDX-License-Identifier: ISC */
/* What stays possible in the sandbox of Linux, and how it is entered again. */
#include "config.h"

#include "base/log.h"
#include "daemon/sandbox.h"
#include "daemon/sandbox_landlock.h"
#include "daemon/sandbox_seccomp.h"
#include "unit/capture.h"
#include "unit/daemon/sandbox_fixture.h"
#include "unit/runner.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *
think(void *arg)
{
	return arg;
}

/* Returns the number of the first line that fails. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__ % 97 + 1;                              \
	} while (false)

static int
serve(int unused)
{
	pthread_t thread;
	void *result;
	struct addrinfo *found;
	struct sockaddr_in here = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int pair[2];
	(void)unused;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	MUST(fd != -1);
	MUST(bind(fd, (void *)&here, sizeof here) == 0);
	MUST(listen(fd, 1) == 0);
	MUST(socket(AF_INET6, SOCK_DGRAM, 0) != -1 || errno == EAFNOSUPPORT);
	MUST(socket(AF_NETLINK, SOCK_RAW, 0) != -1);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	MUST(pthread_create(&thread, NULL, think, pair) == 0);
	MUST(pthread_join(thread, &result) == 0 && result == pair);
	MUST(getaddrinfo("localhost", "53", NULL, &found) == 0);
	MUST(raise(0) == 0 && kill(getpid(), 0) == 0);
	return FINE;
}

static int
use_files(int unused)
{
	char name[] = "true";
	char *arguments[] = {name, NULL};
	char new[80];
	(void)unused;
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	MUST(fd != -1);
	fd = open(config, O_RDONLY);
	MUST(fd != -1);
	MUST(open("/etc/passwd", O_RDONLY) != -1);
	MUST(open("/proc/self/status", O_RDONLY) != -1);
	MUST(open("/dev/null", O_RDWR) != -1);
	(void)snprintf(new, sizeof new, "%s/missing", folder);
	MUST(open(new, O_RDONLY) == -1 && errno == ENOENT);
	/* It ends with 0 if it could be executed with all its libraries. */
	(void)execv("/bin/true", arguments);
	MUST(false);
}

/* As the next process does, when its standard error is a file or a FIFO. */
static int
open_log_again(int unused)
{
	(void)unused;
	MUST(open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK) != -1);
	MUST(open(outside, O_WRONLY) == -1 && errno == EACCES);
	return FINE;
}

static int
start_child(int unused)
{
	int status;
	(void)unused;
	pid_t child = fork();
	if (child == 0)
		for (;;)
			(void)pause();
	MUST(child != -1);
	MUST(kill(child, SIGKILL) == 0);
	MUST(waitpid(child, &status, 0) == child);
	return FINE;
}

static int (*const uses[])(int) = {
    serve, use_files, open_log_again, start_child};

START_TEST(what_the_daemon_needs_is_allowed)
{
	char log[80];
	(void)snprintf(log, sizeof log, "%s/log", folder);
	ck_assert_int_eq(mkfifo(log, 0600), 0);
	int fd = open(log, O_RDWR);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	int status = inside(uses[_i], 0);
	ck_assert_int_eq(unlink(log), 0);
	ck_assert_msg(WIFEXITED(status), "%x", (unsigned)status);
	ck_assert_int_eq(WEXITSTATUS(status), FINE);
}
END_TEST

/* Forty times, of which the kernel would take sixteen. */
static int
enter_again(int unused)
{
	const struct sandbox_needs other = {.program = "/bin/true"};
	(void)unused;
	for (int i = 0; i < 40; i++)
		enter();
	MUST(sandbox_is_in_force());
	/* Another one is not in force yet, and the first one still is. */
	MUST(sandbox_enter(SANDBOX_REQUIRE, &other) == 0);
	MUST(open(config, O_RDONLY) == -1 && errno == EACCES);
	for (int i = 0; i < 20; i++)
		enter();
	return FINE;
}

/* Each of these is a sandbox of its own. */
static int
nest(int unused)
{
	char path[32];
	const struct sandbox_needs needs = {.config = path};
	(void)unused;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(path, sizeof path, "/folder%d/conf", i);
		if (sandbox_enter(SANDBOX_REQUIRE, &needs) != 0)
			/* The one of the start, and fifteen of these. */
			return i == 15 ? FINE : i + 1;
	}
	return 98;
}

/*
 * Its own rules, among them one for the counts of lines, which a program that
 * makes any writes at its end.
 */
static int
explain(void)
{
	const char *counts = getenv("GCOV_PREFIX");
	const struct landlock_rule rules[] = {
	    {"/usr", LANDLOCK_EXECUTE},
	    {config, LANDLOCK_READ},
	    {"/folder/that/is/missing", LANDLOCK_READ},
	    {counts == NULL ? config : counts, LANDLOCK_WRITE},
	};
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	MUST(landlock_restrict(
		 LANDLOCK_FILES, rules, LENGTH(rules), 53, true) == 0);
	MUST(landlock_restrict(landlock_version() < LANDLOCK_SCOPES
				   ? LANDLOCK_FILES
				   : LANDLOCK_SCOPES,
		 rules, LENGTH(rules), 53, true) == 0);
	MUST(open(config, O_RDONLY) != -1);
	/* Sockets with abstract names are left out of it, signals are not. */
	MUST(landlock_version() < LANDLOCK_SCOPES ||
	     (kill(getppid(), 0) == -1 && errno == EPERM));
	sandbox_explain(outside);
	MUST(strcmp(written(), "") == 0);
	MUST(seccomp_restrict(seccomp_version(), 1) == 0);
	sandbox_explain(config);
	sandbox_explain("/folder/that/is/missing");
	MUST(strcmp(written(), "") == 0);
	sandbox_explain(outside);
	MUST(strstr(written(), "the sandbox allows only folders") != NULL);
	return FINE;
}

/* As inside, but the sandbox is its own, and lines may be counted. */
static int
alone(int (*act)(void))
{
	int status;
	pid_t child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		int result = act();
		/* A sanitizer could not look for leaks there. */
		if (getenv("GCOV_PREFIX") == NULL)
			_exit(result);
		exit(result);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(what_the_sandbox_keeps_away_is_told_from_what_the_account_may_not)
{
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	ck_assert_int_eq(alone(explain), FINE);
}
END_TEST

START_TEST(an_equal_sandbox_is_entered_once)
{
	ck_assert(!sandbox_is_in_force());
	int status = inside(enter_again, 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), FINE);
}
END_TEST

START_TEST(a_sandbox_that_the_kernel_does_not_take_any_more_is_refused)
{
	int status = inside(nest, 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), FINE);
}
END_TEST

START_TEST(a_rehearsal_gives_nothing_up)
{
	const struct sandbox_needs needs = {.config = config};
	ck_assert_int_eq(sandbox_rehearse(SANDBOX_REQUIRE, &needs), 0);
	ck_assert(!sandbox_is_in_force());
	int fd = open(outside, O_WRONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

static int
ask(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	MUST(seccomp_ask(7) == -1 || true);
	MUST(seccomp_restrict(7, 3) == 0);
	MUST(seccomp_ask(7) == 3);
	MUST(seccomp_ask(8) == -1);
	MUST(seccomp_restrict(8, 5) == 0);
	MUST(seccomp_ask(8) == 5);
	MUST(seccomp_ask(7) == 3);
	return FINE;
}

START_TEST(a_filter_tells_which_sandbox_it_belongs_to)
{
	ck_assert_int_eq(seccomp_ask(SECCOMP_ANY), -1);
	ck_assert_int_eq(alone(ask), FINE);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("sandbox_use");
	TCase *tcase = sandbox_case(suite);
	if (tcase == NULL)
		return suite;
	tcase_add_loop_test(
	    tcase, what_the_daemon_needs_is_allowed, 0, LENGTH(uses));
	tcase_add_test(tcase,
	    what_the_sandbox_keeps_away_is_told_from_what_the_account_may_not);
	tcase_add_test(tcase, an_equal_sandbox_is_entered_once);
	tcase_add_test(
	    tcase, a_sandbox_that_the_kernel_does_not_take_any_more_is_refused);
	tcase_add_test(tcase, a_rehearsal_gives_nothing_up);
	tcase_add_test(tcase, a_filter_tells_which_sandbox_it_belongs_to);
	return suite;
}
