/* SPDX-License-Identifier: ISC */
/* What is refused in the sandbox of Linux, and what is not, from inside. */
#include "config.h"

#include "base/log.h"
#include "daemon/sandbox.h"
#include "daemon/sandbox_calls.h"
#include "daemon/sandbox_landlock.h"
#include "daemon/sandbox_seccomp.h"
#include "unit/runner.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How a child says that it is as it should be; others name what is not. */
enum { FINE = 0, NO_SANDBOX = 99 };

static char folder[] = "/tmp/check_sandbox.XXXXXX";
static char config[64], outside[64];

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
	memcpy(strrchr(folder, '.'), ".XXXXXX", 7);
}

static void
enter(void)
{
	const struct sandbox_needs needs = {
	    .config = config, .program = "/bin/true"};
	if (sandbox_enter(SANDBOX_REQUIRE, &needs, true) == -1)
		_exit(NO_SANDBOX);
}

/* Runs it in a child, in the sandbox, and returns how the child ended. */
static int
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

static bool
has_landlock(int version)
{
	return landlock_version() >= version;
}

/* No call of the table does any harm with these arguments, where it works. */
static int
call(int i)
{
	errno = 0;
	long result = syscall(
	    (long)refused_calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L);
	return result == -1 ? errno : FINE;
}

START_TEST(each_call_of_the_table_is_answered_as_it_says)
{
	const struct refused_call *row = &refused_calls[_i];
	int status;
	if ((size_t)_i >= nrefused_calls)
		return;
	status = inside(call, _i);
	switch (row->answer) {
	case CALL_REFUSED:
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EPERM,
		    "%s: %x", row->name, (unsigned)status);
		break;
	case CALL_MISSING:
		ck_assert_msg(
		    WIFEXITED(status) && WEXITSTATUS(status) == ENOSYS,
		    "%s: %x", row->name, (unsigned)status);
		break;
	case CALL_FATAL:
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		    "%s: %x", row->name, (unsigned)status);
		break;
	}
}
END_TEST

/* What of each kind a program would try, and the error that it has to get. */
enum attempt {
	PACKET_SOCKET,
	TYPING,
	TYPING_ON_CONSOLE,
	CHILD_IN_NAME_SPACE,
	READ_OUTSIDE,
	WRITE_BESIDE_CONFIG,
	MAKE_FILE,
	REMOVE_FILE,
	LINK_FILE,
	EXECUTE_OUTSIDE,
	CONNECT,
	SIGNAL,
	ABSTRACT_SOCKET
};

static int
error_of(long result)
{
	return result == -1 ? errno : FINE;
}

static int
connect_to_discard(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(9),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return error_of(connect(fd, (void *)&to, sizeof to));
}

static int
connect_to_abstract(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	(void)snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%s", folder);
	return error_of(connect(fd, (void *)&to, sizeof to));
}

static int
attempt(int which)
{
	char path[80];
	char *none[] = {NULL};
	(void)snprintf(path, sizeof path, "%s/new", folder);
	switch ((enum attempt)which) {
	case PACKET_SOCKET:
		return error_of(socket(AF_PACKET, SOCK_RAW, 0));
	case TYPING:
		return error_of(ioctl(0, TIOCSTI, "x"));
	case TYPING_ON_CONSOLE:
		return error_of(ioctl(0, 0x541c, "\003"));
	case CHILD_IN_NAME_SPACE:
		return error_of(syscall(
		    SYS_clone, CLONE_NEWUSER | SIGCHLD, 0L, 0L, 0L, 0L));
	case READ_OUTSIDE:
		return error_of(open(outside, O_RDONLY));
	case WRITE_BESIDE_CONFIG:
		return error_of(open(config, O_WRONLY));
	case MAKE_FILE:
		return error_of(open(path, O_WRONLY | O_CREAT, 0600));
	case REMOVE_FILE:
		return error_of(unlink(config));
	case LINK_FILE:
		return error_of(symlink("x", path));
	case EXECUTE_OUTSIDE:
		(void)chmod(outside, 0755);
		return error_of(execve(outside, none, none));
	case CONNECT:
		return connect_to_discard();
	case SIGNAL:
		return error_of(kill(getppid(), 0));
	case ABSTRACT_SOCKET:
		return connect_to_abstract();
	}
	return FINE;
}

