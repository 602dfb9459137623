# SPDX-License-Identifier: ISC
"""The installed unit under a real systemd.

Called by make, this file installs the build into a folder and calls itself
again inside sandbox-systemd, where the cases run on the installed files.
"""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import tap
from rights import check_rights, threads_of
from stream import has_ipv6

HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = "upcased.service"
SOCKET = "upcased.socket"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/test.conf"
PORT = 5220
# Ten times the figure of systemd-analyze security that must not be exceeded.
EXPOSURE = 11
# The same when its addresses are held for it.
EXPOSURE_WITHOUT_NETWORK = 2
# ptrace(2)
SEIZE, INTERRUPT, ALL_THREADS = 0x4206, 0x4207, 0x40000000
# What systemd.exec(5) sets aside for DynamicUser.
DYNAMIC_USERS = range(61184, 65520)
# Where systemd looks for what is installed, see systemd.unit(5).
UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/local/lib/systemd/system",
)
# The folders that the unit hides from the daemon.
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")

# Inside, the paths of what make installed; outside, nothing.
INSTALLED = os.environ.get("SANDBOX_INSTALLED", "").split(":")


def call(*command):
    """Runs a command, which must succeed, and returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        told = subprocess.run(
            ["systemctl", "status", "--full", "--lines=20", UNIT],
            capture_output=True, text=True, timeout=60).stdout
        raise AssertionError(
            f"{command}: {done.returncode}: {done.stderr}{told}")
    return done.stdout.strip()


def show(name):
    return call("systemctl", "show", "--value", "-p", name, UNIT)


def wait_until(condition, what, patience=10):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(0.02)


def installed(name):
    return next(path for path in INSTALLED if os.path.basename(path) == name)


def answers(*options):
    done = subprocess.run(
        [installed("upc"), *options, "straße"],
        capture_output=True,
        timeout=10,
    )
    return done.stdout.decode() == "STRASSE\n"


def listening_sockets():
    """The inodes of the sockets that listen on the port over IPv4."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return {row[9] for row in rows if row[3] == "0A" and
            row[1].endswith(f":{PORT:04X}")}


def hang(thread):
    """Stops one thread of another process, until that is killed."""
    libc = ctypes.CDLL(None, use_errno=True)
    for request in SEIZE, INTERRUPT:
        arguments = (ctypes.c_long(request), ctypes.c_long(thread))
        nothing = ctypes.c_void_p()
        if libc.ptrace(*arguments, nothing, nothing) == -1:
            raise OSError(ctypes.get_errno(), "ptrace")
    # It has stopped, and then it has ended.
    while os.WIFSTOPPED(os.waitpid(thread, ALL_THREADS)[1]):
        pass


