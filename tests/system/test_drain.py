#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Signals: a stop loses nothing that can be delivered, and has an end."""

import select
import signal
import socket
import sys
import threading
import time

import tap
from client import (ask, converse_all, flood, mixed_text, receive,
                    wait_for_error)
from daemon import LATE, Case, Daemon, each_backend, wait_until
from stream import receive_all, upper

LINE = "ein Stück\n".encode()


def exchange(client, line=LINE):
    """Sends a line and receives the answer to it."""
    client.sendall(line)
    answer = receive(client, len(upper(line)))
    assert answer == upper(line), answer


class DrainTest(Case):
    @each_backend(workers=(1, 2))
    def test_in_flight(self, how):
        """10 MB in flight at a stop arrive whole"""
        text = mixed_text(1_000_003, seed=1) * 10
        with Daemon(**how) as daemon, daemon.connect() as client:
            sender = threading.Thread(target=lambda: (
                client.sendall(text), client.shutdown(socket.SHUT_WR)))
            sender.start()
            answer = receive(client, 100_000)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line("^draining")
            answer += receive_all(client)
            sender.join()
            self.assertTrue(answer == upper(text))
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_quiet(self, how):
        """A stop serves on who still asks, and ends who is quiet for 1 s"""
        with Daemon(**how) as daemon, daemon.connect() as busy, \
                daemon.connect() as quiet:
            exchange(busy)
            # Half a character is no answer yet; it is due at the end.
            quiet.sendall(b"\xf0\x9f")
            exchange(busy)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line("^draining")
            start = time.monotonic()
            while not select.select([quiet], [], [], 0.2)[0]:
                exchange(busy)
            waited = time.monotonic() - start
            self.assertGreater(waited, 0.8)
            self.assertLess(waited, 1 + LATE)
            self.assertEqual(receive_all(quiet), b"\xf0\x9f")
            exchange(busy)
            self.assertEqual(receive_all(busy), b"")
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_deadline(self, how):
        """Who does not read is reset at the end of the drain"""
        with Daemon(**how, args=["--drain-timeout", "1s"]) as daemon, \
                daemon.connect() as client:
            flood([client], LINE * 10_000, pause=0.2)
            start = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(wait_for_error(client), "ECONNRESET")
            self.assertEqual(daemon.wait(), 0)
            waited = time.monotonic() - start
            self.assertGreater(waited, 0.9)
            self.assertLess(waited, 1 + LATE)
            daemon.wait_for_line(r"\bcut=1\b")

    def test_blocked_signal(self):
        """A stop works also when the signal was blocked at the start"""
        blocked = ("import os, signal, sys; "
                   "signal.pthread_sigmask(signal.SIG_BLOCK, "
                   "[signal.SIGTERM]); os.execv(sys.argv[1], sys.argv[1:])")
        wrapper = [sys.executable, "-c", blocked]
        with Daemon(wrapper=wrapper) as daemon:
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2), signal=("SIGTERM", "SIGINT"))
    def test_second_signal(self, how, **more):
        """A second signal ends a drain at once"""
        signo = signal.Signals[more["signal"]]
        with Daemon(**how, args=["--drain-timeout", "0"]) as daemon, \
                daemon.connect() as stalled, daemon.connect() as idle:
            flood([stalled], LINE * 10_000, pause=0.2)
            exchange(idle)
            daemon.send_signal(signo)
            daemon.wait_for_line("^draining")
            start = time.monotonic()
            daemon.send_signal(signo)
            self.assertEqual(daemon.wait(), 0)
            self.assertLess(time.monotonic() - start, LATE)
            self.assertEqual(wait_for_error(stalled), "ECONNRESET")
            self.assertEqual(wait_for_error(idle), "ECONNRESET")

    @each_backend(workers=(1, 2))
    def test_refused(self, how):
        """While it drains, new connections are refused"""
        with Daemon(**how, args=["--drain-timeout", "0"]) as daemon, \
                daemon.connect() as client:
            exchange(client)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line("^draining")
            with self.assertRaises(ConnectionRefusedError):
                daemon.connect()
            exchange(client)
            client.close()
            # There is nobody left to wait for.
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_queued(self, how):
        """Connections that wait in the queue at a stop are served"""
        with Daemon(**how) as daemon:
            daemon.send_signal(signal.SIGSTOP)
            # More than are accepted before the signal is looked at.
            clients = [daemon.connect() for _ in range(200)]
            for client in clients:
                self.addCleanup(client.close)
                client.sendall(LINE)
            daemon.send_signal(signal.SIGTERM)
            daemon.send_signal(signal.SIGCONT)
            answers = converse_all([(client, LINE) for client in clients])
            self.assertEqual(answers, [upper(LINE * 2)] * len(clients))
            self.assertEqual(daemon.wait(), 0)


