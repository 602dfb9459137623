/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox_seccomp.h"

#include "daemon/sandbox_calls.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* Which system calls the program is compiled for; 0: not known here. */
#if defined __x86_64__ && !defined __ILP32__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __i386__
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined __aarch64__ && defined __AARCH64EL__ && !defined __ILP32__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined __arm__ && defined __ARMEL__ && defined __ARM_EABI__
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined __s390x__
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined __riscv && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#else
#define ARCHITECTURE 0
#endif

/* On x86-64 numbers from this on are those of its other interface, x32. */
#ifdef __x86_64__
enum { NUMBERS_END = 0x40000000 };
#else
enum { NUMBERS_END = 0 };
#endif

/* The number to which a tracer sets a call that is not to be made. */
static const uint32_t skipped = UINT32_MAX;

/* Which argument of clone(2) has the flags. */
#ifdef __s390x__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

/* The name spaces that clone(2) can make. */
#define NAME_SPACES                                                            \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* The question is a prctl(2), and the answer an errno that no call has. */
static const unsigned question = 0x75706361;
enum { ANSWERS = 2048 };

/* What seccomp(2) has, for headers that are older than the kernel. */
enum { SET_FILTER = 1, KEEP_SPECULATION = 1 << 2 };
static const uint32_t kill_process = 0x80000000;

enum { PROGRAM_MAX = 384 };

struct program {
	struct sock_filter steps[PROGRAM_MAX];
	unsigned short n;
};

static void
add(struct program *program, unsigned code, unsigned is, unsigned is_not,
    uint32_t value)
{
	/* The kernel takes no filter that lacks its end. */
	if (program->n == PROGRAM_MAX)
		return;
	program->steps[program->n++] = (struct sock_filter){
	    .code = (uint16_t)code,
	    .jt = (uint8_t)is,
	    .jf = (uint8_t)is_not,
	    .k = value,
	};
}

static void
load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
load_number(struct program *program)
{
	load(program, offsetof(struct seccomp_data, nr));
}

/* Its lower half, which is all that the calls in question look at. */
static void
load_argument(struct program *program, unsigned i)
{
	size_t offset = offsetof(struct seccomp_data, args) + (size_t)i * 8;
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		offset += 4;
	load(program, offset);
}

static void
skip_unless(struct program *program, uint32_t value, unsigned steps)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, steps, value);
}

static void
skip_if(struct program *program, uint32_t value, unsigned steps)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, steps, 0, value);
}

static void
answer(struct program *program, uint32_t action)
{
	add(program, BPF_RET | BPF_K, 0, 0, action);
}

