#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a message and a connection cost, and the options that change it."""

import collections
import contextlib
import os
import random
import resource
import subprocess
import tempfile
import time
import unittest

import tap
from client import converse_all, receive
from daemon import (BACKENDS, COUNTED, LATE, PATIENCE, SANITIZED, Case, Daemon,
                    each_backend, linux_only, needs, wait_until)
from injection import calls_in, with_strace, wrapper
from stream import upper

PING = "ping größe".encode()

# Messages whose cost is counted, and the bytes of each.
N, SIZE = 200, 64
MESSAGE = (b"The quick brown fox jumps over the lazy dog, and rests. " * 2)[:SIZE]

# The call that waits, for each back end.
WAITS = {"epoll": "epoll_wait", "poll": "poll"}

# The last call of a process.
EXIT = "exit_group(0)"


def exchange(client, text=PING):
    client.sendall(text)
    assert receive(client, len(upper(text))) == upper(text)


@linux_only
@unittest.skipIf(SANITIZED, "sanitizers make calls of their own")
class CostTest(Case):
    @with_strace
    @unittest.skipIf(COUNTED, "a program that counts its lines makes calls")
    @each_backend(workers=(1, 2))
    def test_calls(self, how):
        """A message costs one wait, one recv and one send, and nothing
        else"""
        if how["backend"] not in WAITS:
            self.skipTest("the stand-in makes calls of its own")
        few, many = self.count_calls(how, 10), self.count_calls(how, 10 + N)
        # How threads wake each other at the start and the end may differ.
        more = {name: many[name] - few[name] for name in many
                if abs(many[name] - few[name]) > 5}
        # The end of the client and the signal may come in one.
        waits = more.pop(WAITS[how["backend"]])
        self.assertAlmostEqual(waits, N, delta=5)
        self.assertEqual(more, {"recvfrom": N, "sendto": N})

    def count_calls(self, how, n):
        """What the daemon calls how often to serve a client who sends so many
        messages, each after the answer to the last."""
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "calls")
            with Daemon(**how, wrapper=wrapper(path)) as daemon:
                with daemon.connect() as client:
                    for _ in range(n):
                        exchange(client, MESSAGE)
            wait_until(lambda: EXIT in open(path).read(), "all is traced")
            return collections.Counter(name for _, name, _ in calls_in(path))

    # A cache line, and some more.  For poll(2) we keep what other kernels do:
    # a record of 8 bytes and the address of the owner, in arrays that double.
    IDLE_MOST = 80 if BACKENDS[0] != "poll" else 80 + 2 * 16

    def test_idle_memory(self):
        """19,000 idle connections cost about a cache line of ours each"""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if limit < 20_000:
            self.skipTest(f"needs 20,000 descriptors, not {limit}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, limit))
        first, last = 1000, 19_000
        with Daemon() as daemon, contextlib.ExitStack() as stack:
            def connect(n):
                clients.append(stack.enter_context(daemon.connect()))
                if n % 500 == 0:
                    exchange(clients[-1])
            clients = []
            for n in range(first):
                connect(n)
            # The scratch buffers have been used.
            exchange(clients[0], b"x" * 100_000)
            before = daemon.rss()
            for n in range(first, last):
                connect(n)
            wait_until(lambda: daemon.counters()["open"] == last, "all came")
            idle = (daemon.rss() - before) / (last - first)
            for client in clients:
                client.sendall(PING)
            for client in clients:
                self.assertEqual(receive(client, len(upper(PING))),
                                 upper(PING))
            served = (daemon.rss() - before) / (last - first)
            print(f"# {idle:.1f} bytes each when idle, {served:.1f} when "
                  "each was served")
            self.assertLessEqual(idle, self.IDLE_MOST)
            self.assertLessEqual(served, self.IDLE_MOST)


class LeastTest(Case):
    @each_backend(workers=(2, 5))
    def test_least(self, how):
        """A new connection goes to the worker that has the fewest"""
        choose = random.Random(how["workers"])
        with Daemon(**how) as daemon, contextlib.ExitStack() as stack:
            clients = []
            for _ in range(5):
                def loads():
                    counters = daemon.counters()
                    return [counters[name]
                            for name in ("open", "least", "most")]

                # Ends may leave one with more: so many even that out.
                while loads()[1:] != [len(clients) // how["workers"]] * 2:
                    clients.append(stack.enter_context(daemon.connect()))
                    exchange(clients[-1])
                    self.assertLessEqual(loads()[0], 200)
                choose.shuffle(clients)
                for _ in range(choose.randrange(len(clients) + 1)):
                    clients.pop().close()
                wait_until(lambda: loads()[0] == len(clients), "they went")
                for client in clients:
                    exchange(client)


class BusyPollTest(Case):
    @each_backend(workers=(1, 2))
    def test_answers(self, how):
        """With --busy-poll many clients are answered, and a stop is heard"""
        text = PING * 5000
        with Daemon(**how, args=["--busy-poll", "200us"]) as daemon, \
                contextlib.ExitStack() as stack:
            clients = [stack.enter_context(daemon.connect())
                       for _ in range(20)]
            for client in clients:
                exchange(client)
            answers = converse_all([(client, text) for client in clients])
            self.assertTrue(all(answer == upper(text) for answer in answers))

    @linux_only
    @each_backend(workers=(1, 2))
    def test_sleeps(self, how):
        """With --busy-poll a worker without traffic sleeps"""
        with Daemon(**how, args=["--busy-poll", "10ms"]) as daemon, \
                daemon.connect() as client:
            for _ in range(100):
                exchange(client)
            used = daemon.cpu_time()
            daemon.watch(1)
            self.assertLess(daemon.cpu_time() - used, 0.1)

    @linux_only
    @each_backend()
    def test_deadline(self, how):
        """With --busy-poll deadlines are kept"""
        args = ["--busy-poll", "10ms", "--idle-timeout", "1s"]
        with Daemon(**how, args=args) as daemon, daemon.connect() as client:
            exchange(client)
            start = time.monotonic()
            self.assertEqual(client.recv(1), b"")
            self.assertGreater(time.monotonic() - start, 0.9)
            self.assertLess(time.monotonic() - start, 1 + LATE)


@linux_only
class CongestionTest(Case):
    @needs("ss")
    @each_backend(workers=(1, 2))
    def test_accepted(self, how):
        """Accepted connections have the congestion control that was named"""
        with Daemon(**how, args=["--congestion", "reno"]) as daemon, \
                daemon.connect() as client:
            exchange(client)
            output = subprocess.run(
                ["ss", "-tinH", f"sport = :{daemon.port}"], text=True,
                stdout=subprocess.PIPE, check=True, timeout=PATIENCE).stdout
            self.assertRegex(output, r"\breno\b")

    def refuse(self, name, status, *words, wrapper=()):
        daemon = Daemon(args=["--congestion", name], wrapper=wrapper)
        done = subprocess.run(daemon.command, stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, status, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_unknown(self):
        """One that the system lacks is refused, and where to look is said"""
        self.refuse("nonesuch", 69, "'nonesuch'", "--congestion",
                    "tcp_available_congestion_control")


if __name__ == "__main__":
    tap.main()
