#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A start that is refused: one sentence, and the status of the manual page.

What concerns addresses is in test_addresses.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import tap
from client import ask
from daemon import (BACKENDS, LONG, PATIENCE, SANITIZED, SANITIZERS,
                    UPCASED, Daemon,
                    each_backend, linux_only, needs, not_counted, root_only,
                    with_mounts)
from injection import calls_in, injecting, with_strace
from injection import wrapper as traced
from refusal import (IO_ERROR, NO_PERMISSION, NO_USER, OK, OS_ERROR,
                     UNAVAILABLE, USAGE, RefusalCase, run)
from stream import upper

LINE = "ein Stück\n".encode()

ANYWHERE = ("--listen", "127.0.0.1:0")

BAD_ADDRESSES = (
    "", ":", "tcp:", "udp:5220", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1",
    "127.0.0.1:65536", "127.0.0.1:99999999999999999999", "127.0.0.1: 80",
    "127.0.0.1:+1", "::1:5220", "65536", "[::1]5220", "[::1:5220", "[]:5220",
    "[127.0.0.1]:5220", "a b:5220", "x" * 300 + ":5220", "localhost:http",
    "\x1b[31m:5220", "a\nb:5220", "\t:5220")
BAD_TIMES = ("", "s", "1", "-1s", "1.5s", "1 s", "1d", "169h", "1s1",
             "99999999999999999999s", "0x1s", "1S", "9" * 100000 + "s")
BAD_NUMBERS = ("", "0", "-1", "x", "1x", " 1", "99999999999999999999", "1.5",
               "1 ", "\t1", "1e2", "0x10", "9" * 100000, b"\xff\xfe",
               "\x1b[31m", "%n%s")

BAD_COMMAND_LINES = [
    ["--frobnicate"], ["-x"], ["--listen"], ["--workers"], ["--help=yes"],
    ["--version=1"], ["--backend", "select"], ["--backend", ""],
    ["--invalid", "maybe"], ["--invalid", "Pass"], ["--log-level", "loud"],
    ["--user", ""], ["--user="], ["--listen="], ["--listen=", ":0"],
    ["surplus"], [""], [" "], ["-"], ["--", "surplus"], ["--", "--version"],
    ["--workers", "2", "surplus"], ["surplus", "--workers", "2"],
    ["--m", "5"], ["--", "\x1b[31m"], [b"--\xff"], [b"-\xff"], ["x" * 100000],
    # An option given twice must be right both times.
    ["--workers", "0", "--workers", "2"], ["--workers", "2", "--workers", "0"],
    *(["--listen", text] for text in BAD_ADDRESSES),
    *([option, text] for option in ("--idle-timeout", "--stall-timeout",
                                    "--drain-timeout") for text in BAD_TIMES),
    *([option, text] for option in ("--workers", "--max-connections")
      for text in BAD_NUMBERS),
    ["--workers", "257"], ["--max-connections", "1000001"],
    *(["--busy-poll", text] for text in ("", "1", "us", "-1us", "11ms", "1s")),
    *(["--memory-limit", text] for text in
      ("", "0", "K", "63K", "1000", "-1M", "1T", "1k", "9999999999G")),
    *([option, text] for option in ("--send-buffer", "--receive-buffer")
      for text in ("", "0", "4095", "65M", "auto", "-4K")),
    ["--congestion", ""],
    65 * ["--listen", "127.0.0.1:0"],
]