static void
answer_error(struct program *program, int error)
{
	answer(program, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void
add_refused(struct program *program)
{
	static const uint32_t actions[] = {
	    [CALL_REFUSED] = SECCOMP_RET_ERRNO | EPERM,
	    [CALL_MISSING] = SECCOMP_RET_ERRNO | ENOSYS,
	    [CALL_FATAL] = kill_process,
	};
	for (size_t i = 0; i < nrefused_calls; i++) {
		skip_unless(program, refused_calls[i].number, 1);
		answer(program, actions[refused_calls[i].answer]);
	}
}

/*
 * The families of the addresses served, of the log and the service manager, and
 * by which the C library asks for the addresses of this host.
 */
static void
add_families(struct program *program)
{
	skip_unless(program, SYS_socket, 7);
	load_argument(program, 0);
	skip_if(program, AF_UNIX, 4);
	skip_if(program, AF_INET, 3);
	skip_if(program, AF_INET6, 2);
	skip_if(program, AF_NETLINK, 1);
	answer_error(program, EAFNOSUPPORT);
	load_number(program);
}

/* What types into a terminal as if its user had done so. */
static void
add_controls(struct program *program)
{
	/* TIOCLINUX, for which there is no header on its own. */
	static const uint32_t tioclinux = 0x541c;
	skip_unless(program, SYS_ioctl, 5);
	load_argument(program, 1);
	skip_if(program, TIOCSTI, 1);
	skip_unless(program, tioclinux, 1);
	answer_error(program, EPERM);
	load_number(program);
}

static void
add_name_spaces(struct program *program)
{
	skip_unless(program, SYS_clone, 4);
	load_argument(program, CLONE_FLAGS);
	add(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, NAME_SPACES);
	answer_error(program, EPERM);
	load_number(program);
}

static void
add_identity(struct program *program, uint32_t identity, unsigned state)
{
	skip_unless(program, SYS_prctl, 7);
	load_argument(program, 0);
	skip_unless(program, question, 4);
	load_argument(program, 1);
	skip_if(program, SECCOMP_ANY, 1);
	skip_unless(program, identity, 1);
	answer_error(program, (int)(ANSWERS + state));
	load_number(program);
}

/*
 * The kernel finds out once for which calls the filter says yes whatever the
 * arguments are, and does not run it for these any more: so no call that serves
 * a client may depend on its arguments.  Older kernels run it, and are done
 * soon for the most frequent calls.
 */
static const unsigned frequent[] = {
#ifdef SYS_recvfrom
    SYS_recvfrom,
#endif
#ifdef SYS_sendto
    SYS_sendto,
#endif
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
#ifdef SYS_accept4
    SYS_accept4,
#endif
    SYS_close,
};

static void
add_frequent(struct program *program)
{
	const unsigned n = sizeof frequent / sizeof frequent[0];
	for (unsigned i = 0; i < n; i++)
		skip_if(program, frequent[i], n - i);
	add(program, BPF_JMP | BPF_JA, 0, 0, 1);
	answer(program, SECCOMP_RET_ALLOW);
}

static void
compose(struct program *program, uint32_t identity, unsigned state)
{
	program->n = 0;
	load(program, offsetof(struct seccomp_data, arch));
	skip_if(program, ARCHITECTURE, 1);
	answer(program, kill_process);
	load_number(program);
	if (NUMBERS_END != 0) {
		skip_if(program, skipped, 2);
		add(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, NUMBERS_END);
		answer(program, kill_process);
	}
	add_frequent(program);
	add_families(program);
	add_controls(program);
	add_name_spaces(program);
	add_identity(program, identity, state);
	add_refused(program);
	answer(program, SECCOMP_RET_ALLOW);
}

/* The hash FNV-1a, which is made for short texts. */
uint32_t
seccomp_mix(uint32_t number, const void *bytes, unsigned long size)
{
	const unsigned char *next = bytes;
	if (number == 0)
		number = 2166136261;
	for (; size > 0; size--)
		number = (number ^ *next++) * 16777619;
	return number;
}

uint32_t
seccomp_version(void)
{
	struct program program;
	compose(&program, SECCOMP_ANY, 0);
	return seccomp_mix(
	    0, program.steps, program.n * sizeof program.steps[0]);
}

/*
 * Before Linux 5.16 a filter made the processor slower, against an attack by
 * code that is compiled while it runs, of which there is none here.
 */
static int
set(const struct sock_fprog *filter)
{
	if (syscall(SYS_seccomp, SET_FILTER, KEEP_SPECULATION, filter) == 0 ||
	    syscall(SYS_seccomp, SET_FILTER, 0, filter) == 0)
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0UL, 0UL);
}

int
seccomp_restrict(uint32_t identity, unsigned state)
{
	struct program program;
	if (ARCHITECTURE == 0) {
		errno = ENOTSUP;
		return -1;
	}
	compose(&program, identity, state);
	const struct sock_fprog filter = {program.n, program.steps};
	return set(&filter);
}

int
seccomp_ask(uint32_t identity)
{
	int saved = errno;
	int state = -1;
	if (prctl((int)question, (unsigned long)identity, 0UL, 0UL, 0UL) ==
		-1 &&
	    errno >= ANSWERS && errno <= ANSWERS + SECCOMP_STATE_MAX)
		state = errno - ANSWERS;
	errno = saved;
	return state;
}
