#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What the kernel holds for clients counts, open or closed.

A client that half-closes and never reads leaves its answer with the kernel.
Its connection must not be over before that is.
"""

import contextlib
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import unittest

import tap
from client import ask, converse, wait_for_error
from daemon import (LATE, LONG, PATIENCE, SANITIZED, SLOWNESS, Case, Daemon,
                    each_backend, linux_only, needs, wait_until)
from kernel_memory import held
from stream import receive_all, reset, upper

PING = "ping größe".encode()
MAX = 10
MIB = 1 << 20


class Attackers:
    """Clients with a tiny window that send a text, half-close and never read.

    The server decides how many of them get so far.
    """

    def __init__(self, daemon, n, text, together=400):
        self.address = daemon.address
        self.text = text
        self.left = n
        self.sockets = {}
        self.poll = select.poll()
        self.half_closed = 0
        for _ in range(min(n, together)):
            self._connect()

    def _connect(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(self.address)
        self.sockets[client.fileno()] = [client, memoryview(self.text)]
        self.poll.register(client, select.POLLOUT)
        self.left -= 1

    def _send(self, fd):
        client, rest = self.sockets[fd]
        try:
            rest = rest[client.send(rest):]
        except BlockingIOError:
            return
        except OSError:
            self.poll.unregister(fd)
            return
        self.sockets[fd][1] = rest
        if not rest:
            self.poll.unregister(fd)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
            self.half_closed += 1
            if self.left:
                self._connect()

    def run(self, pause=1):
        """Sends until nothing is taken any more for that many seconds."""
        while ready := self.poll.poll(pause * 1000):
            for fd, _ in ready:
                self._send(fd)

    def close(self):
        for client, _ in self.sockets.values():
            client.close()


class HalfClosedTest(Case):
    N = 4000 if LONG else 400
    TEXT = b"x" * 90_000

    def attack(self, daemon, n=None):
        attackers = Attackers(daemon, n or self.N, self.TEXT)
        self.addCleanup(attackers.close)
        attackers.run()
        return attackers

    @linux_only
    @needs("ss")
    @each_backend(workers=(1, 2))
    def test_bound(self, how):
        """Half-closed clients that never read count until the stall timeout,
        so that the kernel holds no more than a few MiB for all"""
        stall = 4 * SLOWNESS
        with Daemon(**how, args=["--max-connections", str(MAX),
                                 "--stall-timeout", f"{stall}s"]) as daemon:
            start = time.monotonic()
            self.attack(daemon)
            if time.monotonic() - start < stall:
                sockets = held(daemon.port)
                self.assertLessEqual(daemon.counters()["open"], MAX)
                taken = [n for state, n in sockets if state == "LAST-ACK"]
                self.assertLessEqual(len(taken), MAX)
                self.assertLess(sum(taken), 16 * MIB)
                self.assertLess(sum(n for _, n in sockets), 32 * MIB)
            # Each one is reset in the end, and makes room for the next.
            wait_until(lambda: daemon.counters()["stalled"] >= MAX,
                       "they are reset", PATIENCE + 2 * stall)

    @linux_only
    @needs("ss")
    @each_backend(workers=(1, 2))
    def test_gone(self, how):
        """When the stall timeout is over the kernel holds nothing any more"""
        with Daemon(**how, args=["--max-connections", str(MAX),
                                 "--stall-timeout", "1s"]) as daemon:
            self.attack(daemon, MAX)
            wait_until(lambda: not held(daemon.port), "nothing is held")
            counters = daemon.counters()
            self.assertEqual(counters["stalled"], MAX)
            self.assertEqual(counters["open"], 0)
            self.assertEqual(ask(daemon, PING), upper(PING))

    @linux_only
    @needs("ss")
    @each_backend()
    def test_lingering(self, how):
        """So do those that the server has ended itself"""
        with Daemon(**how, args=["--max-connections", str(MAX),
                                 "--idle-timeout", "100ms",
                                 "--stall-timeout", f"{8 * SLOWNESS}s"]
                    ) as daemon:
            clients = []
            for _ in range(MAX):
                client = socket.socket()
                self.addCleanup(client.close)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                client.connect(daemon.address)
                client.sendall(b"y" * 40_000)
                clients.append(client)
            wait_until(lambda: len(held(daemon.port)) == MAX and all(
                state == "FIN-WAIT-1" for state, _ in held(daemon.port)),
                "all are ended")
            # Lingering takes 5 s; then they are still open.
            wait_until(lambda: daemon.counters()["stalled"] == MAX,
                       "they are reset", PATIENCE + 16 * SLOWNESS)
            self.assertFalse(held(daemon.port))

    @each_backend(workers=(1, 2))
    def test_slow(self, how):
        """A half-closed client that reads late gets its whole answer, and the
        end of it at once"""
        with Daemon(**how, args=["--stall-timeout", f"{10 * SLOWNESS}s"]) as \
                daemon, daemon.connect(receive_buffer=1) as client:
            client.sendall(self.TEXT)
            client.shutdown(socket.SHUT_WR)
            wait_until(lambda: daemon.counters()["received"] ==
                       len(self.TEXT), "all is received")
            self.assertEqual(receive_all(client), upper(self.TEXT))
            wait_until(lambda: daemon.counters()["ended"] == 1, "it has ended")

    @each_backend()
    def test_reset(self, how):
        """One that resets its connection instead is noticed and counted"""
        with Daemon(**how) as daemon, \
                daemon.connect(receive_buffer=1) as client:
            client.sendall(self.TEXT)
            client.shutdown(socket.SHUT_WR)
            wait_until(lambda: daemon.counters()["received"] ==
                       len(self.TEXT), "all is received")
            reset(client)
            wait_until(lambda: daemon.counters()["open"] == 0, "it is closed")
            self.assertEqual(daemon.counters()["failed"], 1)

    @each_backend()
    def test_drain(self, how):
        """At a stop the kernel delivers what it has alone"""
        with Daemon(**how, args=["--drain-timeout", "0"]) as daemon, \
                daemon.connect(receive_buffer=1) as client:
            client.sendall(self.TEXT[:60_000])
            client.shutdown(socket.SHUT_WR)
            wait_until(lambda: daemon.counters()["sent"] == 60_000,
                       "all is sent")
            # The daemon waits for nobody.
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(len(receive_all(client)), 60_000)

    @linux_only
    @needs("ss")
    @each_backend()
    def test_backlog(self, how):
        """The queue for new clients follows the limit of connections"""
        for limit, backlog in ((5, 128), (300, 300), (100_000, 4096)):
            if limit > resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 50:
                continue
            with Daemon(**how, args=["--max-connections", str(limit)]) as \
                    daemon:
                output = subprocess.run(
                    ["ss", "-tlnH", f"sport = :{daemon.port}"],
                    stdout=subprocess.PIPE, text=True, check=True).stdout
                with open("/proc/sys/net/core/somaxconn") as most:
                    backlog = min(backlog, int(most.read()))
                self.assertEqual(int(output.split()[2]), backlog)


class UrgentTest(Case):
    @each_backend()
    def test_inline(self, how):
        """An urgent byte is one of the text, wherever it stands"""
        text = b"abcdefg"
        for at in range(len(text)):
            with Daemon(**how) as daemon, daemon.connect() as client:
                client.sendall(text[:at])
                client.send(text[at:at + 1], socket.MSG_OOB)
                client.sendall(text[at + 1:])
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(client), upper(text))

    @each_backend()
    def test_many(self, how):
        """So are several urgent bytes, also parts of a character, and when
        the answer is pending"""
        text = "größe🌮".encode() * 2000
        with Daemon(**how) as daemon, daemon.connect() as client:
            for i in range(0, 2000):
                client.send(text[i:i + 1], socket.MSG_OOB if i % 3 else 0)
            self.assertEqual(converse(client, text[2000:]), upper(text))


class TurnsTest(Case):
    @each_backend()
    def test_listeners(self, how):
        """At the limit of connections all addresses get their turn"""
        rounds = 100
        with Daemon(**how, listen=("127.0.0.1:0", "127.0.0.1:0",
                                   "127.0.0.1:0"),
                    args=["--max-connections", "2"]) as daemon:
            served = {address: 0 for address in daemon.addresses}
            waiting = select.poll()
            clients = {}

            def come(address):
                client = daemon.connect(address)
                self.addCleanup(client.close)
                client.sendall(PING)
                client.setblocking(False)
                waiting.register(client, select.POLLIN)
                clients[client.fileno()] = client, address

            for address in daemon.addresses:
                for _ in range(4):
                    come(address)
            while sum(served.values()) < rounds:
                for fd, _ in waiting.poll(PATIENCE * 1000):
                    client, address = clients.pop(fd)
                    waiting.unregister(fd)
                    client.close()
                    served[address] += 1
                    come(address)
            for n in served.values():
                self.assertGreater(n, rounds // len(served) // 2, served)


class BurstTest(Case):
    def burst(self, daemon):
        """Clients that make it hold much, and end."""
        clients = [daemon.connect(receive_buffer=4096) for _ in range(200)]
        for client in clients:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.sendall(b"z" * 400_000)
        wait_until(lambda: daemon.rss() > 12 * MIB, "it holds much")
        for client in clients:
            reset(client)
        wait_until(lambda: daemon.counters()["open"] == 0, "all have ended")

    @linux_only
    @unittest.skipUnless(LONG, "takes two minutes")
    @each_backend(workers=(1, 2))
    def test_given_back(self, how):
        """What a burst took is given back after a quiet minute"""
        with Daemon(**how, args=["--memory-limit", "64M"]) as daemon:
            self.assertEqual(ask(daemon, PING), upper(PING))
            before = daemon.rss()
            self.burst(daemon)
            wait_until(lambda: daemon.rss() < before + 2 * MIB,
                       "it is given back", 180)
            self.assertEqual(ask(daemon, b"z" * 400_000), b"Z" * 400_000)


def send_too_much(client):
    """Sends until the server stops reading, as it cannot answer."""
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.sendall(b"x" * 4_000_000)


class EndsTest(Case):
    """At the usual level the log says whom the server ended, and why."""

    @each_backend()
    def test_idle(self, how):
        """That a client was idle is logged, with its address"""
        with Daemon(**how, args=["--idle-timeout", "100ms"]) as daemon, \
                daemon.connect() as client:
            host, port = client.getsockname()
            daemon.wait_for_line(
                f"^ended {host}:{port}, which sent nothing .*--idle-timeout$")
            self.assertEqual(receive_all(client), b"")

    @each_backend()
    def test_stalled(self, how):
        """That a client took nothing is logged, with its address"""
        with Daemon(**how, args=["--stall-timeout", "300ms"]) as daemon, \
                daemon.connect(receive_buffer=1) as client:
            host, port = client.getsockname()
            send_too_much(client)
            daemon.wait_for_line(
                f"^reset {host}:{port}, which took nothing .*--stall-timeout$")

    @each_backend()
    def test_refused(self, how):
        """That a client sent bytes that are not UTF-8 is logged"""
        with Daemon(**how, args=["--invalid", "close"]) as daemon, \
                daemon.connect() as client:
            host, port = client.getsockname()
            client.sendall(b"\xff")
            daemon.wait_for_line(
                f"^ended {host}:{port}, which sent bytes that are not UTF-8$")

    @each_backend()
    def test_cut(self, how):
        """That a client was reset at the end of a drain is logged"""
        with Daemon(**how, args=["--drain-timeout", "100ms"]) as daemon, \
                daemon.connect(receive_buffer=1) as client:
            host, port = client.getsockname()
            send_too_much(client)
            wait_until(lambda: daemon.counters()["received"] > 0, "it sends")
            self.assertEqual(daemon.stop(), 0)
            daemon.wait_for_line(f"^reset {host}:{port}, which had not ended")

    @each_backend()
    def test_own(self, how):
        """What clients do themselves is not, and ends are logged once a
        second at most"""
        with Daemon(**how, args=["--idle-timeout", "200ms"]) as daemon:
            for _ in range(20):
                with daemon.connect() as client:
                    client.sendall(PING)
                    client.recv(1)
                    reset(client)
            start = time.monotonic()
            clients = [daemon.connect() for _ in range(100)]
            for client in clients:
                self.addCleanup(client.close)
                self.assertEqual(receive_all(client), b"")
            took = time.monotonic() - start
            self.assertEqual(daemon.stop(), 0)
            told = [line for line in daemon.lines
                    if re.match("(ended|reset) ", line)]
            self.assertGreater(len(told), 0)
            self.assertLessEqual(len(told), took + 2)
            self.assertTrue(all("sent nothing" in line for line in told))

    @each_backend()
    def test_zeros(self, how):
        """The counters at the end leave out what is zero"""
        with Daemon(**how) as daemon:
            self.assertEqual(ask(daemon, PING), upper(PING))
            self.assertEqual(daemon.stop(), 0)
            daemon.wait_for_line(
                f"^accepted=1 ended=1 received={len(PING)} "
                f"sent={len(upper(PING))}$")


if __name__ == "__main__":
    tap.main()
