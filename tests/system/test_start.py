#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The start: what is printed, who serves, and what the log may be."""

import fcntl
import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import tempfile

import tap
from client import ask
from daemon import (PATIENCE, SANDBOX_OPTION, UPCASED, Case, Daemon,
                    each_backend, linux_only, listening_port, needs, root_only,
                    unstamped, wait_until)
from refusal import NO_PERMISSION, NO_USER, OK, USAGE, run
from stream import reset, upper

LINE = "ein Stück\n".encode()


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
            command = [shutil.copy(UPCASED, folder), "--config", "none",
                       "--listen", "127.0.0.1:0", *SANDBOX_OPTION]
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
