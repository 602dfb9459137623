# SPDX-License-Identifier: ISC
"""Restarts of the installed unit under a real systemd, which nobody notices.

It prints figures: how long clients waited, and how many requests failed.  With
UPCASED_LONG=1 there are as many clients and restarts as the figures are to be
quoted for.
"""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tap
import test_systemd
from stream import receive_all, upper
from test_systemd import DROP_IN, PORT, UNIT, answers, call, show, wait_until

LONG = os.environ.get("UPCASED_LONG") == "1"
PATIENCE = 120
ADDRESS = ("127.0.0.1", PORT)
LINE = "straße 🌮\n".encode()

RESTING, HALF, SILENT = (1000, 200, 20) if LONG else (100, 20, 4)
MANY = 18000 if LONG else 2000
TIMES = 20 if LONG else 3
KILLS = 5 if LONG else 2
BUSY = 4


def connect():
    return socket.create_connection(ADDRESS, PATIENCE)


def receive(client, n):
    answer = b""
    while len(answer) < n:
        more = client.recv(n - len(answer))
        if not more:
            raise ConnectionResetError("the answer ends early")
        answer += more
    return answer


def is_answered(client, text=LINE):
    client.sendall(text)
    answer = upper(text)
    return receive(client, len(answer)) == answer


class Asking(threading.Thread):
    """A client that asks and checks until it is told to end."""

    def __init__(self, seed, stays):
        super().__init__()
        self.text = LINE * (3 + 97 * seed)
        self.stays = stays  # by one connection, which must not fail
        self.rounds = self.failed = 0
        self.longest = 0.0
        self.fault = None
        self.over = threading.Event()
        self.start()

    def run(self):
        try:
            with connect() if self.stays else contextlib.nullcontext() as one:
                while not self.over.is_set():
                    self.ask(one)
        except BaseException as error:
            self.fault = error

    def ask(self, one):
        began = time.monotonic()
        try:
            with contextlib.nullcontext(one) if one else connect() as client:
                right = is_answered(client, self.text)
        except OSError:
            if self.stays:
                raise
            self.failed += 1
            return
        if not right:
            raise AssertionError("a wrong answer")
        self.rounds += 1
        self.longest = max(self.longest, time.monotonic() - began)

    def end(self):
        self.over.set()
        self.join()
        if self.fault:
            raise self.fault


class Silent:
    """A client that has sent much, and does not read yet."""

    def __init__(self):
        self.text = LINE * (1 << 17)
        self.client = connect()
        self.client.setblocking(False)
        self.sent = 0
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and self.sent < len(self.text):
            with contextlib.suppress(BlockingIOError):
                self.sent += self.client.send(self.text[self.sent:])
                deadline = time.monotonic() + 0.2
        self.client.settimeout(PATIENCE)

    def is_answered(self):
        def send():
            self.client.sendall(self.text[self.sent:])
            self.client.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        with self.client:
            answer = receive_all(self.client)
            sender.join()
        return answer == upper(self.text)


def journal():
    return call("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")


def restart():
    call("systemctl", "restart", UNIT)


def replace_in_place():
    before = journal().count("going on with")
    pid = show("MainPID")
    call("systemctl", "kill", "-s", "USR2", "--kill-who=main", UNIT)
    wait_until(lambda: journal().count("going on with") > before,
               "it goes on", PATIENCE)
    if show("MainPID") != pid:
        raise AssertionError("it is another process")


def kill():
    pid = show("MainPID")
    call("systemctl", "kill", "-s", "KILL", "--kill-who=main", UNIT)
    wait_until(lambda: show("MainPID") not in ("0", pid) and
               show("SubState") == "running", "it is back", PATIENCE)


