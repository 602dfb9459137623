#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Very many clients, one after the other or at once: what they took is given
back, and others are served meanwhile."""

import contextlib
import re
import resource
import select
import selectors
import socket
import time
import unittest

import tap
from client import flood, mixed_text, receive
from daemon import (LATE, LONG, PATIENCE, SANITIZED, SLOWNESS, Case, Daemon,
                    each_backend, linux_only, wait_until)
from stream import reset, upper

PING = "ping größe".encode()

PAGE = resource.getpagesize()

# Pages of memory for sockets that other programs may take meanwhile.
PAGES_OF_OTHERS = 2000


def kernel_pages():
    """Pages that the kernel holds for what is in its TCP sockets."""
    with open("/proc/net/sockstat") as sockstat:
        return int(re.search(r"^TCP:.* mem (\d+)", sockstat.read(),
                             re.M).group(1))


def exchange(client):
    """Sends a text and receives the answer to it, within a second."""
    start = time.monotonic()
    client.sendall(PING)
    assert receive(client, len(upper(PING))) == upper(PING)
    assert time.monotonic() - start < SLOWNESS + LATE


# What sanitizers keep of each byte is up to four others.
SHADOWS = 5 if SANITIZED else 1


class Resources:
    """What a daemon and the kernel hold for its clients."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.rss = daemon.rss()
        self.nfds = len(daemon.fds())
        self.pages = kernel_pages()

    def wait_for_return(self, more=0):
        """Waits until all is back, but for so many bytes of ours that a
        crowd may have touched for the first time."""
        wait_until(lambda: len(self.daemon.fds()) == self.nfds,
                   "all descriptors are closed")
        wait_until(lambda: kernel_pages() <= self.pages + PAGES_OF_OTHERS,
                   "the kernel gave its memory back")
        grown = self.daemon.rss() - self.rss
        assert grown <= more, f"grown by {grown} bytes"


def serve_once(daemon, nclients, half_closed):
    """Connects so many clients at once, which ask, get their answers, and
    end: half-closed or reset."""
    clients = []
    for i in range(nclients):
        client = socket.socket()
        client.connect(daemon.address)
        client.sendall(PING)
        clients.append(client)
    answer = upper(PING)
    for client in clients:
        if half_closed:
            client.shutdown(socket.SHUT_WR)
        assert client.recv(100, socket.MSG_WAITALL if half_closed else 0) \
            == answer
        if half_closed:
            client.close()
        else:
            reset(client)


