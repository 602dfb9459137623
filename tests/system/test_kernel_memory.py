#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The memory of the kernel that clients can take has a bound, and the size of
its buffers is chosen by options."""

import contextlib
import resource
import socket
import subprocess
import time
import unittest

import tap
from client import ask, converse_all, flood, mixed_text
from daemon import (PATIENCE, SANITIZED, SHIM, SLOWNESS, UPCASED, Case, Daemon,
                    each_backend, linux_only, needs, wait_until, with_shim)
from kernel_memory import held
from stream import upper

PING = "ping größe".encode()
MIB = 1 << 20

# Clients that never read, and the most that the kernel may hold for all.
CROWD = 1000
CROWD_MOST = 256 * MIB


def never_readers(daemon, n, stack):
    """Clients with small windows that send as much as is taken; half of them
    half-close after that."""
    clients = [stack.enter_context(daemon.connect(receive_buffer=4096))
               for _ in range(n)]
    flood(clients, b"x" * (1 << 16), pause=0.3)
    for client in clients[::2]:
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
    return clients


@linux_only
@needs("ss")
class CrowdTest(Case):
    def setUp(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 2 * CROWD:
            self.skipTest(f"needs {2 * CROWD} descriptors, not {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    @unittest.skipIf(SANITIZED, "takes what is there of the machine")
    @each_backend()
    def test_crowd(self, how):
        """1,000 clients that never read, half of them half-closed, make the
        kernel hold 256 MiB at most, and nothing after the stall timeout"""
        stall = 10 * SLOWNESS
        with Daemon(**how, args=["--stall-timeout", f"{stall}s"]) as daemon, \
                contextlib.ExitStack() as stack:
            start = time.monotonic()
            never_readers(daemon, CROWD, stack)
            sockets = held(daemon.port)
            took = time.monotonic() - start
            # On a busy machine some may have been reset before.
            if took < stall:
                self.assertEqual(len(sockets), CROWD)
                self.assertEqual(daemon.counters()["open"], CROWD)
            taken = sum(n for _, n in sockets)
            self.assertGreater(taken, 0)
            self.assertLess(taken, CROWD_MOST)
            self.assertEqual(ask(daemon, PING), upper(PING))
            wait_until(lambda: not held(daemon.port), "nothing is held",
                       PATIENCE + 2 * stall)
            print(f"# {taken / MIB:.0f} MiB after {took:.1f} s, gone after "
                  f"{time.monotonic() - start:.1f} s")
            self.assertEqual(daemon.counters()["stalled"], CROWD)

    @each_backend(workers=(1, 2))
    def test_small(self, how):
        """Smaller buffers make it hold less for each client"""
        n = 100
        with contextlib.ExitStack() as stack:
            usual, small = (
                stack.enter_context(Daemon(**how, args=args))
                for args in ((), ("--send-buffer", "16K",
                                  "--receive-buffer", "16K")))
            totals = []
            for daemon in usual, small:
                never_readers(daemon, n, stack)
                totals.append(sorted(size for _, size in held(daemon.port)))
            # Those that have large buffers in both are left out.
            usual, small = (sum(sizes[:n - 8]) for sizes in totals)
            print(f"# {usual >> 10} KiB and {small >> 10} KiB")
            self.assertLess(small * 1.5, usual)


class SizesTest(Case):
    @each_backend(workers=(1, 2), size=("16K", "20000", "64M"))
    def test_answers(self, how, size):
        """Texts of many lengths are answered whole with buffers of any
        size"""
        args = ["--send-buffer", size, "--receive-buffer", size]
        texts = [mixed_text(n, seed=n) for n in
                 (1, 16_383, 16_384, 16_385, 100_000, *[1_000_000] * 12)]
        with Daemon(**how, args=args) as daemon, \
                contextlib.ExitStack() as stack:
            clients = [stack.enter_context(daemon.connect()) for _ in texts]
            answers = converse_all(list(zip(clients, texts)))
            self.assertTrue(answers == [upper(text) for text in texts])

    @linux_only
    def test_cut(self):
        """What the system does not give of a buffer is told at the start"""
        with open("/proc/sys/net/core/wmem_max") as file:
            most = int(file.read())
        if most >= 64 * MIB:
            self.skipTest("this system gives the most that can be asked for")
        with Daemon(args=["--send-buffer", "64M"]) as daemon:
            daemon.wait_for_line(
                rf"^warning: send-buffer: the system gives {most} bytes, "
                rf"not {64 * MIB}; raise its bound \(net\.core\.wmem_max\)")
        checked = subprocess.run(
            [UPCASED, "--config", "none", "--check", "--send-buffer", "64M"],
            stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
        self.assertIn(f"# Of the send-buffer of {64 * MIB} bytes the system "
                      f"here gives {most}.\n", checked.stdout)
        with Daemon(args=["--send-buffer", str(most)]) as daemon:
            self.assertEqual(ask(daemon, PING), upper(PING))
            self.assertFalse([line for line in daemon.lines
                              if "the system gives" in line])


@with_shim
class PressureTest(Case):
    """When TCP is short of memory, the kernel takes less than it says is free,
    or nothing, and says so again."""

    @linux_only
    @each_backend(workers=(1, 2))
    def test_answered(self, how):
        """Clients are answered beside some that never read while the kernel
        takes a few bytes or none, and gives the smallest buffers"""
        args = ["--send-buffer", "16K", "--receive-buffer", "16K"]
        texts = [mixed_text(4000, seed=n) for n in range(20)]
        with Daemon(**how, args=args, preload=SHIM,
                    env={"SHORT_IO_SEED": "15"}) as daemon, \
                contextlib.ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(
                    daemon.connect(receive_buffer=1))
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    client.sendall(PING * 2000)
            clients = [stack.enter_context(daemon.connect()) for _ in texts]
            answers = converse_all(list(zip(clients, texts)))
            self.assertTrue(answers == [upper(text) for text in texts])


if __name__ == "__main__":
    tap.main()