class RestartedUnit(unittest.TestCase):
    def run(self, result=None):
        self.result = result
        return super().run(result)

    def diagnose(self, text):
        self.result.stream.write(f"# {text}\n")

    def start(self, *settings):
        self.addCleanup(call, "systemctl", "daemon-reload")
        self.addCleanup(shutil.rmtree, os.path.dirname(DROP_IN))
        self.addCleanup(call, "systemctl", "stop", UNIT)
        os.makedirs(os.path.dirname(DROP_IN))
        options = "--stall-timeout 1h --idle-timeout 1h"
        with open(DROP_IN, "w", encoding="ascii") as file:
            file.write("[Service]\nLimitNOFILE=65536\n"
                       f'Environment="UPCASED_OPTIONS={options}"\n')
            file.writelines(f"{setting}\n" for setting in settings)
        call("systemctl", "daemon-reload")
        call("systemctl", "start", UNIT)
        wait_until(answers, "upc gets its answer")

    @contextlib.contextmanager
    def busy(self, stays=True):
        clients = [Asking(seed, stays) for seed in range(BUSY)]
        try:
            yield clients
        finally:
            for client in clients:
                client.over.set()
            for client in clients:
                client.end()

    def go_on(self, clients):
        rounds = [client.rounds for client in clients]
        wait_until(lambda: all(client.rounds > before or client.fault
                               for client, before in zip(clients, rounds)),
                   "the busy ones go on", PATIENCE)
        for client in clients:
            if client.fault:
                raise client.fault

    def again(self, clients, what, act, times):
        """Does it so often; the busy ones may wait, and nothing more."""
        for client in clients:
            client.longest = 0
        try:
            for _ in range(times):
                act()
                self.go_on(clients)
        except BaseException:
            for line in journal().splitlines()[-60:]:
                self.diagnose(line)
            raise
        longest = max(client.longest for client in clients)
        self.diagnose(f"{times} x {what}: the longest wait of a busy client "
                      f"was {longest * 1000:.0f} ms")

    def test_unnoticed(self):
        """no client loses anything by restarts and replacements in place"""
        self.start()
        with contextlib.ExitStack() as stack:
            rest = [stack.enter_context(connect()) for _ in range(RESTING)]
            half = [stack.enter_context(connect()) for _ in range(HALF)]
            for client in half:
                client.sendall("x🌮".encode()[:3])
                self.assertEqual(receive(client, 1), b"X")
            silent = [Silent() for _ in range(SILENT)]
            self.diagnose(f"{BUSY} busy clients, {RESTING} at rest, {HALF} "
                          f"with half a character, {SILENT} that do not read")
            with self.busy() as clients:
                self.go_on(clients)
                self.again(clients, "systemctl restart", restart, TIMES)
                self.again(clients, "SIGUSR2", replace_in_place, TIMES)
                rounds = sum(client.rounds for client in clients)
            for client in rest:
                self.assertTrue(is_answered(client))
            for client in half:
                client.sendall("🌮".encode()[2:])
                self.assertEqual(receive(client, 4), "🌮".encode())
            for client in silent:
                self.assertTrue(client.is_answered())
        self.diagnose(f"{rounds} right answers to the busy ones, 0 failed, "
                      "0 connections lost")
        self.assertEqual(show("NRestarts"), "0")
        self.assertNotIn("are lost", journal())

    def test_many(self):
        """a crowd at rest goes along too"""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        need = MANY + 1000
        if hard != resource.RLIM_INFINITY and hard < need:
            self.skipTest(f"needs {need} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
        self.start()
        with contextlib.ExitStack() as stack:
            rest = [stack.enter_context(connect()) for _ in range(MANY)]
            wait_until(answers, "all are accepted", PATIENCE)
            self.diagnose(f"with {MANY} at rest:")
            with self.busy() as clients:
                self.go_on(clients)
                self.again(clients, "systemctl restart", restart, 2)
                self.again(clients, "SIGUSR2", replace_in_place, 2)
            for client in rest[::97]:
                self.assertTrue(is_answered(client))

    def count_failures(self, *settings):
        self.start(*settings)
        with self.busy(stays=False) as clients:
            self.go_on(clients)
            for _ in range(KILLS):
                kill()
                self.go_on(clients)
        return (sum(client.failed for client in clients),
                sum(client.rounds for client in clients))

    def test_killed(self):
        """a crash costs no more than the requests in flight"""
        failed, rounds = self.count_failures()
        self.diagnose(f"{KILLS} x kill -9: {failed} failed, {rounds} answered")
        self.assertLessEqual(failed, KILLS * BUSY)

    def test_killed_without(self):
        """for comparison: a crash without the store"""
        failed, rounds = self.count_failures(
            "FileDescriptorStoreMax=0", "Environment=FDSTORE=0")
        self.diagnose(f"{KILLS} x kill -9 without the store: {failed} failed, "
                      f"{rounds} answered")

    def test_stop(self):
        """a stop drains, and a client that has connected is served first"""
        self.start()
        with connect() as client:
            self.assertTrue(is_answered(client))
            call("systemctl", "stop", UNIT)
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(show("ActiveState"), "inactive")
        with self.assertRaises(ConnectionRefusedError):
            connect()
        self.assertIn("draining", journal())

    def check_drained(self, why, *settings):
        """A restart that cannot hand over cuts nothing."""
        self.start(*settings)
        pid = show("MainPID")
        with connect() as client:
            self.assertTrue(is_answered(client))
            # Whatever is in flight is whole.
            call("systemctl", "restart", UNIT)
            self.assertEqual(client.recv(1), b"")
        self.assertTrue(answers())
        self.assertNotEqual(show("MainPID"), pid)
        self.assertIn(why, journal())

    def test_no_store(self):
        """without the store, or with one that is too small, a restart drains"""
        for settings in (["FileDescriptorStoreMax=0", "Environment=FDSTORE=0"],
                         ["FileDescriptorStoreMax=0"],
                         ["FileDescriptorStoreMax=4"]):
            with self.subTest(settings):
                self.check_drained("all is drained", *settings)
                self.doCleanups()

    def test_by_hand(self):
        """SIGQUIT by hand is followed by a start, and nobody notices"""
        self.start()
        pid = show("MainPID")
        with connect() as client:
            self.assertTrue(is_answered(client))
            call("systemctl", "kill", "-s", "QUIT", "--kill-who=main", UNIT)
            wait_until(lambda: show("MainPID") not in ("0", pid),
                       "it is started", PATIENCE)
            self.assertTrue(is_answered(client))


if __name__ == "__main__":
    if "SANDBOX_INSTALLED" in os.environ:
        tap.main()
    else:
        with tempfile.TemporaryDirectory() as scratch:
            test_systemd.boot(scratch, RestartedUnit, __file__,
                              ["test_systemd.py"])
