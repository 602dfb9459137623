#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The line that --log-connections writes at the end of each connection."""

import re
import signal
import socket
import time

import tap
from client import ask, flood, mixed_text, receive
from daemon import SANITIZED, Case, Daemon, each_backend, wait_until
from stream import reset, upper

LINE = "ein Stück\n".encode()
ENDED = (r"connection peer={} listener={} received=(\d+) sent=(\d+) "
         r"seconds=(\d+\.\d\d\d) reason=(\w+)$")


def spell(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class LogConnectionsTest(Case):
    def started(self, how, *args):
        return Daemon(**how, args=["--log-connections", *args])

    def end_of(self, daemon, client, end):
        """What the line says once the client has come to its end."""
        peer, listener = client.getsockname(), client.getpeername()
        end(client)
        found = daemon.wait_for_line(ENDED.format(
            re.escape(spell(peer)), re.escape(spell(listener))))
        return int(found[1]), int(found[2]), float(found[3]), found[4]

    @each_backend(workers=(1, 2))
    def test_ended(self, how):
        """A client that ends has a line with its bytes and its time"""
        with self.started(how) as daemon, daemon.connect() as client:
            client.sendall(LINE)
            self.assertEqual(receive(client, len(LINE)), upper(LINE))
            received, sent, seconds, reason = self.end_of(
                daemon, client, lambda client: client.close())
            self.assertEqual((received, sent, reason),
                             (len(LINE), len(LINE), "ended"))
            self.assertGreaterEqual(seconds, 0)

    @each_backend(workers=(1, 2))
    def test_large(self, how):
        """The bytes are those of the counters, also when answers wait"""
        text = mixed_text(1 << 18, seed=3) * (2 if SANITIZED else 8)
        with self.started(how) as daemon:
            for small in (4096, None):
                ask(daemon, text, receive_buffer=small)
            lines = wait_until(lambda: len(found := re.findall(
                r"received=(\d+) sent=(\d+) seconds=\S+ reason=ended",
                "\n".join(daemon.lines))) == 2 and found, "both have ended")
            self.assertEqual(lines, [(str(len(text)), str(len(upper(text))))]
                             * 2)
            counters = daemon.counters()
            self.assertEqual(counters["received"], 2 * len(text))
            self.assertEqual(counters["sent"], 2 * len(upper(text)))

    @each_backend(workers=(1, 2))
    def test_reasons(self, how):
        """Each reason has its word"""
        with self.started(how, "--invalid", "close", "--idle-timeout",
                          "200ms", "--stall-timeout", "300ms") as daemon:
            with daemon.connect() as client:
                self.assertEqual(self.end_of(
                    daemon, client, lambda client: client.recv(1))[3],
                    "idle")
            with daemon.connect() as client:
                client.sendall(b"a\xff")
                self.assertEqual(receive(client, 1), b"A")
                received, sent, _, reason = self.end_of(
                    daemon, client, lambda client: client.close())
                self.assertEqual((received, sent, reason), (2, 1, "refused"))
            with daemon.connect() as client:
                client.sendall(LINE)
                self.assertEqual(receive(client, len(LINE)), upper(LINE))
                self.assertEqual(self.end_of(daemon, client, reset)[3],
                                 "failed")
            with daemon.connect(receive_buffer=4096) as client:
                self.assertEqual(self.end_of(
                    daemon, client, lambda client: flood(
                        [client], LINE * 1000))[3], "stalled")

    @each_backend(workers=(1, 2))
    def test_drain(self, how):
        """So have those of a drain"""
        with self.started(how, "--drain-timeout", "0") as daemon, \
                daemon.connect() as quiet, \
                daemon.connect(receive_buffer=4096) as busy:
            quiet.sendall(LINE)
            self.assertEqual(receive(quiet, len(LINE)), upper(LINE))
            flood([busy], LINE * 1000)
            self.assertEqual(self.end_of(
                daemon, quiet,
                lambda client: daemon.send_signal(signal.SIGTERM))[3],
                "quiet")
            self.assertEqual(self.end_of(
                daemon, busy,
                lambda client: daemon.send_signal(signal.SIGTERM))[3], "cut")
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_handover(self, how):
        """Bytes and time go on across a hand-over"""
        with self.started(how) as daemon, daemon.connect() as client:
            began = time.monotonic()
            rounds = 0
            while rounds < 3 or time.monotonic() - began < 0.2:
                rounds += 1
                client.sendall(LINE)
                self.assertEqual(receive(client, len(LINE)), upper(LINE))
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line("^listening on ", since)
            # Before that it was accepted, and only after this it ends; both
            # clocks may be late by as much as they tick.
            least = time.monotonic() - began - 0.01
            received, sent, seconds, reason = self.end_of(
                daemon, client, lambda client: client.close())
            self.assertEqual((received, sent, reason),
                             (rounds * len(LINE), rounds * len(LINE), "ended"))
            self.assertGreaterEqual(seconds, least)

    @each_backend(workers=(1, 2))
    def test_reset(self, how):
        """Who resets the connection at once is known all the same"""
        with self.started(how) as daemon:
            for _ in range(50):
                with daemon.connect() as client:
                    reset(client)
            ends = wait_until(lambda: len(found := re.findall(
                r"connection peer=(\S+) ", "\n".join(daemon.lines))) == 50
                and found, "all have ended")
            self.assertFalse([peer for peer in ends
                              if not peer.startswith("127.0.0.1:")])

    @each_backend(workers=(1, 2))
    def test_limit(self, how):
        """What is too much for the log is told of, and all adds up"""
        with self.started(how) as daemon:
            def come():
                for _ in range(300):
                    with daemon.connect():
                        pass
            def total():
                text = "\n".join(daemon.lines)
                return text.count("connection peer=") + sum(
                    int(n) for n in re.findall("left-out=(\\d+)", text))
            n = 0
            while "connections left-out=" not in "\n".join(daemon.lines):
                self.assertLess(n, 1_000_000)
                for _ in range(10):
                    come()
                n += 3000
            # The log itself leaves out what its reader is too slow for.
            wait_until(lambda: total() == n or
                       daemon.counters()["log-dropped"] > 0,
                       "all are accounted for")
            self.assertLessEqual(total(), n)

    def test_ipv6(self):
        """An IPv6 address stands in brackets"""
        if not socket.has_ipv6:
            self.skipTest("there is no IPv6")
        with Daemon(args=["--log-connections"],
                    listen=["[::1]:0"]) as daemon, \
                daemon.connect() as client:
            self.assertEqual(self.end_of(
                daemon, client, lambda client: client.close())[3], "ended")

    def test_no_line(self):
        """Without the option there is no such line, and less memory"""
        limits = []
        for args in ((), ("--log-connections",)):
            with Daemon(args=["--max-connections", "1000", *args]) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                wait_until(lambda: daemon.counters()["ended"] == 1, "it ends")
                lines = [line for line in daemon.lines if "peer=" in line]
                self.assertEqual(len(lines), len(args))
                limits.append(int(re.search(
                    r"buffers: at most (\d+) KiB", "\n".join(daemon.lines))[1]))
        # 56 bytes for each.
        self.assertAlmostEqual(limits[1] - limits[0], 56000 / 1024, delta=1)


if __name__ == "__main__":
    tap.main()
