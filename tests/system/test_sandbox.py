# SPDX-License-Identifier: ISC
"""The sandbox of the daemon: what it gives up, and that it serves on."""

import os
import re
import shutil
import signal
import tempfile
import unittest

import tap
from client import ask
from config_file import ConfigFile
from daemon import COUNTED, SANITIZED, UPCASED, Case, Daemon, each_backend, \
    linux_only
from injection import with_strace, wrapper
from ports import free_ports
from refusal import NO_PERMISSION, OK, RefusalCase, run
from test_handover import daemon_of, exchange, hand_over, installed

REQUIRED = ["--sandbox", "require"]
MOVED = "^warning: the sandbox allows only .*; after a move, restart upcased$"


def _works():
    """Whether this system has all that is required, and a test can use it."""
    if COUNTED or SANITIZED:
        return False
    return run("--check", *REQUIRED).returncode == OK


with_sandbox = unittest.skipUnless(
    _works(), "needs a system with a sandbox, and a program that writes no "
    "files of its own")


def statuses(pid):
    """The status of each thread, as a dictionary."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as text:
            found.append(dict(re.findall(r"(?m)^(\w+):\s*(.*)$", text.read())))
    return found


def told(daemon):
    return [line for line in daemon.lines if "sandbox" in line]


@linux_only
@with_sandbox
class SandboxTest(Case):
    @each_backend(workers=(1, 3), mode=("try", "require", None))
    def test_threads(self, how, mode):
        """Each thread is in the sandbox, and the log says what was given up"""
        args = ["--sandbox", mode] if mode else []
        with Daemon(**how, args=args) as daemon:
            found = statuses(daemon.pid)
            self.assertGreaterEqual(len(found), how["workers"])
            for status in found:
                self.assertEqual(status["Seccomp"], "2")
                self.assertEqual(status["NoNewPrivs"], "1")
            daemon.wait_for_line(r"^sandbox: \d\d system calls are refused")
            self.assertRegex(told(daemon)[0], "^sandbox: only the log can be")
            # Those who wait for the addresses have all of the start then.
            self.assertRegex(daemon.lines[-1], "^listening on ")
            self.assertEqual(ask(daemon, b"x"), b"X")

    def test_off(self):
        """Without it nothing is given up, and nothing said"""
        with Daemon(args=["--sandbox", "off"]) as daemon:
            for status in statuses(daemon.pid):
                self.assertEqual(status["Seccomp"],
                                 statuses("self")[0]["Seccomp"])
            # The lines of the counters come after those of the start.
            daemon.counters()
            self.assertEqual(told(daemon), [])

    def test_reload(self):
        """A new file is read, a new port bound, and a name found"""
        first, second, third = free_ports(3)
        with ConfigFile(f"listen = 127.0.0.1:{first}\n") as file, \
                Daemon(listen=(), config=file.path, args=REQUIRED) as daemon:
            file.write(f"listen = 127.0.0.1:{second}\n"
                       f"listen = localhost:{third}\ninvalid = replace\n")
            self.assertRegex(daemon.reload()[-1], "^reloaded: ")
            for port in second, third:
                with daemon.connect(("127.0.0.1", port)) as client:
                    self.assertTrue(exchange(client))

    @each_backend()
    def test_many(self, how):
        """40 hand-overs leave one sandbox, and the connection"""
        with Daemon(**how, args=REQUIRED) as daemon, \
                daemon.connect() as client:
            for _ in range(40):
                self.assertEqual(hand_over(daemon), 1)
                self.assertTrue(exchange(client))
            for status in statuses(daemon.pid):
                self.assertEqual(self.filters(status),
                                 self.filters(statuses("self")[0]) + 1)

    def filters(self, status):
        """How many are in force; others may be where the test runs"""
        # Linux before 5.10 does not say it.
        return int(status.get("Seccomp_filters", status["Seccomp"] == "2"))

    @each_backend()
    def test_moved_program(self, how):
        """A program that has moved is not executed, and all is served on"""
        with installed(how) as first, installed(how) as second, \
                tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            link = os.path.join(folder, "upcased")
            os.symlink(first, link)
            with daemon_of(link, how, REQUIRED) as daemon, \
                    daemon.connect() as client:
                os.symlink(second, f"{link}.new")
                os.rename(f"{link}.new", link)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line("no hand-over: cannot execute .*"
                                     "all is served as before")
                daemon.wait_for_line(MOVED)
                self.assertTrue(exchange(client))

    def test_moved_file(self):
        """Nor is a file read that has moved"""
        with ConfigFile() as file, ConfigFile() as other, \
                Daemon(config=file.path, args=REQUIRED) as daemon, \
                daemon.connect() as client:
            os.unlink(file.path)
            os.symlink(other.path, file.path)
            lines = daemon.reload()
            self.assertRegex(lines[-1], "^upcased: not reloaded: ")
            self.assertRegex(lines[-2], MOVED)
            since = len(daemon.lines)
            daemon.send_signal(signal.SIGUSR2)
            daemon.wait_for_line("no hand-over: the rehearsal ended with "
                                 "status 78; all is served as before", since)
            daemon.wait_for_line(MOVED, since)
            self.assertTrue(exchange(client))

    def test_changed(self):
        """A hand-over does not lay off the sandbox, and says so"""
        with ConfigFile("sandbox = require\n") as file, \
                Daemon(config=file.path) as daemon:
            file.write("sandbox = off\n")
            hand_over(daemon)
            daemon.wait_for_line(
                "^warning: the sandbox of the last process stays in force")

    def test_nothing_written(self):
        """No file can be made, where the account could make one"""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            program = shutil.copy(UPCASED, folder)
            marker = os.path.join(folder, "marker")
            how = Daemon(args=REQUIRED)
            how.command[0] = program
            with how as daemon, daemon.connect() as client:
                # What is executed instead of the next process tries to.
                with open(f"{program}.new", "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/sh\n>{marker} || exit 9\n")
                os.chmod(f"{program}.new", 0o755)
                os.rename(f"{program}.new", program)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line("no hand-over: the rehearsal ended with "
                                     "status [1-9]")
                self.assertTrue(exchange(client))
            self.assertFalse(os.path.exists(marker))


@linux_only
class KernelTest(RefusalCase):
    """Kernels without Landlock, without filters, and with less of them."""

    LACKS = {
        "no Landlock": (("landlock_create_ruleset", "ENOSYS"),),
        "Landlock is off": (("landlock_create_ruleset", "EOPNOTSUPP"),),
        "a container": (("landlock_create_ruleset", "EPERM"),),
        "too many": (("landlock_restrict_self", "E2BIG"),),
        # Without prctl there is no Landlock either, for a plain account.
        "no filters": (("seccomp", "EINVAL"), ("prctl", "EINVAL")),
    }

    def injected(self, lacks, trace):
        return wrapper(trace, *(f"inject={call}:error={error}"
                                for call, error in lacks))

    @with_strace
    @unittest.skipIf(COUNTED, "in a sandbox no counts can be written")
    def test_try(self):
        """What the kernel lacks is a warning, and all is served"""
        for name, lacks in self.LACKS.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                trace = os.path.join(folder, "trace")
                with Daemon(args=["--sandbox", "try"],
                            wrapper=self.injected(lacks, trace)) as daemon:
                    warnings = [line for line in told(daemon)
                                if line.startswith("warning: ")]
                    self.assertEqual(len(warnings), len(lacks), warnings)
                    for line in warnings:
                        self.assertRegex(line, "^warning: the sandbox cannot "
                                         ".*; .*: ")
                    self.assertEqual(ask(daemon, b"x"), b"X")

    @with_strace
    @unittest.skipIf(COUNTED, "in a sandbox no counts can be written")
    def test_require(self):
        """Where it is required, it is the end of the start and of --check"""
        for name, lacks in self.LACKS.items():
            for more in (), ("--check",):
                with self.subTest(name, more=more), \
                        tempfile.TemporaryDirectory() as folder:
                    trace = os.path.join(folder, "trace")
                    done = run(*REQUIRED, *more, "--listen", "127.0.0.1:0",
                               wrapper=self.injected(lacks, trace))
                    self.assertEqual(done.returncode, NO_PERMISSION)
                    self.assertRegex(done.stderr, "upcased: --sandbox "
                                     "require: cannot .*; .*: ")
                    self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    tap.main()
