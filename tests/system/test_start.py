#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The start: refused with one sentence, or complete."""

import fcntl
import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import tempfile
import unittest

import tap
from client import ask
from daemon import (BACKENDS, LONG, PATIENCE, SANITIZED, UPCASED, Case,
                    Daemon, each_backend, linux_only, listening_port, needs,
                    not_counted, root_only, unstamped, wait_until, with_mounts)
from stream import reset, upper

LINE = "ein Stück\n".encode()

OK, USAGE, NO_USER, NO_HOST, UNAVAILABLE, OS_ERROR, IO_ERROR, \
    NO_PERMISSION = 0, 64, 67, 68, 69, 71, 74, 77

BAD_ADDRESSES = (
    "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1",
    "127.0.0.1:65536", "127.0.0.1:99999999999999999999", "127.0.0.1: 80",
    "127.0.0.1:+1", "::1:5220", "[::1]", "[::1]5220", "[::1:5220", "[]:5220",
    "[127.0.0.1]:5220", "a b:5220", "x" * 300 + ":5220", "localhost:http")
BAD_TIMES = ("", "s", "1", "-1s", "1.5s", "1 s", "1d", "169h", "1s1",
             "99999999999999999999s", "0x1s", "1S")
BAD_NUMBERS = ("", "0", "-1", "x", "1x", " 1", "99999999999999999999", "1.5")

BAD_COMMAND_LINES = [
    ["--frobnicate"], ["-x"], ["--listen"], ["--workers"], ["--help=yes"],
    ["--backend", "select"], ["--backend", ""], ["--invalid", "maybe"],
    ["--log-level", "loud"], ["--user", ""], ["surplus"], ["--", "surplus"],
    *(["--listen", text] for text in BAD_ADDRESSES),
    *([option, text] for option in ("--idle-timeout", "--stall-timeout",
                                    "--drain-timeout") for text in BAD_TIMES),
    *([option, text] for option in ("--workers", "--max-connections")
      for text in BAD_NUMBERS),
    ["--workers", "257"], ["--max-connections", "1000001"],
    *(["--busy-poll", text] for text in ("", "1", "us", "-1us", "11ms", "1s")),
    *(["--memory-limit", text] for text in
      ("", "0", "K", "63K", "1000", "-1M", "1T", "1k", "9999999999G")),
    ["--congestion", ""],
    65 * ["--listen", "127.0.0.1:0"],
]


def run(*arguments, wrapper=(), **how):
    """Runs the daemon, which is expected to end, and returns how it ended."""
    done = subprocess.run(
        [*wrapper, UPCASED, *arguments], timeout=PATIENCE,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **how)
    done.stderr = unstamped(done.stderr)
    return done


