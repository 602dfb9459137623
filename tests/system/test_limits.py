#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients that read nothing, or little, cost no more than is promised.

What is promised of slow readers: a reader that takes something within each
stall timeout is served to the end, however long that takes.
"""

import re
import select
import socket
import subprocess
import threading
import time

import tap
from client import ask, converse, flood, mixed_text, receive, wait_for_error
from daemon import (LATE, PATIENCE, SANITIZED, SLOWNESS, Case, Daemon,
                    each_backend, linux_only, needs, wait_until)
from stream import receive_all, upper

PING = "ping größe".encode()

# So many connections may have large buffers.
LARGE = 8

# The most that the kernel may hold for one of them, and for each of the others,
# in bytes: twice what is logged, for what it overshoots.
LARGE_MOST = 16 << 20
SMALL_MOST = 384 << 10


def kernel_memory(port):
    """Bytes that the kernel holds for each connection of the port."""
    output = subprocess.run(
        ["ss", "-tamnH", f"sport = :{port}"], stdout=subprocess.PIPE,
        text=True, check=True, timeout=PATIENCE).stdout
    sums = []
    for line in output.split("\n"):
        skmem = re.search(r"skmem:\((.*?)\)", line)
        if skmem:
            fields = dict(re.findall(r"([a-z]+)(\d+)", skmem.group(1)))
            sums.append(sum(int(fields[key]) for key in ("r", "w", "f", "bl")))
        elif line and not line.startswith("LISTEN"):
            sums.append(0)
    return sums


def connections(port):
    """How many connections of the port the kernel knows, closed or not."""
    output = subprocess.run(
        ["ss", "-tanH", f"sport = :{port}"], stdout=subprocess.PIPE,
        text=True, check=True, timeout=PATIENCE).stdout
    return sum(not line.startswith("LISTEN") for line in output.splitlines())


# Seconds in which the others have to be answered.
STALL = 8 * SLOWNESS


class NeverReadingTest(Case):
    N = LARGE + 8

    def connect(self, daemon):
        clients = [daemon.connect(receive_buffer=4096) for _ in range(self.N)]
        for client in clients:
            self.addCleanup(client.close)
            # The kernel may end one before the daemon does, and sends no reset
            # until the client asks.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_KEEPIDLE"):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        return clients

    def check_others(self, daemon):
        """Another client is answered, and before one of those that never
        read has been ended."""
        left = daemon.counters()["open"]
        while True:
            self.assertEqual(ask(daemon, PING), upper(PING))
            wait_until(lambda: daemon.counters()["open"] <= left, "it ended")
            before, left = left, daemon.counters()["open"]
            if left == before:
                return
            # One may have been due on a busy machine, but not each time.
            self.assertGreater(left, 0)

    def check_memory(self, daemon, before, ours):
        self.assertLess(daemon.rss() - before, ours * (4 if SANITIZED else 1))
        held = kernel_memory(daemon.port)
        self.assertGreaterEqual(len(held), self.N)
        held.sort(reverse=True)
        self.assertLess(held[0], LARGE_MOST)
        self.assertLess(held[LARGE], SMALL_MOST)

    @linux_only
    @needs("ss")
    @each_backend(workers=(1, 2))
    def test_flood(self, how):
        """Clients that never read cost little memory of ours and of the
        kernel's, and are reset after the stall timeout"""
        stall = ["--stall-timeout", f"{STALL}s"]
        with Daemon(**how, args=stall) as daemon:
            self.check_others(daemon)
            before = daemon.rss()
            clients = self.connect(daemon)
            start = time.monotonic()
            # Text that is quickly converted, also where lines are counted.
            sent = flood(clients, b"x" * (1 << 18), pause=0.3)
            self.assertLess(max(sent), 16 << 20)
            # A half-close does not change what is owed to them.
            for client in clients[::2]:
                client.shutdown(socket.SHUT_WR)
            self.check_memory(daemon, before, 16 << 20)
            self.check_others(daemon)
            errors = [wait_for_error(client) for client in clients]
            self.assertEqual(errors, ["ECONNRESET"] * self.N)
            self.assertGreater(time.monotonic() - start, STALL - 0.1)
            self.assertLess(time.monotonic() - start, STALL + PATIENCE)
            wait_until(lambda: connections(daemon.port) == 0,
                       "the kernel gives their memory back")
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
            self.assertEqual(daemon.counters()["stalled"], self.N)

    @linux_only
    @each_backend()
    def test_pool(self, how):
        """When the memory for pending output is full, those that hold it are
        reset, and others are answered"""
        # Less than all of them want.
        args = ["--memory-limit", "256K", "--stall-timeout", f"{STALL}s"]
        self.N = 14
        with Daemon(**how, args=args) as daemon:
            self.check_others(daemon)
            before, start = daemon.rss(), time.monotonic()
            clients = self.connect(daemon)
            flood(clients, "ΐ".encode() * (1 << 17), pause=0.3)
            grown = daemon.rss() - before
            self.assertLess(grown, (16 if SANITIZED else 5) << 20)
            self.check_others(daemon)
            for client in clients:
                wait_for_error(client)
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
            counters = daemon.counters()
            self.assertGreater(counters["evicted"], 0)
            self.assertEqual(counters["evicted"] + counters["stalled"],
                             self.N)
            # At most one of a kind in a second.
            told = [line for line in daemon.lines
                    if line.startswith(("warning: ", "reset "))]
            self.assertLess(len(told), 4 + 2 * (time.monotonic() - start))

    @each_backend()
    def test_refused(self, how):
        """The stall timeout also ends a client that is refused and never
        reads"""
        args = ["--invalid", "close", "--stall-timeout", "2s",
                "--idle-timeout", "0", "--log-level", "debug"]
        self.N = LARGE + 16
        with Daemon(**how, args=args) as daemon:
            clients = self.connect(daemon)
            # The others have small buffers.
            flood(clients[:LARGE], b"x" * (1 << 20), pause=0.1)
            # For some of them the answer to what came just before the bad
            # byte fits only in part into the buffers of the kernel.
            for i, client in enumerate(clients[LARGE:]):
                text = b"x" * (60_000 + i * 5_000) + b"\xff"
                flood([client], text, most=len(text), pause=0.1)
                # So that those whose answer does fit need not linger.
                client.shutdown(socket.SHUT_WR)
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
            counters = daemon.counters()
            self.assertEqual(counters["refused"] + counters["stalled"],
                             self.N)
            # By our own deadline, not by the later one of the kernel.
            daemon.wait_for_line(r"ending -> closed \(expired\)", patience=0)


