#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Each system call of a daemon's life fails once, from its first own call to
its end: it refuses to start, with one sentence, or it serves and ends well.

The long extent takes every call there is; the short one the first of each
name.
"""

import collections
import os
import signal
import socket
import subprocess
import tempfile
import time

import tap
from client import may_break
from daemon import (LONG, PATIENCE, Case, Daemon, each_backend, linux_only,
                    not_counted, unstamped)
from injection import calls_in, injecting, with_strace, wrapper
from stream import receive_all, upper

LINE = "ein Stück\n".encode()

OK, UNAVAILABLE, OS_ERROR, NO_PERMISSION = 0, 69, 71, 77

# What may become of a daemon whose call fails so: the statuses with which it
# may refuse to start, if any, or OK for service as if nothing had been.
#
# What a library calls for us shares its name with what we call; where its
# failure does no harm there is OK as well.
ACCEPT = [("EMFILE", {OK}), ("ECONNABORTED", {OK}), ("EINTR", {OK})]
CALLS = {
    "accept": ACCEPT,
    "accept4": ACCEPT,
    "bind": [("EADDRINUSE", {UNAVAILABLE}), ("EACCES", {NO_PERMISSION}),
             ("EADDRNOTAVAIL", {UNAVAILABLE}), ("ENOMEM", {OS_ERROR})],
    "capset": [("EPERM", {OK})],
    "chdir": [("EACCES", {OK})],
    "clone": [("EAGAIN", {OS_ERROR})],
    # In the sandbox it fails in any case, and clone is called.
    "clone3": [("EAGAIN", {OS_ERROR, OK})],
    "close_range": [("ENOSYS", {OK}), ("EPERM", {OK})],
    "connect": [("ECONNREFUSED", {OK})],  # the name service cache daemon
    "epoll_create1": [("EMFILE", {OS_ERROR}), ("ENOMEM", {OS_ERROR})],
    "epoll_ctl": [("ENOSPC", {OS_ERROR, OK}), ("ENOMEM", {OS_ERROR, OK})],
    "epoll_wait": [("EINTR", {OK}), ("ENOMEM", {OK})],
    # Only a later change of addresses may need it, and says so then.
    "fchown": [("EPERM", {OK})],
    "fcntl": [("EBADF", {OS_ERROR, OK})],
    "getdents64": [("ENOMEM", {OS_ERROR, OK})],
    "getpeername": [("ENOTCONN", {OK})],
    "getsockname": [("ENOBUFS", {OK})],
    "getsockopt": [("ENOPROTOOPT", {OK})],
    # A sandbox that is tried may lack a part.
    "landlock_add_rule": [("EINVAL", {OK}), ("ENOMEM", {OK})],
    "landlock_create_ruleset": [("ENOSYS", {OK}), ("EMFILE", {OK})],
    "landlock_restrict_self": [("E2BIG", {OK}), ("EPERM", {OK})],
    # The second one only makes the queue longer.
    "listen": [("EADDRINUSE", {UNAVAILABLE, OK})],
    "lseek": [("ESPIPE", {OS_ERROR, OK})],
    "madvise": [("EAGAIN", {OK})],
    "mmap": [("ENOMEM", {OS_ERROR, OK})],
    "mprotect": [("ENOMEM", {OS_ERROR, OK})],
    "munmap": [("ENOMEM", {OK})],
    "newfstatat": [("EIO", {OS_ERROR, OK})],
    "openat": [("EMFILE", {OS_ERROR, OK})],
    "pipe2": [("EMFILE", {OS_ERROR}), ("ENFILE", {OS_ERROR})],
    "poll": [("EINTR", {OK}), ("ENOMEM", {OK})],
    "prctl": [("EINVAL", {OK})],
    "prlimit64": [("EPERM", {OS_ERROR, OK})],
    "read": [("EIO", {OS_ERROR, OK})],
    "readlink": [("EACCES", {OK})],
    "readlinkat": [("EINVAL", {OK})],
    "recvfrom": [("ECONNRESET", {OK}), ("EAGAIN", {OK}), ("EINTR", {OK})],
    "sendto": [("EPIPE", {OK}), ("ENOBUFS", {OK}), ("EAGAIN", {OK})],
    "seccomp": [("EINVAL", {OK}), ("ENOMEM", {OK})],
    "setgid": [("EPERM", {NO_PERMISSION})],
    "sched_getaffinity": [("EPERM", {OK}), ("ENOSYS", {OK})],
    "setgroups": [("EPERM", {NO_PERMISSION})],
    "setresuid": [("EPERM", {OK})],  # one that has to fail
    "setsockopt": [("ENOBUFS", {OK})],
    "setuid": [("EAGAIN", {OS_ERROR, OK})],
    "shutdown": [("ENOTCONN", {OK})],
    "socket": [("EMFILE", {OS_ERROR, OK}), ("EACCES", {NO_PERMISSION, OK}),
               ("EAFNOSUPPORT", {UNAVAILABLE, OK})],
    "waitid": [("ECHILD", {OK}), ("EINTR", {OK})],
    "write": [("ENOSPC", {OK, OS_ERROR}), ("EAGAIN", {OK, OS_ERROR})],
}

# Calls that cannot fail as the daemon and its libraries make them.
INFALLIBLE = {
    "exit", "exit_group", "futex", "geteuid", "getpid", "getrandom", "getuid",
    "gettid",
    "restart_syscall", "rseq", "sched_yield", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "set_robust_list", "setitimer", "umask"}

# A close that fails has closed, and the heap of glibc cannot bear a brk that
# fails only once.
NOT_INJECTED = {"brk", "close"}


# Nobody else listens there, nor has a port of it by lot, so that what is free
# stays free until the daemon is there.
PID = os.getpid()
HOST = f"127.{64 + (PID >> 16)}.{PID >> 8 & 255}.{PID & 255}"


def free_port():
    with socket.socket() as finder:
        finder.bind((HOST, 0))
        return finder.getsockname()[1]


class Life:
    """One daemon from its start to its end: what became of it."""

    def __init__(self, how, wrap):
        self.port = free_port()
        # The log may be what fails, so the port is not looked for there.
        daemon = Daemon(**how, listen=[f"{HOST}:{self.port}"])
        with tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen(
                wrap + daemon.command, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log)
            try:
                self.serves = self._wait_for_service()
                self.status = self._stop()
            finally:
                self.process.kill()
                self.process.wait()
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
            self.lines = unstamped(text).splitlines()

    def _wait_for_service(self):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._is_answered():
                return True
            time.sleep(0.002)
        return False

    def _is_answered(self):
        with may_break(), socket.create_connection(
                (HOST, self.port), PATIENCE) as client:
            client.sendall(LINE)
            client.shutdown(socket.SHUT_WR)
            answer = receive_all(client)
            # Another answer than none must be the right one.
            assert answer == upper(LINE), answer
            return True
        return False

    def _stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None


def own_calls(path):
    """What the daemon called itself, with ordinal numbers by thread."""
    counts = collections.Counter()
    found, loader, serves = {}, None, False
    for thread, name, rest in calls_in(path):
        counts[thread, name] += 1
        ordinal = counts[thread, name]
        # The loader comes before, and its troubles are its own.
        if loader is None and name == "close_range":
            loader = {called: n for (_, called), n in counts.items()}
            loader[name] -= 1
        serves = serves or "listening on" in rest
        # By then the pipe of a bell has its memory: a ring cannot fail.
        if loader is not None and ordinal > loader.get(name, 0) and \
                not (serves and name == "write"):
            found[name, ordinal] = True
    return list(found)


def chosen(calls):
    """Those of the calls that this extent of the test lets fail."""
    seen = collections.Counter()
    for name, ordinal in calls:
        seen[name] += 1
        most = len(calls) if LONG else 1
        if name not in CALLS or seen[name] > most:
            continue
        for error, outcomes in CALLS[name] if LONG else CALLS[name][:1]:
            yield name, ordinal, error, outcomes


@linux_only
@not_counted
@with_strace
class EachCallTest(Case):
    @staticmethod
    def verdict(life, outcomes):
        """What is wrong with the life, or None."""
        if life.serves:
            fine = OK in outcomes and life.status == OK
            return None if fine else f"it served, and ended: {life.status}"
        errors = [s for s in life.lines if s.startswith("upcased: ")]
        if life.status not in outcomes - {OK} or len(errors) != 1 \
                or errors[0] != life.lines[-1]:
            return f"it ended with {life.status}: {life.lines}"
        return None

    def check_bells(self, path):
        """Each pipe has its memory before it is needed."""
        npipes = nwrites = 0
        for _, name, rest in calls_in(path):
            if "listening on" in rest:
                break
            npipes += name == "pipe2"
            nwrites += name == "write" and not rest.startswith("2,")
        self.assertGreater(npipes, 0)
        self.assertEqual(nwrites, npipes)

    @each_backend(workers=(1, 2) if LONG else (2,))
    def test_each_call(self, how):
        """Each call that fails once is told in one sentence, or does no
        harm"""
        if how["backend"] == "kqueue":
            self.skipTest("the stand-in for kqueue makes calls of its own")
        with tempfile.NamedTemporaryFile() as trace:
            life = Life(how, wrapper(trace.name))
            self.assertEqual((life.serves, life.status), (True, OK))
            self.check_bells(trace.name)
            calls = own_calls(trace.name)
            unknown = {name for name, _ in calls} - CALLS.keys() \
                - INFALLIBLE - NOT_INJECTED
            self.assertEqual(unknown, set(), "calls that are in no table")
            self.assertGreater(len(calls), 60)
            problems = []
            for name, ordinal, error, outcomes in chosen(calls):
                problem = self.verdict(Life(how, injecting(
                    trace.name, name, error, ordinal)), outcomes)
                if problem:
                    problems.append(f"{name} {ordinal}, {error}: {problem}")
            self.assertEqual(problems, [])


if __name__ == "__main__":
    tap.main()