class RefusalTest(Case):
    def check(self, status, pattern, *arguments, wrapper=()):
        """The daemon ends with the status and one sentence that matches."""
        done = run(*arguments, wrapper=wrapper)
        self.check_end(status, pattern, done, done.stderr.splitlines())
        self.assertEqual(done.stdout, "")

    def check_end(self, status, pattern, done, lines):
        errors = [line for line in lines if not line.startswith("warning: ")]
        self.assertEqual(done.returncode, status, errors)
        self.assertEqual(len(errors), 1, errors)
        self.assertRegex(errors[0], rf"^upcased: .*{pattern}")

    def test_command_line(self):
        """A bad command line is refused with one sentence"""
        for arguments in BAD_COMMAND_LINES:
            with self.subTest(" ".join(arguments)[:80]):
                self.check(USAGE, "", *arguments)

    def test_hint(self):
        """The sentence names what is wrong, and what would be right"""
        self.check(USAGE, "--frob.*--help", "--frob")
        self.check(USAGE, r"--listen.*127\.0\.0\.1:5220", "--listen", "x")
        self.check(USAGE, "--idle-timeout.*30s", "--idle-timeout", "1")
        self.check(USAGE, " ".join(b for b in BACKENDS if b != "kqueue"),
                   "--backend", "x")

    def test_little_memory(self):
        """A memory limit that leaves too little for each worker is refused"""
        self.check(OS_ERROR, "--memory-limit", "--listen", "127.0.0.1:0",
                   "--memory-limit", "200K", "--workers", "4")

    def test_port_in_use(self):
        """A port in use is refused, and the others are not kept"""
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = "127.0.0.1:%d" % holder.getsockname()[1]
            self.check(UNAVAILABLE, taken, "--listen", "127.0.0.1:0",
                       "--listen", taken)

    def test_port_twice(self):
        """The same address twice is refused"""
        with socket.socket() as finder:
            finder.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % finder.getsockname()[1]
        self.check(UNAVAILABLE, address, "--listen", address,
                   "--listen", address)

    def test_foreign_address(self):
        """An address of another host is refused"""
        # From a block that is for documentation only (RFC 5737).
        self.check(UNAVAILABLE, "203.0.113.1", "--listen", "203.0.113.1:0")

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"),
                     "needs setpriv")
    def test_low_port(self):
        """A port below 1024 without the right to it is refused"""
        wrapper = ["setpriv", "--bounding-set=-net_bind_service"]
        if os.geteuid() != 0:
            wrapper = []
        free = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
        if os.path.exists(free):
            with open(free) as start:
                if int(start.read()) < 1024:
                    self.skipTest("needs ports that are kept for root")
        self.check(NO_PERMISSION, "127.0.0.1:1023", "--listen",
                   "127.0.0.1:1023", wrapper=wrapper)

    def test_unknown_name(self):
        """A name that does not resolve is refused"""
        # The top level domain is kept for names that never exist (RFC 6761).
        self.check(NO_HOST, "nowhere.invalid", "--listen", "nowhere.invalid:0")

    @root_only
    def test_unknown_user(self):
        """An unknown account is refused"""
        self.check(NO_USER, "no-such-account", "--listen", "127.0.0.1:0",
                   "--user", "no-such-account")

    @root_only
    def test_user_root(self):
        """It never serves as root, also when asked to"""
        self.check(NO_PERMISSION, "root", "--listen", "127.0.0.1:0",
                   "--user", "root")

    @root_only
    @needs("setpriv")
    def test_root_for_ever(self):
        """Rights of root that cannot be given up are refused"""
        # Without the right to change users root can go, but not for good.
        for wrapper, pattern in (
                (["setpriv", "--bounding-set=-setgid"], "cannot become"),
                (["setpriv", "--ruid=nobody", "--bounding-set=-setuid"],
                 "nobody could become root again")):
            self.check(OS_ERROR, pattern, "--listen", "127.0.0.1:0",
                       "--user", "nobody", wrapper=wrapper)

    @unittest.skipIf(SANITIZED, "sanitizers need descriptors to start")
    def test_no_streams(self):
        """Without descriptors for the standard streams it is refused"""
        done = run("--listen", "127.0.0.1:0", wrapper=[
            "sh", "-c", 'exec <&- >&- 2>&-; ulimit -n 1; exec "$@"', "sh"])
        self.assertEqual(done.returncode, OS_ERROR)

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
                self.check_end(OS_ERROR, "(descriptors|open files)",
                               daemon.process, daemon.lines)
                outcomes.append(OS_ERROR)
        # One threshold, with both outcomes.
        self.assertEqual(sorted(outcomes, reverse=True), outcomes)
        self.assertEqual({OK, OS_ERROR}, set(outcomes))

    def test_too_many_connections(self):
        """More connections than the descriptors allow are refused"""
        wrapper = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', "64"]
        self.check(OS_ERROR, "descriptors", "--listen", "127.0.0.1:0",
                   "--max-connections", "64", wrapper=wrapper)