class InstalledUnit(unittest.TestCase):
    def run(self, result=None):
        self.result = result
        return super().run(result)

    def setUp(self):
        self.addCleanup(call, "systemctl", "reset-failed")
        self.addCleanup(call, "systemctl", "stop", UNIT)
        call("systemctl", "start", UNIT)
        wait_until(answers, "upc gets its answer")

    def diagnose(self, text):
        self.result.stream.write(f"# {text}\n")

    def test_install(self):
        """make install puts programs, pages and unit in place"""
        names = {os.path.basename(path) for path in INSTALLED}
        wanted = {"upcased", "upc", "upcased.8", "upc.1", "upcased.conf.5",
                  "upcased-security.7", "upcased.conf.example",
                  "without-network.conf", UNIT, SOCKET}
        self.assertEqual(wanted - names, set())
        # That one is the administrator's.
        self.assertNotIn("upcased.conf", names)

    def test_verify(self):
        """systemd-analyze verify has nothing to say about the units"""
        for unit in UNIT, SOCKET:
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", installed(unit)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
            )
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_exposure(self):
        """the exposure that systemd-analyze security finds is at most 1.1"""
        report = call("systemd-analyze", "security", "--no-pager", UNIT)
        self.diagnose(report.splitlines()[-1].strip())
        call(
            "systemd-analyze",
            "security",
            "--no-pager",
            f"--threshold={EXPOSURE}",
            UNIT,
        )

    def test_identity(self):
        """every thread runs as a dynamic account, with no way back"""
        for workers in (1, 3):
            if workers > 1:
                self.start_with(f"--workers {workers}")
                wait_until(answers, "it serves with several threads")
            pid = int(show("MainPID"))
            threads = threads_of(pid).values()
            self.assertEqual(len(threads) > 1, workers > 1)
            for fields in threads:
                # SECCOMP_MODE_FILTER
                self.assertEqual(fields["Seccomp"], "2")
                user = int(fields["Uid"].split()[0])
                group = int(fields["Gid"].split()[0])
                self.assertIn(user, DYNAMIC_USERS)
                self.assertIn(group, DYNAMIC_USERS)
            check_rights(self, pid, user, group)

    def test_sandbox(self):
        """the unit lets the daemon lay on a sandbox of its own"""
        output = call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
        self.assertRegex(output, r"(?m)^sandbox: \d+ system calls are refused")
        # A kernel may lack a part, but the unit forbids none.
        self.assertNotRegex(output, "the sandbox cannot .* not permitted")

    def test_limit(self):
        """the daemon serves with the descriptor limit of the unit"""
        with open(f"/proc/{show('MainPID')}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max open"))
        self.assertEqual(line.split()[3], "16384")

    def test_journal(self):
        """the journal has the log, each line with its priority"""
        output = call("journalctl", "-u", UNIT, "-o", "json", "--no-pager")
        records = [json.loads(line) for line in output.splitlines()]
        found = {
            (record["MESSAGE"], record["PRIORITY"])
            for record in records
            if record.get("_COMM") == "upcased"
        }
        addresses = [f"127.0.0.1:{PORT}"]
        if has_ipv6():
            addresses.append(f"[::1]:{PORT}")
        for address in addresses:
            self.assertIn((f"listening on {address}", "6"), found)

    def test_killed(self):
        """the service comes back each time that it is killed"""
        for _ in range(6):
            pid = show("MainPID")
            call("systemctl", "kill", "-s", "KILL", "--kill-who=main", UNIT)
            wait_until(
                lambda: show("MainPID") not in ("0", pid) and answers(),
                "a new daemon answers",
            )

    def write_file(self, text):
        """Writes the configuration file, for as long as the test lasts."""
        printed = call(installed("upcased"), "--config", "none", "--check")
        path = re.search(r"the usual one is (\S+)\.$", printed, re.M)[1]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            self.addCleanup(os.unlink, path)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def test_reload(self):
        """a reload brings a right file into force, and one of a wrong file
        fails and changes nothing"""
        pid = show("MainPID")
        with socket.create_connection(("127.0.0.1", PORT), 10) as client:
            self.write_file("listen = 127.0.0.1:5231\n")
            call("systemctl", "reload", UNIT)
            wait_until(lambda: answers("--server", "127.0.0.1:5231"),
                       "the new address answers")
            self.assertFalse(answers())
            for text in ("listen = 127.0.0.1:5232\nfoo = bar\n", "\0",
                         "listen = nowhere.invalid\n", "workers = 0\n"):
                self.write_file(text)
                done = subprocess.run(["systemctl", "reload", UNIT],
                                      capture_output=True, timeout=60)
                self.assertNotEqual(done.returncode, 0, text)
                self.assertEqual(show("ActiveState"), "active")
                self.assertTrue(answers("--server", "127.0.0.1:5231"))
            self.write_file("")
            call("systemctl", "reload", UNIT)
            wait_until(answers, "the default answers")
            client.sendall(b"abc\n")
            self.assertEqual(client.recv(1024), b"ABC\n")
        self.assertEqual(show("MainPID"), pid)
        self.assertEqual(show("NRestarts"), "0")
        output = call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
        self.assertIn("upcased.conf:2: 'foo' is no key", output)
        # What --check prints of a right file is not for the journal.
        self.assertNotIn("# default", output)

    def test_options(self):
        """options that are added hold at the start, the check and a reload"""
        call("systemctl", "stop", UNIT)
        self.addCleanup(call, "systemctl", "daemon-reload")
        self.addCleanup(shutil.rmtree, os.path.dirname(DROP_IN))
        os.makedirs(os.path.dirname(DROP_IN))
        with open(DROP_IN, "w", encoding="ascii") as file:
            file.write("[Service]\nEnvironment=\"UPCASED_OPTIONS=--listen "
                       "127.0.0.1:5233 --workers 2\"\n")
        call("systemctl", "daemon-reload")
        # What the file says of them does not count.
        self.write_file("listen = 203.0.113.1\nworkers = 1\n")
        call("systemctl", "start", UNIT)
        wait_until(lambda: answers("--server", "127.0.0.1:5233"), "it serves")
        self.write_file("workers = 9\n")
        # The workers are those of the command line, so that is enough.
        done = subprocess.run(["systemctl", "reload", UNIT],
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(answers("--server", "127.0.0.1:5233"))

    def test_wrong_file(self):
        """a file with an error fails the unit and is not tried again"""
        self.write_file("foo = bar\n")
        self.check_refused("", "78")

    def test_stop(self):
        """a stop ends idle clients in good order and counts as success"""
        with socket.create_connection(("127.0.0.1", PORT), 10) as client:
            client.sendall(b"abc\n")
            self.assertEqual(client.recv(1024), b"ABC\n")
            start = time.monotonic()
            call("systemctl", "stop", UNIT)
            self.assertLess(time.monotonic() - start, 10)
            self.assertEqual(client.recv(1024), b"")
        # Otherwise it would be failed.
        self.assertEqual(show("ActiveState"), "inactive")

    def test_notified(self):
        """the service is started when it serves, and tells its status"""
        self.assertEqual(show("Type"), "notify")
        call("systemctl", "stop", UNIT)
        # This returns when it is ready.
        call("systemctl", "start", UNIT)
        self.assertTrue(answers())
        self.assertRegex(show("StatusText"), "^serving ")
        with socket.create_connection(("127.0.0.1", PORT), 10):
            wait_until(
                lambda: show("StatusText").startswith("serving 1 connection;"),
                "the status has the connection",
                patience=120,
            )

    def test_watchdog(self):
        """a service of which one worker hangs is started again, and its
        addresses are served by the same sockets"""
        self.start_with("--workers 2", "WatchdogSec=1s")
        wait_until(
            lambda: show("SubState") == "running" and answers(), "it serves"
        )
        sockets = listening_sockets()
        self.assertTrue(sockets)
        pid = show("MainPID")
        threads = os.listdir(f"/proc/{pid}/task")
        hang(int(next(thread for thread in threads if thread != pid)))
        wait_until(
            lambda: show("NRestarts") == "1" and answers(),
            "a new daemon answers",
            patience=60,
        )
        output = call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
        self.assertIn("1 worker has not turned", output)
        self.assertIn("Watchdog timeout", output)
        self.assertEqual(listening_sockets(), sockets)

    def test_watched(self):
        """a service that rests is not taken for one that hangs"""
        self.start_with("--workers 2", "WatchdogSec=500ms")
        wait_until(lambda: show("SubState") == "running", "it runs")
        pid = show("MainPID")
        # Time is what this is about.
        time.sleep(3)
        self.assertEqual((show("MainPID"), show("NRestarts")), (pid, "0"))

    def test_in_flight(self):
        """an answer in flight at a stop arrives whole, long after the limit"""
        self.start_with("--drain-timeout 120s", "TimeoutStopSec=1s")
        wait_until(answers, "it serves")
        text = b"0123456789abcdef" * (10 << 16)
        with socket.create_connection(("127.0.0.1", PORT), 60) as client:
            sender = threading.Thread(target=client.sendall, args=(text,))
            sender.start()
            answer = client.recv(1)
            call("systemctl", "stop", "--no-block", UNIT)
            wait_until(
                lambda: show("StatusText").startswith("draining 1 "),
                "the drain has begun",
            )
            # Time is what this is about.
            time.sleep(3)
            while len(answer) < len(text):
                more = client.recv(1 << 20)
                self.assertNotEqual(more, b"", len(answer))
                answer += more
            sender.join()
        self.assertTrue(answer == text.upper())
        wait_until(lambda: show("ActiveState") != "deactivating", "it ended")
        self.assertEqual(show("ActiveState"), "inactive")
        self.assertEqual(show("Result"), "success")

    def activate(self):
        """Lets systemd hold the addresses, and start the service for them."""
        if not has_ipv6():
            self.skipTest("the unit has an address of IPv6")
        self.start_with("")
        call("systemctl", "stop", UNIT)
        self.addCleanup(call, "systemctl", "stop", UNIT, SOCKET)
        call("systemctl", "start", SOCKET)
        self.assertEqual(show("ActiveState"), "inactive")

    def test_activated(self):
        """the first client of the socket unit starts the service"""
        self.activate()
        self.assertTrue(answers())
        self.assertEqual(show("ActiveState"), "active")
        self.assertTrue(answers("--server", f"[::1]:{PORT}"))
        output = call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
        self.assertIn(
            f"127.0.0.1:{PORT} is passed in as descriptor 3 ({SOCKET})",
            output,
        )

    def test_restart(self):
        """with the socket unit no client is refused by a restart"""
        self.activate()
        self.assertTrue(answers())
        done, failed = [], []

        def ask():
            while not done:
                if not answers():
                    failed.append(1)

        client = threading.Thread(target=ask)
        client.start()
        try:
            for _ in range(5):
                call("systemctl", "restart", UNIT)
        finally:
            done.append(1)
            client.join()
        self.assertEqual(failed, [])

    def test_without_network(self):
        """a service that is passed its sockets needs no network of its own"""
        self.activate()
        shutil.copy(installed("without-network.conf"),
                    os.path.dirname(DROP_IN))
        call("systemctl", "daemon-reload")
        self.assertTrue(answers())
        report = call("systemd-analyze", "security", "--no-pager", UNIT)
        self.diagnose(report.splitlines()[-1].strip())
        call(
            "systemd-analyze",
            "security",
            "--no-pager",
            f"--threshold={EXPOSURE_WITHOUT_NETWORK}",
            UNIT,
        )

    def start_with(self, arguments, *settings):
        """Starts the service anew, with other arguments and settings."""
        call("systemctl", "stop", UNIT)
        self.addCleanup(call, "systemctl", "daemon-reload")
        self.addCleanup(shutil.rmtree, os.path.dirname(DROP_IN))
        # Before the folder goes, or it would be started anew for ever.
        self.addCleanup(call, "systemctl", "stop", UNIT)
        os.makedirs(os.path.dirname(DROP_IN))
        with open(DROP_IN, "w", encoding="ascii") as file:
            file.write("[Service]\nExecStart=\n")
            file.write(f"ExecStart={installed('upcased')} {arguments}\n")
            file.writelines(f"{setting}\n" for setting in settings)
        call("systemctl", "daemon-reload")
        # It may fail before or after systemd holds it for started.
        call("systemctl", "start", "--no-block", UNIT)

    def check_refused(self, arguments, status):
        self.start_with(arguments)
        wait_until(
            lambda: show("ActiveState") == "failed", "the unit has failed"
        )
        self.assertEqual(show("ExecMainStatus"), status)
        self.assertEqual(show("NRestarts"), "0")

    def test_bad_usage(self):
        """bad usage fails the unit and is not tried again"""
        self.check_refused("--listen nowhere:x", "64")

    def test_wrong_address(self):
        """an address that can never be served is not tried again either"""
        self.check_refused("--listen [fe80::1]:5220", "64")

    def test_forbidden_port(self):
        """nor is a port that the unit gives no right to"""
        self.check_refused("--listen 127.0.0.1:80", "77")

    def check_late(self, address, status, *come):
        """What is not there at first is served once it comes."""
        # Many starts are made to fail in little time.
        self.start_with(f"--listen {address}", "RestartSec=10ms")
        wait_until(
            lambda: int(show("NRestarts")) > 60,
            "the start was tried again and again",
            patience=120,
        )
        # It is 0 while the next start is under way, which is most of the time.
        output = call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
        self.assertIn(f"status={status}/", output)
        call(*come)
        wait_until(
            lambda: answers("--server", address), "it serves", patience=60
        )

    def test_late_address(self):
        """an address that comes late at boot is served in the end"""
        self.addCleanup(call, "ip", "addr", "flush", "to", "192.0.2.1/32")
        self.check_late(
            "192.0.2.1:5220",
            "69",
            *("ip", "addr", "add", "192.0.2.1/32", "dev", "lo"),
        )

    def test_late_name(self):
        """a name that resolves late at boot is served in the end"""
        self.check_late(
            "late.test:5221",
            "68",
            *("sh", "-c", "echo 127.0.0.1 late.test >>/etc/hosts"),
        )

    def test_pace(self):
        """a start is tried again soon after a crash, but not in a hurry"""
        self.assertEqual(show("RestartUSec"), "500ms")
        self.assertEqual(show("StartLimitIntervalUSec"), "0")


def install(tree):
    """Installs the build into the tree and returns the paths without it."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    subprocess.run(
        ["make", "-s", "install", f"DESTDIR={tree}"],
        cwd=os.environ.get("builddir", "."),
        env=environ,
        stdout=sys.stderr,
        check=True,
    )
    beside = os.listdir(os.path.dirname(tree))
    if beside != [os.path.basename(tree)]:
        raise SystemExit(f"make install leaves DESTDIR: {beside}")
    paths = []
    for folder, _, names in os.walk(tree):
        paths += [os.path.join(folder, name)[len(tree) :] for name in names]
    # Completions have the names of the programs.
    return [path for path in paths if "/bash-completion/" not in path]


def obstacle(paths):
    """Says why the unit cannot be tried with what was installed, or nothing."""
    named = {os.path.basename(path): path for path in paths}
    if os.environ.get("SANITIZERS", "no") != "no":
        return "sanitizers do not run under the restrictions of the unit"
    if UNIT not in named:
        return "this build installs no unit (see --with-systemdsystemunitdir)"
    if any(named["upcased"].startswith(f"{path}/") for path in HIDDEN):
        return "the unit hides the folder that this build installs to"
    if os.path.dirname(named[UNIT]) not in UNIT_FOLDERS:
        return "this build installs the unit where systemd does not look"
    return ""


def skip_all(reason, case):
    unittest.skip(reason)(case)
    tap.main()


def boot(scratch, case, script=__file__, modules=()):
    """Runs a file in the sandbox, with modules beside it; its TAP is ours."""
    tree = os.path.join(scratch, "tree")
    paths = install(tree)
    reason = obstacle(paths)
    if reason:
        return skip_all(reason, case)
    inside = "/usr/lib/upcased-test"
    os.makedirs(tree + inside)
    for name in ("tap.py", "stream.py", "rights.py", *modules, os.path.basename(script)):
        shutil.copy(os.path.join(HERE, name), tree + inside)
    done = subprocess.run(
        [
            os.path.join(HERE, "sandbox-systemd"),
            os.path.join(scratch, "work"),
            tree,
            os.path.realpath(sys.executable),
            os.path.join(inside, os.path.basename(script)),
            *sys.argv[1:],
        ],
        env={**os.environ, "SANDBOX_INSTALLED": ":".join(paths)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    sys.stderr.write(done.stderr)
    if done.returncode == 77:
        return skip_all(done.stderr.strip().splitlines()[-1], case)
    if done.returncode != 0:
        print(f"Bail out! the sandbox ended with {done.returncode}")


if __name__ == "__main__":
    if "SANDBOX_INSTALLED" in os.environ:
        tap.main()
    else:
        with tempfile.TemporaryDirectory() as scratch:
            boot(scratch, InstalledUnit)