class SignalTest(Case):
    @each_backend(workers=(1, 2))
    def test_counters(self, how):
        """SIGUSR1 logs counters that agree with what happened"""
        with Daemon(**how, args=["--invalid", "close"]) as daemon:
            zero = daemon.counters()
            self.assertEqual(set(zero.values()), {0})
            for _ in range(3):
                self.assertEqual(ask(daemon, LINE), upper(LINE))
            self.assertEqual(ask(daemon, b"ok\xff"), b"OK")
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
            with daemon.connect() as client:
                exchange(client)
                expected = {
                    **zero, "open": 1, "accepted": 5, "ended": 3,
                    "refused": 1, "received": 4 * len(LINE) + 3,
                    "sent": 4 * len(upper(LINE)) + 2}
                if how["workers"] > 1:
                    expected["most"] = 1
                wait_until(lambda: daemon.counters() == expected,
                           f"the counters are {expected}")

    @each_backend(workers=(1, 2))
    def test_workers(self, how):
        """SIGUSR1 logs a line for each worker: its connections and turns, and
        what it holds of answers that are not taken"""
        def figures():
            since = len(daemon.lines)
            daemon.send_signal(signal.SIGUSR1)
            found = []
            for number in range(1, how["workers"] + 1):
                line = daemon.wait_for_line(
                    rf"^worker={number} connections=(\d+) turns=(\d+) "
                    r"longest-turn-ms=\d+ blocks-used=(\d+) blocks=(\d+)$",
                    since)
                found.append([int(text) for text in line.groups()])
            return found

        def sums():
            return [sum(column) for column in zip(*figures())]
        with Daemon(**how) as daemon:
            self.assertEqual([(row[0], row[2]) for row in figures()],
                             [(0, 0)] * how["workers"])
            with daemon.connect() as first, daemon.connect() as second:
                before = figures()
                for client in (first, second):
                    for _ in range(100):
                        exchange(client)
                after = figures()
                self.assertEqual([row[0] for row in after],
                                 [2 // how["workers"]] * how["workers"])
                for old, new in zip(before, after):
                    self.assertGreaterEqual(new[1], old[1] + 100)
                first.setblocking(False)
                text = b"x" * 1_000_000
                # It does not read, so in the end the server holds something.
                def is_held():
                    try:
                        first.send(text)
                    except BlockingIOError:
                        pass
                    return sums()[2] > 0
                wait_until(is_held, "an answer is held")
                self.assertLessEqual(sums()[2], sums()[3])
            wait_until(lambda: sums()[::2] == [0, 0], "all is given back")

    @each_backend()
    def test_hangup(self, how):
        """SIGHUP without a file changes nothing, and ends nothing"""
        with Daemon(**how) as daemon, daemon.connect() as client:
            exchange(client)
            self.assertEqual(daemon.reload(), [
                "reloaded: there is no configuration file"])
            exchange(client)

    @each_backend(workers=(1, 2))
    def test_storm(self, how):
        """A storm of signals does not harm what is served meanwhile"""
        text = mixed_text(1_000_003, seed=2) * 4
        expected = upper(text)
        with Daemon(**how) as daemon:
            over = threading.Event()
            count = [0]
            def storm():
                while not over.wait(0.001):
                    daemon.send_signal(signal.SIGUSR1)
                    daemon.send_signal(signal.SIGHUP)
                    daemon.send_signal(signal.SIGPIPE)
                    count[0] += 1
            thread = threading.Thread(target=storm)
            thread.start()
            try:
                # However slowly the other thread gets its turn.
                for _ in range(1000):
                    self.assertTrue(ask(daemon, text) == expected)
                    if count[0] > 20:
                        break
            finally:
                over.set()
                thread.join()
            self.assertGreater(count[0], 20)
            self.assertEqual(ask(daemon, LINE), upper(LINE))


if __name__ == "__main__":
    tap.main()