static const struct {
	enum attempt attempt;
	int error, version; /* of Landlock that it takes */
} attempts[] = {
    {PACKET_SOCKET, EAFNOSUPPORT, 0},
    {TYPING, EPERM, 0},
    {TYPING_ON_CONSOLE, EPERM, 0},
    {CHILD_IN_NAME_SPACE, EPERM, 0},
    {READ_OUTSIDE, EACCES, LANDLOCK_FILES},
    {WRITE_BESIDE_CONFIG, EACCES, LANDLOCK_FILES},
    {MAKE_FILE, EACCES, LANDLOCK_FILES},
    {REMOVE_FILE, EACCES, LANDLOCK_FILES},
    {LINK_FILE, EACCES, LANDLOCK_FILES},
    {EXECUTE_OUTSIDE, EACCES, LANDLOCK_FILES},
    {CONNECT, EACCES, LANDLOCK_TCP},
    {SIGNAL, EPERM, LANDLOCK_SCOPES},
    {ABSTRACT_SOCKET, EPERM, LANDLOCK_SCOPES},
};

/* For the attempt to connect to it. */
static int
serve_abstract(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	(void)snprintf(
	    name.sun_path + 1, sizeof name.sun_path - 1, "%s", folder);
	ck_assert_int_eq(bind(fd, (void *)&name, sizeof name), 0);
	return fd;
}

START_TEST(each_attempt_fails_with_its_error)
{
	if (!has_landlock(attempts[_i].version))
		return;
	int fd = serve_abstract();
	int status = inside(attempt, (int)attempts[_i].attempt);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_msg(WIFEXITED(status), "%x", (unsigned)status);
	ck_assert_int_eq(WEXITSTATUS(status), attempts[_i].error);
}
END_TEST

/* Outside the sandbox each of these would have another end. */
START_TEST(the_same_attempt_has_another_end_outside)
{
	int fd = serve_abstract();
	pid_t child = fork();
	int status;
	if (child == 0)
		_exit(attempt((int)attempts[_i].attempt));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(close(fd), 0);
	(void)close(open(config, O_CREAT | O_WRONLY, 0644));
	char path[80];
	(void)snprintf(path, sizeof path, "%s/new", folder);
	(void)unlink(path);
	/* An account with few rights is refused some of them anyway. */
	if (geteuid() == 0)
		ck_assert(!WIFEXITED(status) ||
			  WEXITSTATUS(status) != attempts[_i].error);
}
END_TEST

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
	MUST(sandbox_enter(SANDBOX_REQUIRE, &other, true) == 0);
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
		if (sandbox_enter(SANDBOX_REQUIRE, &needs, true) == -1)
			/* The one of the start, and fifteen of these. */
			return i == 15 ? FINE : i + 1;
	}
	return 98;
}

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
ask(int unused)
{
	(void)unused;
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
	int status;
	ck_assert_int_eq(seccomp_ask(SECCOMP_ANY), -1);
	pid_t child = fork();
	if (child == 0)
		_exit(ask(0));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), FINE);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tcase = tcase_create("from inside");
	const int nuses = LENGTH(uses);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, make_files, remove_files);
	/* What only a kernel that has a sandbox can show. */
	const struct sandbox_needs nothing = {NULL, NULL, false};
	log_open("test", LOG_LEVEL_ERROR);
	if (sandbox_rehearse(SANDBOX_REQUIRE, &nothing) == -1)
		return suite;
	tcase_add_loop_test(tcase,
	    each_call_of_the_table_is_answered_as_it_says, 0,
	    (int)nrefused_calls);
	tcase_add_loop_test(
	    tcase, each_attempt_fails_with_its_error, 0, LENGTH(attempts));
	tcase_add_loop_test(tcase, the_same_attempt_has_another_end_outside, 0,
	    LENGTH(attempts));
	tcase_add_loop_test(tcase, what_the_daemon_needs_is_allowed, 0, nuses);
	tcase_add_test(tcase, an_equal_sandbox_is_entered_once);
	tcase_add_test(
	    tcase, a_sandbox_that_the_kernel_does_not_take_any_more_is_refused);
	tcase_add_test(tcase, a_rehearsal_gives_nothing_up);
	tcase_add_test(tcase, a_filter_tells_which_sandbox_it_belongs_to);
	return suite;
}
