/* SPDX-License-Identifier: ISC */
/* What is refused in the sandbox of Linux, tried from inside. */
#include "config.h"

#include "daemon/sandbox_calls.h"
#include "daemon/sandbox_landlock.h"
#include "unit/daemon/sandbox_fixture.h"
#include "unit/runner.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Calls by which the numbers of the table could be passed by. */
#ifdef __x86_64__
enum { FOREIGN_END = 2 };
static int
call_foreign(int i)
{
	long result = 20; /* getpid(2) of i386 */
	if (i == 0)
		__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
	else
		result = syscall(0x40000000L + SYS_getpid);
	return result == -1 ? errno : FINE;
}
#else
enum { FOREIGN_END = 0 };
static int
call_foreign(int i)
{
	return i;
}
#endif

START_TEST(a_call_of_another_architecture_ends_the_process)
{
	int status = inside(call_foreign, _i);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%x",
	    (unsigned)status);
}
END_TEST

static int
call_none(int number)
{
	errno = 0;
	return syscall((long)number) == -1 ? errno : FINE;
}

/* As strace does when it lets a call fail, and as an old program may. */
START_TEST(a_call_that_does_not_exist_ends_nothing)
{
	static const int numbers[] = {-1, 9999};
	for (int i = 0; i < LENGTH(numbers); i++) {
		int status = inside(call_none, numbers[i]);
		ck_assert_msg(
		    WIFEXITED(status) && WEXITSTATUS(status) == ENOSYS, "%x",
		    (unsigned)status);
	}
}
END_TEST

/*
 * A row that is gone would not be missed by the test of all rows.  These are
 * known to any headers.
 */
START_TEST(the_table_has_what_gives_most)
{
	static const char *const names[] = {"ptrace", "process_vm_writev",
	    "kexec_load", "init_module", "finit_module", "delete_module",
	    "perf_event_open", "add_key", "request_key", "keyctl", "mount",
	    "umount2", "pivot_root", "chroot", "name_to_handle_at",
	    "open_by_handle_at", "unshare", "setns", "settimeofday",
	    "clock_settime", "adjtimex", "sethostname", "acct", "quotactl",
	    "reboot", "swapon", "swapoff", "personality", "setuid", "setresuid",
	    "setgroups"};
	for (int i = 0; i < LENGTH(names); i++) {
		size_t row = 0;
		while (row < nrefused_calls &&
		       strcmp(refused_calls[row].name, names[i]) != 0)
			row++;
		ck_assert_msg(row < nrefused_calls, "%s", names[i]);
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

Suite *
suite(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tcase = sandbox_case(suite);
	if (tcase == NULL)
		return suite;
	tcase_add_loop_test(tcase,
	    each_call_of_the_table_is_answered_as_it_says, 0,
	    (int)nrefused_calls);
	tcase_add_test(tcase, the_table_has_what_gives_most);
	tcase_add_loop_test(tcase,
	    a_call_of_another_architecture_ends_the_process, 0, FOREIGN_END);
	tcase_add_test(tcase, a_call_that_does_not_exist_ends_nothing);
	tcase_add_loop_test(
	    tcase, each_attempt_fails_with_its_error, 0, LENGTH(attempts));
	tcase_add_loop_test(tcase, the_same_attempt_has_another_end_outside, 0,
	    LENGTH(attempts));
	return suite;
}
