#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The packages for Debian on a machine that systemd has booted: what apt makes
of them, and what is left when they are gone.

tests/debian builds the packages and calls boot(), which runs this file inside
sandbox-systemd.
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import unittest

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = "/usr/lib/upcased-test"
MODULES = ("debian_packages.py", "stream.py", "tap.py", "test_restarts.py",
           "test_systemd.py")
SOCKET = "upcased.socket"
SETTINGS = "/etc/upcased.conf"
RESTING, BUSY = 50, 4
# Where packages put what they have, and what they write there.
FOLDERS = ("/bin", "/etc", "/lib", "/opt", "/sbin", "/usr", "/var/lib")
# Where apt, dpkg and who hears of them keep what is their own.
OTHERS = ("/usr/local", "/var/lib/PackageKit", "/var/lib/apt",
          "/var/lib/dpkg", INSIDE)


def boot(scratch, packages, answers):
    """Runs this file in the sandbox with the packages beside it: the two that
    were built, and the later one."""
    inside = f"{scratch}/tree{INSIDE}"
    os.makedirs(inside)
    for name in MODULES:
        shutil.copy(os.path.join(HERE, name), inside)
    for path, name in zip(packages, ("upcased", "upc", "next"), strict=True):
        shutil.copy(path, f"{inside}/{name}.deb")
    shutil.copy(answers, inside)
    return subprocess.run(
        [f"{HERE}/sandbox-systemd", f"{scratch}/work", f"{scratch}/tree",
         os.path.realpath(sys.executable), f"{INSIDE}/debian_packages.py"],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive",
             "SANDBOX_INSTALLED": "/usr/bin/upc:/usr/sbin/upcased"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)


def install(*names):
    call("apt-get", "-q", "-y", "--allow-downgrades", "--reinstall", "install",
         *[f"{INSIDE}/{name}.deb" for name in names])


def purge():
    call("dpkg", "--purge", "upcased", "upc")


def version():
    return call("dpkg-query", "-W", "-f", "${Version}", "upcased")


def files():
    """All that a person would find, and what links lead to."""
    found = set()
    for top in FOLDERS:
        for folder, folders, names in os.walk(os.path.realpath(top)):
            folders[:] = [name for name in folders
                          if os.path.join(folder, name) not in OTHERS]
            for name in folders + names:
                path = os.path.join(folder, name)
                to = os.readlink(path) if os.path.islink(path) else ""
                found.add((path, to))
    return found


