# SPDX-License-Identifier: ISC
"""A hand-over between versions of the program, whose inventories differ."""

import contextlib
import os
import shutil
import signal

import inventory
import tap
from client import ask
from crowd import HALF, LINE, Crowd
from daemon import Case, each_backend, wait_until
from stream import upper
from test_handover import REFUSED, daemon_of, hand_over, installed, replace

@contextlib.contextmanager
def daemon_with_program(how, **more):
    """A daemon, the path of its program, and that of a copy."""
    with installed(how) as path:
        real = os.path.join(os.path.dirname(path), "real")
        shutil.copy2(path, real)
        with daemon_of(path, {**how, **more}) as daemon:
            yield daemon, path, real


class VersionTest(Case):
    def check_counters(self, daemon, crowd, before):
        """They go on, and none has ended but by its client."""
        now = daemon.counters()
        for name in ("accepted", "received", "sent"):
            self.assertGreaterEqual(now[name], before[name], name)
        self.assertEqual(now["accepted"], crowd.size)
        self.assertEqual(now["ended"] + now["open"], crowd.size)
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
                    self.assertEqual(hand_over(daemon), crowd.size)
                    self.check_counters(daemon, crowd, before)
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
