#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clocks that jump, and a process that is stopped for a while, do not change
how long clients are waited for."""

import os
import select
import signal
import subprocess
import tempfile
import time
import unittest

import tap
from client import mixed_text, receive
from daemon import (LATE, LONG, PATIENCE, SANITIZED, Case, Daemon,
                    each_backend, linux_only, wait_until)
from faketime import FAKETIME
from stream import receive_all, upper

PING = "ping größe".encode()

WORKERS = (1, 2) if LONG else (2,)


def in_clock_ahead(seconds):
    """What to put before a command that is to run that long after the boot."""
    return ["unshare", "--time", "--monotonic", str(seconds), "--"]


def has_time_namespace():
    """Whether a program gets a clock of its own: Linux 6.2 and later."""
    own = "/proc/self/ns/time"
    try:
        given = subprocess.run(
            [*in_clock_ahead(1), "readlink", own], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, timeout=PATIENCE).stdout
        return given.strip() not in ("", os.readlink(own))
    except OSError:
        return False


def exchange(client):
    """Sends a text and receives the answer to it."""
    client.sendall(PING)
    assert receive(client, len(upper(PING))) == upper(PING)


class ClockCase(Case):
    def check_idle(self, daemon, jump=lambda: None):
        """An idle client is ended after 1 s, neither earlier nor later,
        whatever the clock does meanwhile; a busy one is not."""
        with daemon.connect() as idle, daemon.connect() as busy:
            exchange(busy)
            exchange(idle)
            start = time.monotonic()
            while not select.select([idle], [], [], 0.1)[0]:
                self.assertLess(time.monotonic() - start, 1 + LATE)
                jump()
                exchange(busy)
            self.assertGreater(time.monotonic() - start, 0.9)
            self.assertEqual(receive_all(idle), b"")
            exchange(busy)


@linux_only
class JumpTest(ClockCase):
    @unittest.skipUnless(FAKETIME, "needs faketime")
    @unittest.skipIf(SANITIZED, "sanitizers read clocks before faketime")
    @each_backend(workers=WORKERS)
    def test_wall_clock(self, how):
        """Jumps of the wall clock by days, back and forth, change nothing"""
        with tempfile.NamedTemporaryFile("w") as clock:
            os.chmod(clock.name, 0o644)
            shifts = ["+3d", "-3d", "+4000d", "+0"]
            def jump():
                clock.seek(0)
                clock.truncate()
                clock.write(shifts[0] + "\n")
                clock.flush()
                shifts.append(shifts.pop(0))
            jump()
            with Daemon(**how, preload=FAKETIME,
                        args=["--idle-timeout", "1s"], env={
                            "FAKETIME_TIMESTAMP_FILE": clock.name,
                            "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}) as daemon:
                self.check_idle(daemon, jump)


@linux_only
@unittest.skipUnless(has_time_namespace(), "needs a time namespace")
class MonotonicTest(ClockCase):
    # What narrow counters of milliseconds hold, and decades of uptime.
    TURNS = (2 ** 31, 2 ** 32, 10 ** 12)

    @each_backend(workers=WORKERS, turn=TURNS if LONG else TURNS[1:2])
    def test_uptime(self, how, turn):
        """A machine that has been up for very long is like any other"""
        # The turn comes in the middle of what follows.
        ahead = turn // 1000 - 1 - int(time.monotonic())
        with Daemon(**how, args=["--idle-timeout", "1s"],
                    wrapper=in_clock_ahead(ahead)) as daemon:
            self.check_idle(daemon)


class StoppedTest(Case):
    @each_backend(workers=WORKERS)
    def test_stopped(self, how):
        """Who has sent in time is answered, though the daemon was stopped
        for longer than all its timeouts, as in a suspended machine"""
        text = mixed_text(300_000, seed=3)
        # The kernel's own timeout is a second longer.
        args = ["--idle-timeout", "2s", "--stall-timeout", "2s"]
        with Daemon(**how, args=args) as daemon, daemon.connect() as asking, \
                daemon.connect(receive_buffer=4096) as reading:
            exchange(asking)
            reading.sendall(text)
            wait_until(lambda: daemon.counters()["sent"] > 60_000,
                       "its answer is on its way")
            answer = receive(reading, 1000)
            daemon.send_signal(signal.SIGSTOP)
            asking.sendall(PING)
            # All that the kernel holds is read, so that it has room for more.
            end = time.monotonic() + 2.5
            while (left := end - time.monotonic()) > 0:
                if select.select([reading], [], [], left)[0]:
                    answer += reading.recv(65536)
            daemon.send_signal(signal.SIGCONT)
            self.assertEqual(receive(asking, len(upper(PING))), upper(PING))
            answer += receive(reading, len(upper(text)) - len(answer))
            self.assertTrue(answer == upper(text))


if __name__ == "__main__":
    tap.main()
