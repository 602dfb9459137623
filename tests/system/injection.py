# SPDX-License-Identifier: ISC
"""Lets system calls of the daemon fail, by strace.

strace does not make the call that it lets fail.  So recv, send and the like
lose nothing, and a close, which closes also when it fails, is never injected.
"""

import os
import platform
import re
import subprocess
import tempfile
import unittest

from daemon import PATIENCE, SANITIZED, wait_until

# A call as strace -f writes it: its thread, its name, and the rest.
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
         "stderr": subprocess.DEVNULL}


def _can_trace():
    try:
        command = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"]
        return subprocess.run(command, timeout=PATIENCE,
                              **QUIET).returncode == 0
    except OSError:
        return False


def with_strace(test):
    """Skips a test, or a class of them, where strace cannot do its part."""
    reason = None
    if SANITIZED:
        reason = "sanitizers and valgrind make system calls of their own"
    elif platform.machine() != "x86_64":
        reason = "names the calls of Linux on x86-64"
    elif not _can_trace():
        reason = "needs strace, and the right to trace"
    return unittest.skipIf(reason, reason)(test)


def wrapper(path, *expressions):
    """What to put before the command of a daemon that is to be traced.

    The daemon stays the child of who starts it.
    """
    options = [word for text in expressions for word in ("-e", text)]
    # Of a line of the log more than its beginning is to be seen.
    return ["strace", "-D", "-f", "-qq", "-s", "80", "-o", path, *options]


def injecting(path, call, error, when):
    """The wrapper that lets a call fail.

    when is strace's: "3" is the third call of a thread, "3+" all from then
    on, "2+5" the second and then each fifth.
    """
    return [*wrapper(path, f"trace={call}",
                     f"inject={call}:error={error}:when={when}"),
            "--seccomp-bpf"]


def calls_in(path):
    """The system calls in a file that strace wrote."""
    with open(path) as trace:
        found = [_CALL.match(line) for line in trace]
    return [match.groups() for match in found if match]


class Injection:
    """The same in a daemon that runs, as a context manager.

    Calls are counted from then on, for each thread on its own.  Afterwards
    the attribute injected says how many have failed.
    """

    def __init__(self, daemon, call, error, when):
        self.daemon = daemon
        self.call = call
        self.what = f"inject={call}:error={error}:when={when}"
        self.injected = 0

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile("r")
        self.process = subprocess.Popen(
            ["strace", "-f", "-o", self.file.name, "-p", str(self.daemon.pid),
             "-e", f"trace={self.call}", "-e", self.what], **QUIET)
        try:
            wait_until(self._is_attached, "strace is attached")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _is_attached(self):
        folder = f"/proc/{self.daemon.pid}/task"
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/status") as status:
                tracer = re.search(r"TracerPid:\t(\d+)", status.read())
            if int(tracer.group(1)) != self.process.pid:
                return False
        return True

    def __exit__(self, kind, value, traceback):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.injected = self.file.read().count("(INJECTED)")
        self.file.close()
