# SPDX-License-Identifier: ISC
"""upcbench with servers that want to keep it, or to fill its memory."""

import os
import subprocess
import time
import unittest

import tap
from daemon import LONG, SANITIZED, Daemon, linux_only
from scripted import BOUND, Server
from stream import receive_all
from upc_case import least_memory, with_memory
from upcbench_case import UPCBENCH, BenchCase, address_of

# No pause of a server is as long as the one, each answer longer than the other.
NEVER_SILENT = ("--timeout", "1m", "--answer-timeout", "1s")
MESSAGE = 10000
MB = 10 ** 6


class Trickle(BenchCase):
    """Servers whose answers come, and come to no end."""

    def assert_given_up(self, *arguments, before=b""):
        def serve(peer):
            peer.recv(1)
            peer.sendall(before)
            while not server.ended.wait(0.02):
                # The first byte of the answer again and again.
                peer.sendall(b"A")

        with Server(serve) as server, \
                open(self.text, "rb") as text:
            self.assertEqual(set(text.read()), {ord("a")})
            started = time.monotonic()
            sentence = self.bad("timeout", *NEVER_SILENT, "--text", self.text,
                                *arguments, server.address)
            self.assertGreaterEqual(time.monotonic() - started, 1)
        self.assertIn("the answer does not come at byte ", sentence)
        self.assertIn("received no whole answer for 1 seconds", sentence)
        self.assertGreater(int(sentence.split("at byte ")[1].split(":")[0]),
                           0)

    def setUp(self):
        super().setUp()
        self.text = os.path.join(os.environ["builddir"],
                                 f"hostile-{os.getpid()}.txt")
        with open(self.text, "wb") as text:
            text.write(b"a" * MESSAGE)
        self.addCleanup(os.remove, self.text)

    def test_a_count_that_is_never_reached_ends(self):
        for mode in ("ping-pong", "stream", "churn", "mixed"):
            with self.subTest(mode):
                self.assert_given_up("--mode", mode, "--count", 5)

    def test_a_proof_of_life_that_never_ends_is_given_up(self):
        self.assert_given_up("--mode", "idle", "--time", "1ms")

    def test_several_under_way_are_given_up(self):
        self.assert_given_up("--count", 100, "--depth", 16)

    def test_answers_before_it_do_not_put_it_off_for_ever(self):
        self.assert_given_up("--count", 100, "--depth", 16,
                             before=b"A" * MESSAGE)

    @unittest.skipUnless(LONG, "takes over 30 s")
    def test_an_answer_in_time_puts_the_next_one_off(self):
        with Daemon() as daemon:
            report = self.good("--time", "32s", "--depth", 4,
                               "--answer-timeout", "30s", address_of(daemon))
        self.assertGreater(report["messages"], 0)


@linux_only
@unittest.skipIf(SANITIZED, "memory is not what it is under sanitizers")
class Memory(BenchCase):
    """What a server sends costs no memory, however much it is."""

    @staticmethod
    def run_with(kib, address, *arguments):
        """How upcbench ended that had so much memory, and what it said."""
        done = subprocess.run(
            with_memory(kib, UPCBENCH, *map(str, arguments), address),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, timeout=BOUND)
        return done.returncode, done.stderr

    def test_a_gigabyte_of_answers_takes_what_a_megabyte_takes(self):
        with Daemon() as daemon:
            def run(kib, count):
                return self.run_with(kib, address_of(daemon), "--mode",
                                     "stream", "--count", count)

            least = least_memory(lambda kib: run(kib, MB) == (0, ""))
            self.assertEqual(run(least, 1000 * MB), (0, ""))

    def assert_thrown_away(self, words, *arguments, first):
        """A gigabyte takes no more than its first byte, which is wrong."""
        def serve(peer):
            if first == b"\0":
                peer.recv(1)
            for _ in range(length):
                peer.sendall(first * MB)
            receive_all(peer)

        def run(kib):
            with Server(serve) as server:
                return self.run_with(kib, server.address, *arguments)

        length = 1
        least = least_memory(lambda kib: run(kib)[0] == 1)
        length = 1000
        status, said = run(least)
        self.assertEqual(status, 1)
        self.assertIn(words, said)

    def test_a_gigabyte_that_nobody_asked_for_is_not_kept(self):
        self.assert_thrown_away("there is more than the answer at byte 0",
                                "--mode", "idle", first=b"A")

    def test_a_gigabyte_in_place_of_an_answer_is_not_kept(self):
        self.assert_thrown_away("the answer is wrong at byte 0", first=b"\0")


if __name__ == "__main__":
    tap.main()