class UsageTest(RefusalCase):
    def test_command_line(self):
        """A bad command line is refused with one printable sentence"""
        for arguments in BAD_COMMAND_LINES:
            with self.subTest(str(arguments)[:80]):
                self.check(USAGE, "", *arguments)

    def test_hint(self):
        """The sentence names what is wrong, and what would be right"""
        self.check(USAGE, "--frob.*--help", "--frob")
        self.check(USAGE, "several options begin with '--m'", "--m", "5")
        self.check(USAGE, "no value .*--version=1", "--version=1")
        self.check(USAGE, r"--listen.*127\.0\.0\.1:5220", "--listen", "x y")
        self.check(USAGE, "--idle-timeout.*30s", "--idle-timeout", "1")
        others = [name for name in BACKENDS if name != "kqueue"]
        self.check(USAGE, "is not " + "one of " * (len(others) > 1) +
                   " and ".join(others), "--backend", "x")
        self.check(USAGE, r"'\\x1b\[31m' is not", "--workers", "\x1b[31m")

    def test_abbreviations(self):
        """An option may be shortened, and the last of several values counts"""
        for arguments in (["--work", "2"], ["--work=2"],
                          ["--workers", "256", "--workers", "2"]):
            with Daemon(args=arguments) as daemon:
                daemon.wait_for_line(r"^serving with \w+, 2 workers,")

    def test_little_memory(self):
        """A memory limit that leaves too little for each worker is refused"""
        for order in (1, -1):
            options = [["--memory-limit", "200K"], ["--workers", "4"]][::order]
            self.check(USAGE, "memory-limit.*lower workers", *ANYWHERE,
                       *options[0], *options[1])
        with Daemon(args=["--memory-limit", "256K", "--workers", "4"]):
            pass

    def test_strange_values(self):
        """Any name of an account or a control is refused in one sentence"""
        for name in (" ", "-1", "\x1b[31m", b"\xff\xfe", "x" * 15,
                     b"\xff" * 15, "a\nb", "%s%n", "../root", "root "):
            with self.subTest(str(name)[:80]):
                self.check(NO_USER, "--user", *ANYWHERE, "--user", name)
                self.check(UNAVAILABLE, "--congestion", *ANYWHERE,
                           "--congestion", name)
        self.check(NO_USER, "--user", *ANYWHERE, "--user", "x" * 255)
        for name in ("x" * 100000, b"\xff" * 1000):
            self.check(USAGE, "of at most 255 bytes", "--user", name)
            self.check(USAGE, "of at most 15 bytes", "--congestion", name)
        self.check(USAGE, "of at most 15 bytes", "--congestion", "x" * 16)


class OutputTest(RefusalCase):
    def check_output(self, reason, wrapper, **streams):
        for option in ("--help", "-h", "--version", "-V"):
            done = run(option, wrapper=wrapper, **streams)
            self.assertEqual((done.returncode, done.stderr), (
                IO_ERROR, "upcased: cannot write to standard output: "
                f"{reason}\n"))

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_full_output(self):
        """What cannot be printed is an error"""
        with open("/dev/full", "wb") as full:
            self.check_output("No space left on device", [], stdout=full)

    def test_closed_output(self):
        """What is printed to a closed standard output is an error"""
        for closed in (">&-", "<&- >&-"):
            self.check_output("Bad file descriptor",
                              ["sh", "-c", f'exec "$@" {closed}', "sh"])

    @not_counted
    @unittest.skipIf("thread" in SANITIZERS, "ThreadSanitizer is killed")
    def test_limited_output(self):
        """So is what the limit of the size of files leaves no room for"""
        with tempfile.TemporaryFile() as file:
            self.check_output("File too large", [
                "sh", "-c", 'ulimit -f 0; exec "$@"', "sh"], stdout=file)

    @not_counted
    @with_strace
    def test_late_error(self):
        """So is an error that only the close of the output tells"""
        with tempfile.NamedTemporaryFile() as trace:
            run("--version", wrapper=traced(trace.name, "trace=close"))
            last = str(len(calls_in(trace.name)))
            done = run("--version", wrapper=injecting(
                trace.name, "close", "EIO", last))
        self.assertEqual((done.returncode, done.stderr), (
            IO_ERROR, "upcased: cannot write to standard output: "
            "Input/output error\n"))