class Booted(unittest.TestCase):
    def shortDescription(self):
        return " ".join(self._testMethodDoc.split())

    @classmethod
    def setUpClass(cls):
        # Where containers are made, it forbids to start what is installed.
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/usr/sbin/policy-rc.d")

    def setUp(self):
        self.addCleanup(purge)

    def installed(self):
        install("upcased", "upc")
        wait_until(answers, "upc gets its answer", PATIENCE)

    @contextlib.contextmanager
    def clients(self):
        """Those who must not notice what is done meanwhile."""
        with contextlib.ExitStack() as stack:
            rest = [stack.enter_context(connect()) for _ in range(RESTING)]
            for client in rest:
                self.assertTrue(is_answered(client))
            busy = [Asking(seed, stays=True) for seed in range(BUSY)]
            try:
                yield busy
            finally:
                for client in busy:
                    client.over.set()
                for client in busy:
                    client.end()
            for client in rest:
                self.assertTrue(is_answered(client))

    def go_on(self, clients):
        rounds = [client.rounds for client in clients]
        wait_until(lambda: all(client.rounds > before or client.fault
                               for client, before in zip(clients, rounds)),
                   "the busy ones go on", PATIENCE)
        for client in clients:
            if client.fault:
                raise client.fault

    def test_install(self):
        """a package that was installed serves at once and at each boot, and
        passes its own test"""
        self.installed()
        self.assertEqual(show("ActiveState"), "active")
        self.assertEqual(show("UnitFileState"), "enabled")
        self.assertEqual(call("systemctl", "is-active", "upcased"), "active")
        for text in "is-active", "is-enabled":
            done = subprocess.run(["systemctl", text, SOCKET],
                                  capture_output=True, text=True)
            self.assertIn(done.stdout.strip(), ("inactive", "disabled"))
        self.assertIn("IN DER STRASSE", call("sh", f"{INSIDE}/answers"))

    def test_upgrade(self):
        """nobody notices an upgrade, a downgrade or a second installation"""
        self.installed()
        first = version()
        with self.clients() as busy:
            for name in "next", "upcased", "upcased":
                self.go_on(busy)
                pid = show("MainPID")
                install(name)
                self.assertEqual(version(),
                                 first + ".1" if name == "next" else first)
                self.assertNotEqual(show("MainPID"), pid)
                self.go_on(busy)
        self.assertEqual(show("NRestarts"), "0")
        self.assertNotIn("are lost", journal())

    def test_upgrade_by_socket(self):
        """nor where the service is started by its socket, which ends with the
        package"""
        self.installed()
        call("systemctl", "disable", "--now", UNIT)
        call("systemctl", "enable", "--now", SOCKET)
        self.assertEqual(show("ActiveState"), "inactive")
        self.assertTrue(answers())
        with self.clients() as busy:
            self.go_on(busy)
            pid = show("MainPID")
            install("next")
            self.assertNotEqual(show("MainPID"), pid)
            self.go_on(busy)
        self.assertEqual(show("NRestarts"), "0")
        call("apt-get", "-q", "-y", "remove", "upcased")
        self.assertFalse(answers())

    def test_stopped(self):
        """an upgrade starts no service that somebody has disabled"""
        self.installed()
        call("systemctl", "disable", "--now", UNIT)
        install("next")
        self.assertEqual(show("ActiveState"), "inactive")
        self.assertEqual(show("UnitFileState"), "disabled")

    def test_wrong_settings(self):
        """settings with an error make no upgrade fail"""
        self.installed()
        with open(SETTINGS, "w", encoding="ascii") as file:
            file.write("foo = bar\n")
        install("next")
        self.assertEqual(version()[-2:], ".1")
        with open(SETTINGS, "w", encoding="ascii") as file:
            file.write("workers = 2\n")
        call("systemctl", "restart", UNIT)
        wait_until(answers, "it serves again", PATIENCE)

    def test_nothing_left(self):
        """a removal keeps the settings, a purge leaves nothing"""
        before = files()
        self.installed()
        # The links and folders that a person makes with systemctl.
        call("systemctl", "enable", SOCKET)
        with open(SETTINGS, "w", encoding="ascii") as file:
            file.write("workers = 2\n")
        call("apt-get", "-q", "-y", "remove", "upcased", "upc")
        self.assertFalse(os.path.exists("/usr/sbin/upcased"))
        self.assertTrue(os.path.exists(SETTINGS))
        self.assertEqual(show("ActiveState"), "inactive")
        install("upcased", "upc")
        wait_until(answers, "it serves again", PATIENCE)
        self.assertEqual(show("UnitFileState"), "enabled")
        purge()
        self.assertEqual(show("LoadState"), "not-found")
        self.assertEqual(sorted(files() ^ before), [])

    def test_account(self):
        """the account of the example is the one that the service has then"""
        self.installed()
        example = glob.glob("/usr/share/doc/upcased/examples/sysusers.d/*")
        if not example:
            # Where dpkg is told to leave out documentation.
            self.skipTest("no documentation is installed here")
        # While it runs it has an account of that name.
        call("systemctl", "stop", UNIT)
        call("systemd-sysusers", *example)
        self.addCleanup(call, "userdel", "upcased")
        self.addCleanup(call, "systemctl", "stop", UNIT)
        with open("/etc/passwd", encoding="utf-8") as file:
            account = next(line.split(":") for line in file
                           if line.startswith("upcased:"))
        call("systemctl", "start", UNIT)
        self.assertTrue(answers())
        self.assertEqual(call("stat", "-c", "%u",
                              f"/proc/{show('MainPID')}"), account[2])


if __name__ == "__main__":
    from test_restarts import (PATIENCE, Asking, connect, is_answered, journal)
    from test_systemd import UNIT, answers, call, show, wait_until
    tap.main()
