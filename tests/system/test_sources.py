#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Limits for each source of clients, and who may connect at all.

127.0.0.0/8 is the loopback, so one machine has as many sources as a test needs.
"""

import contextlib
import re
import signal
import socket
import unittest

import tap
from client import receive
from daemon import (PATIENCE, Case, Daemon, each_backend, linux_only,
                    wait_until)
from stream import upper

LINE = "ein Stück\n".encode()


def connect(daemon, source, address=None):
    address = address or daemon.address
    client = socket.socket(
        socket.AF_INET6 if ":" in source else socket.AF_INET)
    client.settimeout(PATIENCE)
    client.bind((source, 0))
    # Who is reset at once may learn of it already here.
    with contextlib.suppress(ConnectionResetError):
        client.connect(address)
    return client


def answers(client):
    """Whether it is served; else it was reset, which must be soon."""
    try:
        client.sendall(LINE)
        return receive(client, len(upper(LINE))) == upper(LINE)
    except TimeoutError:
        raise
    except OSError:
        return False


@linux_only
class SourceTest(Case):
    @contextlib.contextmanager
    def serving(self, how, *args):
        """A daemon, and what makes a client of it that ends with the test."""
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(Daemon(
                **how, args=["--source-exempt", "none", *args]))
            def client(source):
                return stack.enter_context(connect(daemon, source))
            yield daemon, client

    def fill(self, client, source, most=100):
        """How many clients of a source are served at once."""
        n = 0
        while n < most and answers(client(source)):
            n += 1
        return n

    @each_backend(workers=(1, 2))
    def test_quarter(self, how):
        """No source has more than a quarter of all connections, and what it
        does not get others do"""
        with self.serving(how, "--max-connections", "20") as \
                (daemon, client):
            for source in ("127.0.0.1", "127.0.0.2", "127.1.0.1"):
                self.assertEqual(self.fill(client, source), 5)
            daemon.wait_for_line(
                r"^warning: throttling 127\.0\.0\.2: it has reached "
                "max-connections-per-source")
            counters = daemon.counters()
            self.assertEqual(counters["source-limit"], 3)
            self.assertEqual(counters["open"], 15)
            self.assertEqual(counters["accepted"], 18)
            self.assertEqual(self.fill(client, "127.2.3.4", 5), 5)

    @each_backend(workers=(1, 2))
    def test_ends(self, how):
        """Each end of a connection makes room for one of its source, also of
        one that is reset"""
        with self.serving(how, "--max-connections-per-source", "2") as \
                (daemon, client):
            first, second = client("127.0.0.2"), client("127.0.0.2")
            self.assertTrue(answers(first) and answers(second))
            for _ in range(20):
                self.assertFalse(answers(client("127.0.0.2")))
                first.close()
                wait_until(lambda: daemon.counters()["open"] == 1, "an end")
                first, second = second, client("127.0.0.2")
                self.assertTrue(answers(second))
                # This one ends by a reset.
                first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
            self.assertEqual(daemon.counters()["source-limit"], 20)

    @each_backend(workers=(1, 2))
    def test_rate(self, how):
        """A source that comes faster than it may is refused, and others are
        served"""
        with self.serving(how, "--connection-rate-per-source", "3") as \
                (daemon, client):
            def too_fast():
                return not answers(client("127.0.0.2"))
            wait_until(too_fast, "one too many")
            self.assertTrue(answers(client("127.0.0.3")))
            daemon.wait_for_line(
                r"^warning: throttling 127\.0\.0\.2: it has reached "
                "connection-rate-per-source")
            wait_until(lambda: answers(client("127.0.0.2")), "it may again")
            counters = daemon.counters()
            self.assertGreaterEqual(counters["source-rate"], 1)
            self.assertEqual(
                counters["accepted"], counters["open"] + counters["ended"] +
                counters["failed"] + counters["source-rate"])

    @each_backend(workers=(1, 2))
    def test_prefix(self, how):
        """A network is one source, if that is asked for"""
        with self.serving(how, "--source-prefix-ipv4", "24",
                          "--max-connections-per-source", "2") as \
                (daemon, client):
            self.assertTrue(answers(client("127.0.7.1")))
            self.assertTrue(answers(client("127.0.7.2")))
            self.assertFalse(answers(client("127.0.7.3")))
            self.assertTrue(answers(client("127.0.8.1")))
            daemon.wait_for_line(r"throttling 127\.0\.7\.0/24: ")

    @each_backend(workers=(1, 2))
    def test_exempt(self, how):
        """Who is exempt has no limit, as the loopback has none by default"""
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(Daemon(
                **how, args=["--max-connections-per-source", "1",
                             "--connection-rate-per-source", "1"]))
            for source in ("127.0.0.1", "127.9.9.9"):
                for _ in range(8):
                    self.assertTrue(answers(stack.enter_context(
                        connect(daemon, source))))
        with self.serving(how, "--source-exempt", "127.0.1.0/24",
                          "--max-connections-per-source", "1") as \
                (daemon, client):
            self.assertEqual(self.fill(client, "127.0.1.5", 8), 8)
            self.assertEqual(self.fill(client, "127.0.2.5", 8), 1)

    @each_backend(workers=(1, 2))
    def test_allow(self, how):
        """Only who is allowed is served, and who is not is told of"""
        with self.serving(how, "--allow", "127.0.0.0/24",
                          "--allow", "127.0.5.5") as (daemon, client):
            self.assertTrue(answers(client("127.0.0.9")))
            self.assertTrue(answers(client("127.0.5.5")))
            for _ in range(5):
                self.assertFalse(answers(client("127.0.5.6")))
            daemon.wait_for_line(
                r"^reset 127\.0\.5\.6:\d+, which is not one that "
                "--allow has")
            counters = daemon.counters()
            self.assertEqual(counters["forbidden"], 5)
            self.assertEqual(counters["open"], 2)
            self.assertEqual(counters["accepted"], 7)

    @each_backend()
    def test_ipv6(self, how):
        """A /64 of IPv6 is one source"""
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(Daemon(
                **how, listen=("[::]:0",), args=[
                    "--source-exempt", "none",
                    "--max-connections-per-source", "2"]))
            address = ("::1", daemon.address[1])
            for expected in (True, True, False):
                client = stack.enter_context(
                    connect(daemon, "::1", address))
                self.assertEqual(answers(client), expected)
            daemon.wait_for_line(r"throttling ::/64: it has reached ")

    @each_backend(workers=(1, 2))
    def test_handed_over(self, how):
        """After a hand-over the connections of each source count as before"""
        with self.serving(how, "--max-connections-per-source", "3") as \
                (daemon, client):
            kept = [client("127.0.0.2") for _ in range(3)]
            other = client("127.0.0.3")
            self.assertTrue(all(map(answers, [*kept, other])))
            for _ in range(3):
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line("^going on with 4 connections", since)
                daemon.wait_for_line("^listening on ", since)
                self.assertTrue(all(map(answers, [*kept, other])))
                self.assertFalse(answers(client("127.0.0.2")))
                kept.pop().close()
                wait_until(lambda: daemon.counters()["open"] == 3, "an end")
                kept.append(client("127.0.0.2"))
                self.assertTrue(answers(kept[-1]))

    @each_backend()
    def test_told(self, how):
        """The log says when throttling ends, and how many were refused, at
        the latest at the end"""
        with self.serving(how, "--max-connections-per-source", "1") as \
                (daemon, client):
            self.assertTrue(answers(client("127.0.0.2")))
            for _ in range(7):
                self.assertFalse(answers(client("127.0.0.2")))
            daemon.wait_for_line(
                r"^no longer throttling 127\.0\.0\.2: 7 connections were "
                r"refused in \d+ s, for max-connections-per-source$")
            self.assertFalse(answers(client("127.0.0.2")))
        told = [line for line in daemon.lines if "throttling" in line]
        self.assertEqual(len(told), 4, told)
        self.assertTrue(re.match("no longer .*: 1 connection", told[3]), told)

    @each_backend(workers=(1, 2))
    def test_flood(self, how):
        """Whoever floods, others are served"""
        with self.serving(how, "--max-connections", "40") as \
                (daemon, client):
            for _ in range(30):
                for _ in range(10):
                    client("127.0.0.66")
                with connect(daemon, "127.0.0.7") as good:
                    self.assertTrue(answers(good))
            counters = daemon.counters()
            self.assertEqual(counters["full"], 0)
            self.assertEqual(counters["source-limit"], 300 - 10)


if __name__ == "__main__":
    tap.main()