class ResourceTest(RefusalCase):
    @unittest.skipIf(SANITIZED, "sanitizers need descriptors to start")
    def test_no_streams(self):
        """Without descriptors for the standard streams it is refused"""
        done = run(*ANYWHERE, wrapper=[
            "sh", "-c", 'exec <&- >&- 2>&-; ulimit -n 1; exec "$@"', "sh"])
        self.assertEqual(done.returncode, OS_ERROR)

    @root_only
    @with_mounts
    def test_no_null_device(self):
        """A missing /dev/null does not matter, nor do closed streams then"""
        bare = 'mount -t tmpfs none /dev && exec "$@" '
        wrapper = ["unshare", "-m", "sh", "-c", bare, "sh"]
        self.assertEqual(run("--version", wrapper=wrapper).returncode, OK)
        with Daemon(wrapper=wrapper) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
        for closed in ("<&-", ">&-", "<&- >&-"):
            with Daemon(wrapper=[
                    "unshare", "-m", "sh", "-c", bare + closed,
                    "sh"]) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                for fd in range(3):
                    self.assertNotIn("socket", daemon.fds()[fd])

    @not_counted
    @each_backend(workers=(1, 2))
    def test_few_descriptors(self, how):
        """With too few descriptors it is refused, with enough it serves"""
        outcomes = []
        for limit in [*range(4, 33), 64] if LONG else [4, 8, 16, 24, 64]:
            wrapper = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(limit)]
            probe = run("--version", wrapper=wrapper)
            if probe.returncode:
                continue  # Not even the C library could start.
            daemon = Daemon(**how, nofile=limit)
            try:
                with daemon:
                    line = daemon.wait_for_line(r"at most (\d+) connection")
                    self.assertIn(int(line.group(1)), range(1, limit))
                    self.assertEqual(ask(daemon, LINE), upper(LINE))
                outcomes.append(OK)
            except AssertionError:
                self.check_end(OS_ERROR, "ulimit -n", daemon.process,
                               daemon.lines)
                outcomes.append(OS_ERROR)
        # One threshold, with both outcomes.
        self.assertEqual(sorted(outcomes, reverse=True), outcomes)
        self.assertEqual({OK, OS_ERROR}, set(outcomes))

    def test_too_many_connections(self):
        """More connections than the descriptors allow are refused"""
        wrapper = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', "64"]
        self.check(OS_ERROR, "descriptors", *ANYWHERE,
                   "--max-connections", "64", wrapper=wrapper)

    @linux_only
    @unittest.skipIf(SANITIZED, "sanitizers need address space to start")
    def test_little_address_space(self):
        """With too little address space the options that need it are named"""
        wrapper = ["sh", "-c", 'ulimit -v "$0" && exec "$@"']
        few = ("--max-connections", "10")
        # The figures of the log, and the stacks of threads.
        for limit, pattern, *arguments in (
                (100000, "--memory-limit", "--memory-limit", "900M"),
                (100000, "--max-connections.*--workers", "--workers", "64",
                 "--memory-limit", "500M"),
                (250000, "worker .*--workers.*ulimit", "--workers", "200")):
            self.check(OS_ERROR, pattern, *ANYWHERE, *few, *arguments,
                       wrapper=[*wrapper, str(limit)])
        with Daemon(args=few, wrapper=[*wrapper, "100000"]) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @linux_only
    @root_only
    @needs("setpriv", "prlimit")
    @unittest.skipIf(SANITIZED, "sanitizers need threads of their own")
    def test_few_threads(self):
        """Without a thread for a worker the option and the limit are named"""
        with tempfile.TemporaryDirectory() as folder:
            # Where the build is, others may have no way to.
            os.chmod(folder, 0o755)
            program = shutil.copy(UPCASED, folder)
            # An account that has no process besides.
            wrapper = ["setpriv", "--reuid=61183", "--regid=61183",
                       "--clear-groups", "prlimit", "--nproc=2"]
            self.check(OS_ERROR, "--workers.*ulimit -u", *ANYWHERE,
                       "--workers", "4", program=program, wrapper=wrapper)