class PrintTest(Case):
    def test_help(self):
        """--help goes to standard output and succeeds"""
        for option in ("--help", "-h"):
            done = run(option)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            for name in ("listen", "workers", "backend", "invalid",
                         "max-connections", "idle-timeout", "stall-timeout",
                         "drain-timeout", "user", "log-level", "version"):
                self.assertIn(f"--{name}", done.stdout)

    def test_version(self):
        """--version goes to standard output and succeeds"""
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        self.assertRegex(done.stdout,
                         r"^upcased \d+\.\d+\.\d+ \(Unicode \d+\.\d+\.\d+\)\n"
                         r"back ends:( \w+)+\n"
                         r"kernel: \w+, of( \w+)* scalar\n$")

    def test_kernel(self):
        """UPCASED_KERNEL chooses the kernel, which must be there"""
        version = run("--version").stdout
        for name in re.search(r"kernel: \w+, of (.*)\n", version)[1].split():
            environment = {**os.environ, "UPCASED_KERNEL": name}
            done = run("--version", env=environment)
            self.assertIn(f"kernel: {name}, of", done.stdout)
            with Daemon(env=environment) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
        done = run("--version", env={**os.environ, "UPCASED_KERNEL": ""})
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (OK, version, ""))
        unknown = {**os.environ, "UPCASED_KERNEL": "abacus"}
        self.assertEqual(run("--version", env=unknown).stdout, version)
        done = run(env=unknown)
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, r"^upcased: UPCASED_KERNEL.*--version")

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_full_output(self):
        """What cannot be printed is an error"""
        for option in ("--help", "--version"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [UPCASED, option], stdin=subprocess.DEVNULL, stdout=full,
                    stderr=subprocess.PIPE, timeout=PATIENCE, text=True)
            self.assertEqual(done.returncode, IO_ERROR)
            self.assertEqual(done.stderr, "upcased: cannot write to standard "
                             "output: No space left on device\n")


class PrivilegeTest(Case):
    @linux_only
    @root_only
    @each_backend(workers=(1, 2))
    def test_drop(self, how):
        """Started as root, no thread keeps a right of root"""
        with Daemon(**how) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
            threads = os.listdir(f"/proc/{daemon.pid}/task")
            self.assertEqual(len(threads) > 1, how["workers"] > 1)
            for thread in threads:
                path = f"/proc/{daemon.pid}/task/{thread}/status"
                with open(path) as status:
                    text = status.read()
                fields = dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))
                ids = (fields["Uid"] + " " + fields["Gid"]).split()
                self.assertEqual(len(ids), 8)
                self.assertNotIn("0", ids)
                self.assertNotIn("0", fields["Groups"].split())
                for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    self.assertEqual(int(fields[kind], 16), 0, kind)

    @linux_only
    @root_only
    def test_named_account(self):
        """Started as root, it serves as the account that --user names"""
        with Daemon(args=["--user", "daemon"]) as daemon:
            with open(f"/proc/{daemon.pid}/status") as status:
                uids = re.search(r"Uid:(.*)", status.read()).group(1).split()
            self.assertEqual(uids, [str(pwd.getpwnam("daemon").pw_uid)] * 4)
            self.assertFalse([s for s in daemon.lines if "warning" in s])

    @linux_only
    @root_only
    @needs("setpriv")
    def test_plain_user(self):
        """Started as a plain user, it serves as that and as nobody else"""
        account = pwd.getpwnam("nobody")
        with tempfile.TemporaryDirectory() as folder:
            # Where the build is, others may have no way to.
            os.chmod(folder, 0o755)
            command = [shutil.copy(UPCASED, folder), "--listen", "127.0.0.1:0"]
            wrapper = ["setpriv", f"--reuid={account.pw_uid}",
                       f"--regid={account.pw_gid}", "--clear-groups"]
            for arguments in ([], ["--user", "nobody"]):
                with subprocess.Popen([*wrapper, *command, *arguments],
                                      stderr=subprocess.PIPE,
                                      text=True) as process:
                    for line in process.stderr:
                        if "listening on " in line:
                            process.terminate()
                    self.assertEqual(process.returncode or process.wait(), OK)
            for name, status in (("daemon", NO_PERMISSION),
                                 ("no-such-account", NO_USER)):
                done = subprocess.run(
                    [*wrapper, *command, "--user", name], text=True,
                    stderr=subprocess.PIPE, timeout=PATIENCE)
                self.assertEqual(done.returncode, status)
                self.assertRegex(unstamped(done.stderr),
                                 f"^upcased: .*{name}.*\n$")


