#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The scripts in contrib/rc.d, on stand-ins for what starts services on FreeBSD
and OpenBSD: see fake/rc."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import tap
from ports import free_ports

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))
UPCASED = os.path.abspath(os.environ["UPCASED"])
BOUND = 120


def answers(port):
    with contextlib.suppress(ConnectionRefusedError):
        with socket.create_connection(("127.0.0.1", port), BOUND) as client:
            client.sendall("ß".encode())
            client.shutdown(socket.SHUT_WR)
            return client.recv(8) == b"SS"
    return False


def wait_until(condition, what):
    deadline = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(0.02)


class Script:
    """What each of the scripts has to do."""

    def setUp(self):
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top)
        # Started as root it becomes another user, who reads the settings too.
        os.chmod(self.top, 0o755)
        # Its own name, so that only its own processes are found by it.
        self.program = f"{self.top}/upcased"
        shutil.copy(UPCASED, self.program)
        self.settings = f"{self.top}/upcased.conf"
        self.port = free_ports()[0]
        self.listen(self.port)
        self.script = f"{self.top}/rc.d/upcased"
        os.mkdir(os.path.dirname(self.script))
        with open(f"{SOURCE}/contrib/rc.d/{self.system}/upcased",
                  encoding="ascii") as file:
            text = file.read()
        for old, new in {**self.places,
                         "/usr/local/sbin/upcased": self.program}.items():
            self.assertIn(old, text)
            text = text.replace(old, new.format(source=SOURCE, top=self.top))
        with open(self.script, "w", encoding="ascii") as file:
            file.write(text)
        self.enable(f"--config {self.settings}")
        self.addCleanup(self.kill)

    def kill(self):
        with contextlib.suppress(ProcessLookupError, StopIteration):
            os.kill(self.pid(), signal.SIGKILL)

    def pid(self):
        """The process that runs the program."""
        for number in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{number}/exe") == self.program:
                    return int(number)
        raise StopIteration

    def listen(self, port, *lines):
        with open(self.settings, "w", encoding="ascii") as file:
            file.write("\n".join([f"listen = 127.0.0.1:{port}", *lines, ""]))

    def conf(self, text):
        with open(f"{self.top}/rc.conf", "w", encoding="ascii") as file:
            file.write(text)

    def call(self, action):
        return subprocess.run(
            ["sh", self.script, action], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BOUND,
            env={**os.environ, "RC_CONF": f"{self.top}/rc.conf"})

    def succeeds(self, action):
        done = self.call(action)
        self.assertEqual(done.returncode, 0, done.stdout)

    def fails(self, action):
        done = self.call(action)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def start(self):
        self.succeeds("start")
        wait_until(lambda: answers(self.port), "it serves")

    def test_life(self):
        """it is started with its options, reloaded, restarted and stopped"""
        self.fails(self.status)
        self.start()
        self.succeeds(self.status)
        self.succeeds("configtest")
        pid = self.pid()
        second = free_ports()[0]
        self.listen(second)
        self.succeeds("reload")
        wait_until(lambda: answers(second), "the new address answers")
        self.assertEqual(self.pid(), pid)
        self.succeeds("restart")
        wait_until(lambda: answers(second), "it serves again")
        self.assertNotEqual(self.pid(), pid)
        self.succeeds("stop")
        self.assertFalse(answers(second))
        self.fails(self.status)

    def test_wrong_file(self):
        """a file with an error ends nothing, and starts nothing"""
        self.start()
        pid = self.pid()
        self.listen(self.port, "foo = bar")
        for action in "reload", "restart", "configtest":
            self.assertIn("'foo' is no key", self.fails(action))
            self.assertTrue(answers(self.port))
            self.assertEqual(self.pid(), pid)
        self.succeeds("stop")
        self.assertIn("'foo' is no key", self.fails("start"))
        self.assertFalse(answers(self.port))

    def test_disabled(self):
        """it is not started before it is enabled"""
        self.conf("")
        self.fails("start")
        self.assertFalse(answers(self.port))


class FreeBSD(Script, unittest.TestCase):
    system, status = "freebsd", "status"
    places = {"/etc/rc.subr": "{source}/tests/fake/rc/freebsd.subr",
              "/usr/sbin/daemon": "{source}/tests/fake/rc/daemon",
              "/var/run/upcased.pid": "{top}/upcased.pid"}

    def enable(self, options):
        self.conf(f'upcased_enable=YES\nupcased_args="{options}"\n')


class OpenBSD(Script, unittest.TestCase):
    system, status = "openbsd", "check"
    places = {"/etc/rc.d/rc.subr": "{source}/tests/fake/rc/openbsd.subr"}

    def enable(self, options):
        self.conf(f'upcased_flags="{options}"\n')


if __name__ == "__main__":
    tap.main()