class AccountTest(RefusalCase):
    @root_only
    def test_unknown_user(self):
        """An unknown account is refused"""
        self.check(NO_USER, "no-such-account", *ANYWHERE,
                   "--user", "no-such-account")

    @root_only
    def test_user_root(self):
        """It never serves as root, also when asked to"""
        for user in ("root", "0", "0:65534", "65534:0", "00:1", "0:0"):
            self.check(NO_PERMISSION, f"{user} is .*root.*--user", *ANYWHERE,
                       "--user", user)
            self.assertEqual(run(*ANYWHERE, "--check", "--user",
                                 user).returncode, NO_PERMISSION)

    @root_only
    def test_unknown_number(self):
        """A number that no account has is refused without its group"""
        self.check(NO_USER, "4000000001.*--user 4000000001:4000000001",
                   *ANYWHERE, "--user", "4000000001")

    @root_only
    @needs("setpriv")
    def test_root_without_rights(self):
        """Root of a container that may not change its account is refused"""
        for lost in ("-setuid", "-setgid", "-setuid,-setgid"):
            self.check(NO_PERMISSION, "cannot become nobody; .*CAP_SETUID",
                       *ANYWHERE, "--user", "nobody",
                       wrapper=["setpriv", f"--bounding-set={lost}"])

    @root_only
    @needs("setpriv")
    def test_root_for_ever(self):
        """Rights of root that cannot be given up are refused"""
        self.check(NO_PERMISSION, "nobody could become root again; .*CAP_SET",
                   *ANYWHERE, "--user", "nobody", wrapper=[
                       "setpriv", "--ruid=nobody", "--bounding-set=-setuid"],
                   # Leaks are looked for with rights that are gone by then.
                   env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    @linux_only
    @needs("unshare")
    def test_user_namespace(self):
        """Nor can root of a user name space that has no other account"""
        wrapper = ["unshare", "-r"]
        if subprocess.run([*wrapper, "true"], stderr=subprocess.DEVNULL,
                          timeout=PATIENCE).returncode:
            self.skipTest("needs user name spaces, and the right to them")
        self.check(NO_PERMISSION, "cannot become nobody; ", *ANYWHERE,
                   "--user", "nobody", wrapper=wrapper)

    @root_only
    @with_strace
    def test_calls(self):
        """The status follows what the system says to a change of account"""
        for call, error, status in (
                ("setuid", "EPERM", NO_PERMISSION),
                ("setgid", "EPERM", NO_PERMISSION),
                ("setgroups", "EINVAL", NO_PERMISSION),
                ("setuid", "EAGAIN", OS_ERROR),
                ("setgroups", "ENOMEM", OS_ERROR)):
            with tempfile.NamedTemporaryFile() as trace:
                self.check(status, "cannot become nobody; ", *ANYWHERE,
                           "--user", "nobody",
                           wrapper=injecting(trace.name, call, error, "1+"))


class PageTest(RefusalCase):
    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_each_status(self):
        """Each status of the page is one that the daemon ends with"""
        folder = os.path.join(os.path.dirname(__file__), "..", "..")
        with open(os.path.join(folder, "man", "upcased.8")) as page:
            section = page.read().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        with socket.socket() as holder, open("/dev/full", "wb") as full:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = f"127.0.0.1:{holder.getsockname()[1]}"
            few = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"]
            # Root may not be asked to stay root, and others to become it.
            ended = [
                run("--workers", "0"),
                run(*ANYWHERE, "--user", "no-such-account"),
                run("--listen", "nowhere.invalid:0"),
                run("--listen", taken),
                run(*ANYWHERE, "--max-connections", "64", wrapper=few),
                run("--version", stdout=full),
                run(*ANYWHERE, "--user", "root"),
                run(config="/no-such-file"),
            ]
        self.assertEqual([str(done.returncode) for done in ended],
                         re.findall(r"^\.It (\d+)$", section, re.M))

    def test_statuses(self):
        """Page and unit agree about the statuses that only a person mends"""
        folder = os.path.join(os.path.dirname(__file__), "..", "..")
        with open(os.path.join(folder, "man", "upcased.8")) as page:
            section = page.read().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        self.assertEqual(re.findall(r"^\.It (\d+)$", section, re.M),
                         ["64", "67", "68", "69", "71", "74", "77", "78"])
        unit = os.path.join(folder, "contrib", "systemd", "upcased.service.in")
        with open(unit) as file:
            self.assertIn("\nRestartPreventExitStatus=64 67 77 78\n", file.read())


if __name__ == "__main__":
    tap.main()
