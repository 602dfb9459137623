/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox_calls.h"

#include <sys/syscall.h>

/*
 * It is a list of what is refused, since what a C library calls changes with
 * its versions: a list of what is allowed would sooner or later end a daemon
 * that does nothing new.  For the same reason memory that is both writable and
 * executable is not refused, which some systems need to load a library.
 *
 * What the headers do not know, the daemon was not compiled to refuse.
 */
#define CALL(call, its_answer)                                                 \
	{                                                                      \
		.name = #call, .number = SYS_##call, .answer = (its_answer)    \
	}

const struct refused_call refused_calls[] = {
    /* What puts other code into the kernel. */
    CALL(kexec_load, CALL_FATAL),
#ifdef SYS_kexec_file_load
    CALL(kexec_file_load, CALL_FATAL),
#endif
    CALL(init_module, CALL_FATAL),
    CALL(finit_module, CALL_FATAL),
    CALL(delete_module, CALL_FATAL),
    /* Other processes, and what they leave to a debugger. */
    CALL(ptrace, CALL_REFUSED),
    CALL(process_vm_readv, CALL_REFUSED),
    CALL(process_vm_writev, CALL_REFUSED),
#ifdef SYS_kcmp
    CALL(kcmp, CALL_REFUSED),
#endif
#ifdef SYS_pidfd_getfd
    CALL(pidfd_getfd, CALL_REFUSED),
#endif
#ifdef SYS_process_madvise
    CALL(process_madvise, CALL_REFUSED),
#endif
    CALL(move_pages, CALL_REFUSED),
    CALL(migrate_pages, CALL_REFUSED),
    CALL(perf_event_open, CALL_REFUSED),
#ifdef SYS_lookup_dcookie
    CALL(lookup_dcookie, CALL_REFUSED),
#endif
/* What a C library does without. */
#ifdef SYS_clone3
    CALL(clone3, CALL_MISSING),
#endif
#ifdef SYS_io_uring_setup
    CALL(io_uring_setup, CALL_MISSING),
#endif
#ifdef SYS_io_uring_enter
    CALL(io_uring_enter, CALL_MISSING),
#endif
#ifdef SYS_io_uring_register
    CALL(io_uring_register, CALL_MISSING),
#endif
#ifdef SYS_userfaultfd
    CALL(userfaultfd, CALL_MISSING),
#endif
#ifdef SYS_memfd_secret
    CALL(memfd_secret, CALL_MISSING),
#endif
/* Programs inside the kernel, and its keys. */
#ifdef SYS_bpf
    CALL(bpf, CALL_REFUSED),
#endif
    CALL(add_key, CALL_REFUSED),
    CALL(request_key, CALL_REFUSED),
    CALL(keyctl, CALL_REFUSED),
    /* File systems, and files by other ways than their names. */
    CALL(mount, CALL_REFUSED),
    CALL(umount2, CALL_REFUSED),
    CALL(pivot_root, CALL_REFUSED),
    CALL(chroot, CALL_REFUSED),
#ifdef SYS_open_tree
    CALL(open_tree, CALL_REFUSED),
#endif
#ifdef SYS_move_mount
    CALL(move_mount, CALL_REFUSED),
#endif
#ifdef SYS_fsopen
    CALL(fsopen, CALL_REFUSED),
#endif
#ifdef SYS_fsconfig
    CALL(fsconfig, CALL_REFUSED),
#endif
#ifdef SYS_fsmount
    CALL(fsmount, CALL_REFUSED),
#endif
#ifdef SYS_fspick
    CALL(fspick, CALL_REFUSED),
#endif
#ifdef SYS_mount_setattr
    CALL(mount_setattr, CALL_REFUSED),
#endif
    CALL(quotactl, CALL_REFUSED),
#ifdef SYS_quotactl_fd
    CALL(quotactl_fd, CALL_REFUSED),
#endif
    CALL(name_to_handle_at, CALL_REFUSED),
    CALL(open_by_handle_at, CALL_REFUSED),
#ifdef SYS_fanotify_init
    CALL(fanotify_init, CALL_REFUSED),
#endif
#ifdef SYS_mknod
    CALL(mknod, CALL_REFUSED),
#endif
    CALL(mknodat, CALL_REFUSED),
    /* Name spaces. */
    CALL(unshare, CALL_REFUSED),
    CALL(setns, CALL_REFUSED),
    /* The clock, the name and the accounts of the machine. */
    CALL(settimeofday, CALL_REFUSED),
    CALL(clock_settime, CALL_REFUSED),
#ifdef SYS_clock_settime64
    CALL(clock_settime64, CALL_REFUSED),
#endif
    CALL(adjtimex, CALL_REFUSED),
    CALL(clock_adjtime, CALL_REFUSED),
#ifdef SYS_clock_adjtime64
    CALL(clock_adjtime64, CALL_REFUSED),
#endif
#ifdef SYS_stime
    CALL(stime, CALL_REFUSED),
#endif
    CALL(sethostname, CALL_REFUSED),
    CALL(setdomainname, CALL_REFUSED),
    CALL(acct, CALL_REFUSED),
    CALL(syslog, CALL_REFUSED),
    CALL(reboot, CALL_REFUSED),
    CALL(swapon, CALL_REFUSED),
    CALL(swapoff, CALL_REFUSED),
    /* The processor in ways that no compiled program needs. */
    CALL(personality, CALL_REFUSED),
#ifdef SYS_modify_ldt
    CALL(modify_ldt, CALL_REFUSED),
#endif
#ifdef SYS_vm86
    CALL(vm86, CALL_REFUSED),
#endif
#ifdef SYS_vm86old
    CALL(vm86old, CALL_REFUSED),
#endif
#ifdef SYS_iopl
    CALL(iopl, CALL_REFUSED),
#endif
#ifdef SYS_ioperm
    CALL(ioperm, CALL_REFUSED),
#endif
    /* The account, which has been left for good. */
    CALL(setuid, CALL_REFUSED),
    CALL(setgid, CALL_REFUSED),
    CALL(setreuid, CALL_REFUSED),
    CALL(setregid, CALL_REFUSED),
    CALL(setresuid, CALL_REFUSED),
    CALL(setresgid, CALL_REFUSED),
    CALL(setfsuid, CALL_REFUSED),
    CALL(setfsgid, CALL_REFUSED),
    CALL(setgroups, CALL_REFUSED),
#ifdef SYS_setuid32
    CALL(setuid32, CALL_REFUSED),
#endif
#ifdef SYS_setgid32
    CALL(setgid32, CALL_REFUSED),
#endif
#ifdef SYS_setreuid32
    CALL(setreuid32, CALL_REFUSED),
#endif
#ifdef SYS_setregid32
    CALL(setregid32, CALL_REFUSED),
#endif
#ifdef SYS_setresuid32
    CALL(setresuid32, CALL_REFUSED),
#endif
#ifdef SYS_setresgid32
    CALL(setresgid32, CALL_REFUSED),
#endif
#ifdef SYS_setfsuid32
    CALL(setfsuid32, CALL_REFUSED),
#endif
#ifdef SYS_setfsgid32
    CALL(setfsgid32, CALL_REFUSED),
#endif
#ifdef SYS_setgroups32
    CALL(setgroups32, CALL_REFUSED),
#endif
};

const size_t nrefused_calls = sizeof refused_calls / sizeof refused_calls[0];