@linux_only
class ShortTest(Case):
    """Connections that ask once."""

    BATCH = 100

    def check(self, how, total):
        with Daemon(**how) as daemon:
            idle = Resources(daemon)
            # All memory that so many at once need has been touched then.
            serve_once(daemon, self.BATCH, False)
            idle.wait_for_return(more=SHADOWS * (2 << 20))
            before = Resources(daemon)
            nlines = len(daemon.lines)
            for i in range(total // self.BATCH):
                # Half-closed ones leave the port of the client in use.
                serve_once(daemon, self.BATCH, i % 10 == 0)
            before.wait_for_return(more=SHADOWS * (1 << 20))
            counters = daemon.counters()
            self.assertEqual(counters["accepted"], total + self.BATCH)
            self.assertEqual(counters["ended"], total // 10)
            self.assertEqual(counters["failed"],
                             self.BATCH + total - total // 10)
            self.assertLess(len(daemon.lines) - nlines, 10)

    @each_backend(workers=(1, 2))
    def test_short(self, how):
        """Thousands of short connections leave nothing behind"""
        self.check(how, 100_000 if LONG else 5_000)

    @unittest.skipUnless(LONG, "takes longer: see tests/long")
    def test_million(self):
        """A million short connections leave nothing behind"""
        self.check({"workers": 2}, 1_000_000)


@linux_only
class SlowTest(Case):
    N = 500

    @each_backend(workers=(1, 2) if LONG else (2,))
    def test_slowloris(self, how):
        """500 clients that send the start of a character and no more are
        ended after the idle timeout; one that talks is not, and is answered
        at once"""
        args = ["--idle-timeout", "2s"]
        with Daemon(**how, args=args) as daemon, daemon.connect() as busy, \
                contextlib.ExitStack() as stack:
            exchange(busy)
            before, used = len(daemon.fds()), daemon.cpu_time()
            start = time.monotonic()
            clients = [stack.enter_context(daemon.connect())
                       for _ in range(self.N)]
            for client in clients:
                client.sendall(b"\xf0\x9f")
            all_there = time.monotonic()
            answers = self.listen(clients, busy)
            ends = [end for end, _ in answers]
            self.assertGreater(min(ends), start + 1.9)
            self.assertLess(max(ends), all_there + 2 + LATE)
            # What there is of a character is due at the end.
            self.assertEqual({text for _, text in answers}, {b"\xf0\x9f"})
            exchange(busy)
            wait_until(lambda: daemon.counters()["open"] == 1, "all ended")
            self.assertEqual(daemon.counters()["idle"], self.N)
            self.assertEqual(len(daemon.fds()), before)
            self.assertLess(daemon.cpu_time() - used, 1 * SLOWNESS)

    def listen(self, clients, busy):
        """When each of the clients is ended, and what it got."""
        ends = []
        deadline = time.monotonic() + 2 * PATIENCE
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client, selectors.EVENT_READ, bytearray())
            while selector.get_map():
                self.assertLess(time.monotonic(), deadline)
                for key, _ in selector.select(0.1):
                    part = key.fileobj.recv(100)
                    key.data.extend(part)
                    if not part:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                        ends.append((time.monotonic(), bytes(key.data)))
                exchange(busy)
        return ends


# The most that the kernel may hold for all, in bytes.
KERNEL_MOST = 256 << 20


@linux_only
class NeverReadingTest(Case):
    N = 1000

    def connect(self, daemon):
        """A client whose own buffers are small."""
        client = daemon.connect(receive_buffer=4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return client

    @unittest.skipUnless(LONG, "takes longer: see tests/long")
    @each_backend(workers=(1, 2))
    def test_never_reading(self, how):
        """1000 clients that never read, half of them half-closed, cost no
        more than is promised, and all is given back after the stall
        timeout"""
        args = ["--stall-timeout", "2s", "--idle-timeout", "0"]
        with Daemon(**how, args=args) as daemon, \
                contextlib.ExitStack() as stack:
            before = Resources(daemon)
            busy = stack.enter_context(daemon.connect())
            clients = [stack.enter_context(self.connect(daemon))
                       for _ in range(self.N)]
            # What is left of their answers is the kernel's alone.
            for client in clients[:self.N // 2]:
                client.sendall(PING * 1000)
                client.shutdown(socket.SHUT_WR)
            # More than even large buffers take.
            flood(clients[self.N // 2:], mixed_text(1 << 17, seed=1),
                  most=16 << 20, pause=0.3)
            pages = kernel_pages() - before.pages
            self.assertLess(pages * PAGE, KERNEL_MOST)
            self.assertLess(daemon.rss() - before.rss, self.OURS)
            exchange(busy)
            self.wait_for_resets(clients[self.N // 2:], busy)
            busy.close()
            # What is on their side is theirs.
            for client in clients:
                reset(client)
            before.wait_for_return(more=self.OURS)

    # Pending output and slots, in bytes.
    OURS = (64 << 20) * SLOWNESS

    def wait_for_resets(self, clients, busy):
        """Waits until each is reset, while another is answered."""
        deadline = time.monotonic() + 2 * PATIENCE
        broken = select.poll()
        for client in clients:
            broken.register(client, 0)
        left = len(clients)
        while left > 0:
            self.assertLess(time.monotonic(), deadline)
            for fd, _ in broken.poll(100):
                broken.unregister(fd)
                left -= 1
            exchange(busy)


if __name__ == "__main__":
    tap.main()