class NameTest(Case):
    @linux_only
    @root_only
    @with_mounts
    def test_repeated_address(self):
        """An address that a name has twice is served once"""
        with tempfile.NamedTemporaryFile("w") as hosts:
            hosts.write("127.0.0.1 twice.test\n::1 twice.test\n"
                        "127.0.0.1 again.test twice.test\n")
            hosts.flush()
            # In a mount name space of its own it has these hosts.
            wrapper = ["unshare", "-m", "sh", "-c",
                       'mount --bind "$0" /etc/hosts && exec "$@"',
                       hosts.name]
            with Daemon(listen=["twice.test:0"], wrapper=wrapper) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                names = [line.rpartition(":")[0] for line in daemon.lines
                         if line.startswith("listening on ")]
        self.assertEqual(len(names), len(set(names)))

    @linux_only
    @root_only
    @with_mounts
    @needs("ip")
    def test_no_ipv6(self):
        """On a host without IPv6 a name is served on what is left"""
        with tempfile.NamedTemporaryFile("w") as hosts:
            hosts.write("127.0.0.1 both.test\n::1 both.test\n")
            hosts.flush()
            wrapper = ["unshare", "-m", "-n", "sh", "-c",
                       'mount --bind "$0" /etc/hosts && ip link set lo up && '
                       "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && "
                       'exec "$@"', hosts.name]
            with Daemon(listen=["both.test:0"], wrapper=wrapper) as daemon:
                self.assertEqual(daemon.address[0], "127.0.0.1")
                daemon.wait_for_line(r"^\[::1\]:0 is left out: ")


class LogTest(Case):
    """The daemon here has no log that could be read for its address."""

    def serve(self, command, check, **streams):
        process = subprocess.Popen(command, **streams)
        try:
            port = wait_until(lambda: listening_port(process.pid), "a port")
            check(process, ("127.0.0.1", port))
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        finally:
            process.kill()
            process.wait()

    def ask(self, address):
        with socket.create_connection(address, PATIENCE) as client:
            client.sendall(LINE)
            self.assertEqual(client.recv(1024), upper(LINE))

    def command(self, how, *arguments):
        daemon = Daemon(**how, args=["--log-level", "debug", *arguments])
        return daemon.command

    @linux_only
    @each_backend(workers=(1, 2))
    def test_full_pipe(self, how):
        """A log that nobody reads does not hold up the service"""
        reader, writer = os.pipe()
        with open(reader, "rb"), open(writer, "wb") as log:
            fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
            def check(process, address):
                for _ in range(200):
                    self.ask(address)
                full = not select.select([], [log], [], 0)[1]
                self.assertTrue(full)
                self.assertFalse(fcntl.fcntl(log, fcntl.F_GETFL)
                                 & os.O_NONBLOCK)
            self.serve(self.command(how), check, stderr=log)

    @linux_only
    @each_backend()
    def test_full_disk(self, how):
        """A log on a full disk does not hold up the service"""
        with open("/dev/full", "wb") as log:
            self.serve(self.command(how),
                       lambda process, address: self.ask(address), stderr=log)

    @each_backend(workers=(1, 2))
    def test_debug(self, how):
        """The debug log has the reason why a connection failed"""
        with Daemon(**how, args=["--log-level", "debug"]) as daemon:
            reset(daemon.connect())
            daemon.wait_for_line(r"^conn \d+: Connection reset by peer$")

    @linux_only
    @each_backend(workers=(1, 2))
    def test_no_streams(self, how):
        """Without standard streams it serves, and none of its sockets takes
        their place"""
        def check(process, address):
            for _ in range(3):
                self.ask(address)
            for fd in range(3):
                self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{fd}"),
                                 "/dev/null")
        command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        self.serve(command + self.command(how), check)


if __name__ == "__main__":
    tap.main()