class SlowTest(Case):
    @each_backend()
    def test_slow_reader(self, how):
        """A client that reads slowly, but within each stall timeout, gets
        its whole answer"""
        text = mixed_text(1_000_000, seed=3)
        with Daemon(**how, args=["--stall-timeout", "1s"]) as daemon, \
                daemon.connect(receive_buffer=65536) as client:
            sender = threading.Thread(target=lambda: (
                client.sendall(text), client.shutdown(socket.SHUT_WR)))
            sender.start()
            answer = b""
            start = time.monotonic()
            while time.monotonic() - start < 2.5:
                daemon.watch(0.25)
                answer += client.recv(65536)
            answer += receive_all(client)
            sender.join()
            self.assertTrue(answer == upper(text))

    @each_backend(workers=(1, 2))
    def test_idle(self, how):
        """An idle client is ended after the idle timeout, with all that it
        has coming; a busy one is not"""
        with Daemon(**how, args=["--idle-timeout", "1s"]) as daemon, \
                daemon.connect() as busy, daemon.connect() as idle:
            # The character is incomplete: what there is of it is due.
            idle.sendall(b"ab\xf0\x9f")
            self.assertEqual(receive(idle, 2), b"AB")
            start = time.monotonic()
            while not select.select([idle], [], [], 0.2)[0]:
                busy.sendall(PING)
                self.assertEqual(receive(busy, len(upper(PING))), upper(PING))
            self.assertGreater(time.monotonic() - start, 0.9)
            self.assertLess(time.monotonic() - start, 1 + LATE)
            self.assertEqual(receive_all(idle), b"\xf0\x9f")
            idle.close()
            self.assertEqual(converse(busy, PING), upper(PING))
            wait_until(lambda: daemon.counters()["idle"] == 1,
                       "it is counted")

    @each_backend()
    def test_linger(self, how):
        """A client that is ended and goes on sending loses no answer, and is
        dropped after 5 s"""
        with Daemon(**how, args=["--invalid", "close"]) as daemon, \
                daemon.connect() as client:
            client.sendall(b"ok\xff" + b"more" * 50_000)
            self.assertEqual(receive_all(client), b"OK")
            start = time.monotonic()
            with self.assertRaises(ConnectionError):
                while time.monotonic() - start < 5 + PATIENCE:
                    client.sendall(b"more")
                    daemon.watch(0.1)
            self.assertGreater(time.monotonic() - start, 4)
            self.assertLess(time.monotonic() - start, 5 + LATE)


if __name__ == "__main__":
    tap.main()
