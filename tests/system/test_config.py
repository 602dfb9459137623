#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The configuration file: what is read, what is refused, and --check."""

import os
import pwd
import re
import subprocess
import unittest

import tap
from client import ask
from config_file import BROKEN, GOOD, ConfigFile, taken_port
from daemon import (PATIENCE, SANITIZED, UPCASED, Daemon, each_backend,
                    linux_only, needs, not_counted, root_only, unstamped)
from injection import with_strace
from injection import wrapper as traced
from refusal import (CONFIG, IO_ERROR, NO_PERMISSION, OK, UNAVAILABLE, USAGE,
                     RefusalCase, run)
from stream import upper

LINE = "ein Stück\n".encode()


def plain_account():
    account = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={account.pw_uid}",
            f"--regid={account.pw_gid}", "--clear-groups"]


class BrokenCase(RefusalCase):
    def check_refusal(self, broken, status, done):
        lines = [line for line in done.stderr.splitlines()
                 if not line.startswith("warning: ")]
        self.assertEqual(done.returncode, status, lines)
        for pattern in broken.patterns:
            self.assertTrue(any(re.search(pattern, line) for line in lines),
                            (pattern, lines))
        for line in lines:
            self.assertRegex(line, r"^upcased: [ -~]{1,502}$")


class FileTest(BrokenCase):
    def test_broken(self):
        """A start with a broken file ends, and says where and why"""
        self.assertGreater(len(BROKEN), 40)
        with ConfigFile() as file:
            for broken in BROKEN:
                with self.subTest(str(broken)):
                    broken.put(file)
                    done = run(config=file.path)
                    self.check_refusal(broken, broken.status, done)
                    self.assertEqual(done.stdout, "")

    def test_broken_check(self):
        """--check says the same of it, with the same status"""
        with ConfigFile() as file:
            for broken in BROKEN:
                with self.subTest(str(broken)):
                    broken.put(file)
                    done = run("--check", config=file.path)
                    self.assertEqual(done.returncode, broken.checked)
                    if broken.checked != OK:
                        self.check_refusal(broken, broken.status, done)
                        self.assertEqual(done.stdout, "")

    def test_good(self):
        """What looks strange and is right is taken"""
        with ConfigFile() as file:
            for text in GOOD:
                with self.subTest(text[:40]):
                    file.write(text)
                    done = run("--check", config=file.path)
                    self.assertEqual((done.returncode, done.stderr), (OK, ""))

    @each_backend(workers=(1, 2))
    def test_serves(self, how):
        """What the file says is served, and what is above it on the command
        line wins"""
        with ConfigFile("listen = 127.0.0.1:0\ninvalid = replace\n"
                        "workers = 7\n") as file:
            with Daemon(**how, listen=(), config=file.path) as daemon:
                self.assertEqual(ask(daemon, b"a\xff"), b"A\xef\xbf\xbd")
            with Daemon(**how, listen=(), config=file.path,
                        args=["--invalid", "pass"]) as daemon:
                self.assertEqual(ask(daemon, b"a\xff"), b"A\xff")
            # A list replaces a list.
            file.write("listen = 203.0.113.1:1\nlisten = 203.0.113.1:2\n")
            with Daemon(**how, config=file.path) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))

    def test_all_errors(self):
        """All errors of a file are said at once, in their order"""
        with ConfigFile("a = 1\nworkers = x\n\nb\nworkers = 2\n") as file:
            done = run(config=file.path)
        self.assertEqual(done.returncode, CONFIG)
        places = re.findall(r"conf:(\d): ", done.stderr)
        self.assertEqual(places, ["1", "2", "4", "5"])

    def test_in_use(self):
        """An address that another program has is refused with its line"""
        port = taken_port(self)
        with ConfigFile(f"\nlisten = 127.0.0.1:{port}\n") as file:
            self.check(UNAVAILABLE, rf"conf:2: 127\.0\.0\.1:{port} is in use; "
                       "stop the other server, or choose another port$",
                       config=file.path)
            done = run("--check", config=file.path)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))

    @root_only
    @needs("setpriv")
    def test_low_port(self):
        """A port below 1024 is refused without the right to it"""
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as start:
            if int(start.read()) < 1024:
                self.skipTest("needs ports that are kept for root")
        with ConfigFile("listen = 127.0.0.1:1023\n") as file:
            self.check(NO_PERMISSION, "conf:1: .* needs root or CAP_NET_BIND",
                       config=file.path, wrapper=[
                           "setpriv", "--bounding-set=-net_bind_service"])

    @linux_only
    @root_only
    @needs("setpriv")
    def test_unreadable(self):
        """A file that the account may not read is refused"""
        with ConfigFile() as file:
            os.chmod(file.path, 0)
            how = {"config": file.path, "program": file.copy_program(),
                   "wrapper": plain_account()}
            for arguments in ((), ("--check",)):
                self.check(CONFIG, "this account may not read it; let it",
                           *arguments, **how)

    @root_only
    def test_warning(self):
        """When only root could read the file, the start warns of reloads"""
        with ConfigFile("listen = 127.0.0.1:0\n") as file:
            os.chmod(file.path, 0o600)
            with Daemon(listen=(), config=file.path) as daemon:
                self.assertRegex(
                    "\n".join(daemon.lines),
                    r"warning: .*upcased\.conf was read at the start, but "
                    "this account may not: a reload will be refused; let it")
                self.assertRegex(daemon.reload()[0], "may not read it; let it")
                os.chmod(file.path, 0o644)
                self.assertRegex(daemon.reload()[-1], "^reloaded")
            with Daemon(listen=(), config=file.path) as daemon:
                self.assertNotIn("was read at", "\n".join(daemon.lines))

    def test_default_file(self):
        """Without --config the file of the system is read if it is there"""
        found = re.search(r"usual one is (\S+)\.\n", run("--check").stdout)
        self.assertRegex(found[1], r"^/.*/upcased\.conf$")
        if not os.path.exists(found[1]):
            done = subprocess.run([UPCASED, "--check"], text=True,
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertIn("No file was read", done.stdout)
        self.assertIn(found[1], run("--help").stdout)


class CheckTest(RefusalCase):
    EVERYTHING = (
        "listen = 127.0.0.1:1\nlisten = [::1]:2\nlisten = localhost:3\n"
        "listen = 4\nlisten = :5\nworkers = 3\nbackend = poll\n"
        "invalid = close\nmax-connections = 9\nmemory-limit = 1M\n"
        "idle-timeout = 90s\nstall-timeout = 0\ndrain-timeout = 1500ms\n"
        "busy-poll = 50us\ncongestion = reno\nlog = syslog\n"
        "log-level = warn\nlog-connections = yes\n"
        "metrics = 127.0.0.1:9522\n")

    def pairs(self, text):
        return [tuple(line.split(" = ", 1)) for line in text.splitlines()
                if line and not line.startswith("#")]

    def test_output(self):
        """What it prints is a file that says the same"""
        with ConfigFile(self.EVERYTHING) as file:
            first = run("--check", config=file.path)
            self.assertEqual((first.returncode, first.stderr), (OK, ""))
            self.assertEqual(sorted(self.pairs(first.stdout)),
                             sorted(self.pairs(self.EVERYTHING)))
            file.write(first.stdout)
            second = run("--check", config=file.path)
            self.assertEqual((second.returncode, second.stderr), (OK, ""))
            self.assertEqual(self.pairs(second.stdout),
                             self.pairs(first.stdout))
            # Also where nothing is set, and what is not is a comment.
            file.write(run("--check").stdout)
            third = run("--check", config=file.path)
            self.assertEqual(self.pairs(third.stdout),
                             self.pairs(run("--check").stdout))
            self.assertIn("\n# backend = (the first)\n", third.stdout)

    def test_origins(self):
        """It says of each setting where it comes from"""
        with ConfigFile("\nworkers = 2\nlisten = 1\nlisten = 2\n") as file:
            done = run("--check", "--invalid", "close", config=file.path)
            self.assertIn(f"# {file.path} was read.\n", done.stdout)
            for text in (f"# {file.path}:2\nworkers = 2\n",
                         f"# {file.path}:3\nlisten = 1\n"
                         f"# {file.path}:4\nlisten = 2\n",
                         "# command line\ninvalid = close\n",
                         "# default\nidle-timeout = 10m\n"):
                self.assertIn(f"\n{text}", done.stdout)

    def test_memory(self):
        """It prints the bounds of memory that a start prints, and their sum"""
        arguments = ["--max-connections", "50", "--workers", "2",
                     "--memory-limit", "3M"]
        text = run("--check", *arguments).stdout
        own, kernel, both = map(int, re.search(
            r"(\d+) KiB of memory of its own and about (\d+) KiB of the "
            r"kernel's,\n# (\d+) KiB in all\.\n", text).groups())
        self.assertAlmostEqual(own + kernel, both, delta=1)
        with Daemon(args=arguments) as daemon:
            match = daemon.wait_for_line(
                r"at most (\d+) KiB of ours, and about (\d+) KiB of the "
                r"kernel's for each connection, (\d+) KiB for (\d+) of them")
        ours, each, large, nlarge = map(int, match.groups())
        self.assertEqual(own, ours)
        self.assertAlmostEqual(kernel, 50 * each + nlarge * large, delta=60)

    @linux_only
    @not_counted
    @with_strace
    @unittest.skipIf(SANITIZED, "sanitizers make calls of their own")
    def test_harmless(self):
        """It binds nothing, listens on nothing and writes to its output
        alone"""
        with ConfigFile(self.EVERYTHING) as file:
            trace = os.path.join(file.folder, "trace")
            done = run("--check", config=file.path, wrapper=traced(
                trace, "trace=bind,listen,connect,sendto,write,unlink,rename,"
                "openat,kill"))
            self.assertEqual(done.returncode, OK)
            with open(trace) as calls:
                text = calls.read()
        self.assertIn("write(1", text)
        # The log is its own way to standard error.
        text = text.replace('"/proc/self/fd/2", O_WRONLY', "")
        # The name service asks for routes and daemons of its own.
        self.assertNotRegex(text, r"bind\(\d+, \{sa_family=AF_INET")
        for pattern in (r"listen\(", r"unlink\(", r"rename\(", r"kill\(",
                        r"write\([02-9]", r"O_WRONLY", r"O_RDWR", "O_CREAT"):
            self.assertNotRegex(text, pattern)

    def test_beside(self):
        """It works beside a daemon that serves the same"""
        with Daemon() as daemon, ConfigFile(
                f"listen = 127.0.0.1:{daemon.port}\n") as file:
            done = run("--check", config=file.path)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @linux_only
    @root_only
    @needs("setpriv")
    def test_any_account(self):
        """Any account may check what only root may start"""
        with ConfigFile("listen = 127.0.0.1:80\nuser = daemon\n") as file:
            done = run("--check", config=file.path, wrapper=plain_account(),
                       program=file.copy_program())
            self.assertEqual((done.returncode, done.stderr), (OK, ""))

    def test_command_line(self):
        """Errors of the command line have the status of those"""
        self.check(USAGE, "--workers", "--check", "--workers", "0")
        self.check(USAGE, "no IPv4 or IPv6", "--check", "-l", "999.0.0.1")
        self.check(USAGE, "less than 64K", "--check", "-w", "9",
                   "--memory-limit", "64K")

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_full_output(self):
        """What cannot be printed is an error"""
        with open("/dev/full", "wb") as full:
            done = run("--check", stdout=full)
        self.assertEqual(done.returncode, IO_ERROR)

    def test_relative(self):
        """A relative name is that of the directory of the start"""
        with ConfigFile("listen = 127.0.0.1:0\ninvalid = close\n") as file:
            done = run("--check", config="upcased.conf", cwd=file.folder)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertIn("invalid = close", done.stdout)
            self.assertIn(f"# {os.path.realpath(file.path)}:1\n", done.stdout)
        self.check(CONFIG, "there is no such file", config="no-such-file")

    def test_removed_directory(self):
        """Where the directory of the start is gone, that is said"""
        with ConfigFile() as file:
            gone = os.path.join(file.folder, "gone")
            done = subprocess.run(
                ["sh", "-c", f'mkdir {gone} && cd {gone} && rmdir {gone} && '
                 f'exec "$@"', "sh", UPCASED, "--config", "x", "--check"],
                text=True, capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(unstamped(done.stderr),
                         "^upcased: --config: .*; give an absolute name: ")


if __name__ == "__main__":
    tap.main()
