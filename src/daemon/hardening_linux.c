/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/hardening.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* How late a wait may end, in nanoseconds: the kernel's own default. */
enum { TIMER_SLACK = 50000 };

/* A set of capabilities has 64 bits, and no bit is a capability yet past it. */
enum { CAPABILITIES_END = 64 };

/*
 * What capset(2) takes, for which not every C library has a header: the sets
 * in two halves.
 */
struct capability_header {
	uint32_t version;
	int pid;
};
struct capability_half {
	uint32_t effective, permitted, inheritable;
};
static const uint32_t capability_version = 0x20080522;

/*
 * By the slack a program that has time lets the kernel end its waits later,
 * which saves power; the time-outs of a service have promised otherwise.
 */
void
hardening_enter(void)
{
	(void)prctl(PR_SET_TIMERSLACK, (unsigned long)TIMER_SLACK, 0, 0, 0);
}

/*
 * After a change of the account it is so in any case, unless the system is set
 * up otherwise (fs.suid_dumpable in core(5)).
 */
void
hardening_forbid_core(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}

void
hardening_allow_core(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
}

void
hardening_bound(void)
{
	/* Older kernels lack it, and a filter of system calls may forbid it. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	/*
	 * This takes a right itself, and ends at the last capability that the
	 * kernel knows.  Who lacks the right can gain none by an exec either,
	 * after the call above.
	 */
	for (unsigned long i = 0; i < CAPABILITIES_END; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0UL, 0UL, 0UL) == -1)
			break;
	}
}

bool
hardening_is_bound(void)
{
	int is_left = 0;
	unsigned long n = 0;
	while (is_left == 0 && n < CAPABILITIES_END)
		is_left = prctl(PR_CAPBSET_READ, n++, 0UL, 0UL, 0UL);
	/* Past the last one that the kernel knows it is an error. */
	return is_left != 1 && n > 1;
}

int
hardening_drop(void)
{
	struct capability_header header = {capability_version, 0};
	const struct capability_half none[2] = {{0, 0, 0}, {0, 0, 0}};
	/* With the inheritable and permitted ones go the ambient ones. */
	if (syscall(SYS_capset, &header, none) == 0)
		return 0;
	/* A filter of system calls may forbid that where there are none. */
	int saved = errno;
	struct capability_half now[2];
	if (syscall(SYS_capget, &header, now) == 0 &&
	    memcmp(now, none, sizeof now) == 0)
		return 0;
	errno = saved;
	return -1;
}
