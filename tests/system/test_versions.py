# SPDX-License-Identifier: ISC
"""A hand-over between versions of the program, whose inventories differ."""

import contextlib
import os
import shutil
import signal
import socket
import threading
import unittest

import inventory
import tap
from client import ask, mixed_text, receive
from daemon import Case, each_backend, wait_until
from stream import receive_all, upper
from test_handover import (LINE, REFUSED, Busy, daemon_of, exchange, hand_over,
                           installed, replace)

FLOOD = mixed_text(1 << 20, seed=4) * 4
HALF = "x🌮".encode()[:3]


class Crowd:
    """Clients in every state that lasts, as a context manager."""

    SIZE = 2 + 10 + 5 + 1 + 1

    def __init__(self, daemon):
        self.daemon = daemon

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        def connect(**how):
            return self.stack.enter_context(self.daemon.connect(**how))
        self.busy = [Busy(self.daemon, seed) for seed in (1, 2)]
        self.rest = [connect() for _ in range(10)]
        for client in self.rest:
            assert exchange(client)
        self.half = [connect() for _ in range(5)]
        for client in self.half:
            client.sendall(HALF)
            assert receive(client, 1) == b"X"
        # A part of its answer waits in the daemon.
        self.slow = connect()
        self.sender = threading.Thread(target=self.send)
        self.sender.start()
        # All of its answer waits in the kernel.
        self.late = connect(receive_buffer=4096)
        self.late.sendall(LINE * 3000)
        self.late.shutdown(socket.SHUT_WR)
        return self

    def send(self):
        with contextlib.suppress(OSError):
            self.slow.sendall(FLOOD)
            self.slow.shutdown(socket.SHUT_WR)

    def __exit__(self, *error):
        # If something failed, the daemon may not be there any longer.
        if error[0]:
            with contextlib.suppress(OSError):
                self.slow.shutdown(socket.SHUT_RDWR)
        self.sender.join()
        self.stack.close()
        for client in self.busy:
            client.over.set()
            client.join()

    def proceed(self):
        """The busy ones have been served since the call."""
        rounds = [client.rounds for client in self.busy]
        wait_until(lambda: all(
            client.rounds > before + 1 or client.fault
            for client, before in zip(self.busy, rounds)),
            "the busy ones go on")

    def check(self, case, without=()):
        """All but those are served to their ends."""
        for client in self.busy:
            client.end()
        case.assertTrue(receive_all(self.slow) == upper(FLOOD))
        case.assertTrue(receive_all(self.late) == upper(LINE * 3000))
        for client in self.half:
            if client not in without:
                client.sendall("🌮é".encode()[2:])
                case.assertEqual(receive(client, 6), "🌮É".encode())
        for client in self.rest:
            case.assertTrue(exchange(client))


@contextlib.contextmanager
def daemon_with_program(how, **more):
    """A daemon, the path of its program, and that of a copy."""
    with installed(how) as path:
        real = os.path.join(os.path.dirname(path), "real")
        shutil.copy2(path, real)
        with daemon_of(path, {**how, **more}) as daemon:
            yield daemon, path, real


class VersionTest(Case):
    def check_counters(self, daemon, before):
        """They go on, and none has ended but by its client."""
        now = daemon.counters()
        for name in ("accepted", "received", "sent"):
            self.assertGreaterEqual(now[name], before[name], name)
        self.assertEqual(now["accepted"], Crowd.SIZE)
        self.assertEqual(now["ended"] + now["open"], Crowd.SIZE)
        self.assertNotIn("compressed", now)

    @each_backend(workers=(1, 2))
    def test_upgrade(self, how):
        """A newer version serves on what older ones hand over, they serve on
        what it hands back, and nobody notices"""
        with daemon_with_program(how) as (daemon, path, real):
            with Crowd(daemon) as crowd:
                for rewrite in (inventory.older, inventory.newer,
                                inventory.older, inventory.same,
                                inventory.newer):
                    crowd.proceed()
                    before = daemon.counters()
                    replace(path, inventory.translator(rewrite, real))
                    self.assertEqual(hand_over(daemon), Crowd.SIZE)
                    self.check_counters(daemon, before)
                crowd.check(self)
                # Two were busy, and two have got all.
                wait_until(lambda: daemon.counters()["ended"] == 4, "ends")
            self.assertEqual(ask(daemon, LINE), upper(LINE))
            self.assertFalse([line for line in daemon.lines
                              if "handed over" in line])

    @each_backend(workers=(1, 2))
    def test_strange(self, how):
        """Of a newer version an older one resets what it does not understand,
        counts and logs it, and serves all else on"""
        with daemon_with_program(
                how, listen=("127.0.0.1:0", "127.0.0.2:0")) as (
                    daemon, path, real), Crowd(daemon) as crowd:
            failed = daemon.counters()["failed"]
            wait_until(lambda: daemon.counters()["received"] >= 5 * len(HALF),
                       "the halves are held")
            crowd.proceed()
            # What is busy may have a part of a character, too.
            for client in crowd.busy:
                client.end()
            replace(path, inventory.translator(inventory.strange, real))
            since = len(daemon.lines)
            daemon.send_signal(signal.SIGUSR2)
            daemon.wait_for_line(
                r"^warning: 5 connections that were handed over cannot be "
                "gone on with; they are reset", since)
            daemon.wait_for_line(
                r"^warning: a listener that was handed over is not "
                "understood; it is closed", since)
            # Its address is bound again.
            daemon.wait_for_line(r"^listening on 127\.0\.0\.2:", since)
            for client in crowd.half:
                with self.assertRaises(ConnectionResetError):
                    client.recv(1)
            self.assertEqual(daemon.counters()["failed"], failed + 5)
            crowd.check(self, without=crowd.half)

    @each_backend(workers=(1, 2))
    def test_too_new(self, how):
        """What only a newer version can read is found out in the rehearsal"""
        with daemon_with_program(how) as (daemon, path, real), \
                Crowd(daemon) as crowd:
            replace(path, inventory.translator(inventory.too_new, real))
            for _ in range(2):
                crowd.proceed()
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line(
                    "cannot take over: the inventory cannot be read: it was "
                    "written by a version that this one does not understand",
                    since)
                daemon.wait_for_line(
                    REFUSED + "the rehearsal ended with status 71", since)
            crowd.check(self)


if __name__ == "__main__":
    tap.main()
