/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/surroundings.h"

#include "base/log.h"
#include "base/sys.h"
#include "daemon/activation.h"
#include "daemon/dispositions.h"
#include "daemon/hardening.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <sysexits.h>
#include <unistd.h>

/*
 * The least stack, in KiB, that the program starts with: what was seen to be
 * enough for it and the name service of the C library, four times.
 */
enum { STACK_MIN = 128 };

/*
 * The greatest limit of core files at which there are none.  Linux hands those
 * for which a program has been set up over to it whatever the limit is, but for
 * a limit of 1 (core_pattern in core(5)); a file that small it does not begin.
 */
#ifdef __linux__
enum { CORE_MAX = 1 };
#else
enum { CORE_MAX = 0 };
#endif

static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

static rlim_t
raise_stack(void)
{
	struct rlimit limit = unlimited;
	(void)getrlimit(RLIMIT_STACK, &limit);
	const struct rlimit raised = {limit.rlim_max, limit.rlim_max};
	return setrlimit(RLIMIT_STACK, &raised) == 0 ? limit.rlim_max
						     : limit.rlim_cur;
}

static rlim_t
raise_processor_time(void)
{
	struct rlimit limit = unlimited;
	(void)getrlimit(RLIMIT_CPU, &limit);
	const struct rlimit raised = {limit.rlim_max, limit.rlim_max};
	return setrlimit(RLIMIT_CPU, &raised) == 0 ? limit.rlim_max
						   : limit.rlim_cur;
}

/* The stack grows up to the limit of that moment, not to that of the start. */
static int
check_stack(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) == -1 ||
	    limit.rlim_cur >= (rlim_t)STACK_MIN * 1024)
		return 0;
	if (raise_stack() >= (rlim_t)STACK_MIN * 1024)
		return 0;
	/* Standard I/O would need more of it. */
	static const char text[] =
	    "upcased: the limit of the stack is too low; raise it to 128 KiB "
	    "or more (ulimit -s, LimitSTACK=)\n";
	_Static_assert(STACK_MIN == 128, "as the text says");
	ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
	(void)written;
	return EX_OSERR;
}

int
surroundings_enter(const int *spared, size_t n, bool holds)
{
	dispositions_enter(holds);
	sys_close_inherited(spared, n);
	return check_stack();
}

/* A timer goes on over exec, and its signals are not for us. */
static void
stop_timers(void)
{
	const struct itimerval never = {.it_value = {0, 0}};
	(void)setitimer(ITIMER_REAL, &never, NULL);
	(void)setitimer(ITIMER_VIRTUAL, &never, NULL);
	(void)setitimer(ITIMER_PROF, &never, NULL);
}

/* At the greater limit the kernel kills, which no program can prevent. */
static void
check_processor_time(void)
{
	rlim_t seconds = raise_processor_time();
	if (seconds != RLIM_INFINITY)
		log_warnx("the system will kill this process after %llu "
			  "seconds of processor time; lift the limit (ulimit "
			  "-t, LimitCPU=)",
		    (unsigned long long)seconds);
}

/* The text of clients, which is in memory, must not get to a file. */
static void
leave_no_core(void)
{
	const struct rlimit most = {CORE_MAX, CORE_MAX}, none = {0, 0};
	if (setrlimit(RLIMIT_CORE, &most) == 0)
		return;
	/* It is lower already, and cannot be raised. */
	(void)setrlimit(RLIMIT_CORE, &none);
	hardening_forbid_core();
}

/* It stays as it was chosen, and 0 is what many systems choose. */
static void
check_core_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur <= CORE_MAX)
		log_warnx("core-dumps: a crash leaves no core file here, as "
			  "its greatest size is %llu bytes; raise it (ulimit "
			  "-c, LimitCORE=)",
		    (unsigned long long)limit.rlim_cur);
}

void
surroundings_settle_core(bool is_allowed)
{
	struct rlimit limit = unlimited;
	(void)getrlimit(RLIMIT_CORE, &limit);
	if (is_allowed)
		hardening_allow_core();
	/*
	 * A change of the account keeps others of the account from reading the
	 * memory, and an exec, as in a hand-over, lets them.
	 */
	else if (limit.rlim_cur != CORE_MAX || hardening_is_bound())
		hardening_forbid_core();
}

void
surroundings_settle(bool rehearses, bool allows_core)
{
	dispositions_settle(rehearses);
	stop_timers();
	if (allows_core)
		check_core_limit();
	else
		leave_no_core();
	check_processor_time();
	hardening_enter();
	(void)umask(S_IRWXG | S_IRWXO);
	/* Whatever directory that was may be needed for something else. */
	if (chdir("/") == -1)
		log_warn("cannot change to the directory /");
}
