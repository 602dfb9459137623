#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Every answer is exact when each call moves 1 to 7 bytes, or fails for now.

The daemon runs under a library that shortens its calls; the seeds are part of
the names of the tests.
"""

import os
import random
import socket

import tap
from client import ALPHABET, ask, converse_all, flood, mixed_text, receive
from daemon import SANITIZED, SHIM, Case, Daemon, each_backend, with_shim
from stream import receive_all, upper

# Some that stay, and one that nobody has tried.
SEEDS = (1, 2, int.from_bytes(os.urandom(4), "big"))

# Bytes of text for one conversation; each takes about one system call.
SIZE = 8_000 if SANITIZED else 32_000


def short_io(how, seed, args=()):
    """A daemon whose calls on sockets are short."""
    return Daemon(**how, args=args, preload=SHIM,
                  env={"SHORT_IO_SEED": str(seed)})


@with_shim
class PartialTest(Case):
    def assert_same(self, answer, expected):
        """Says where two long texts differ."""
        if answer == expected:
            return
        pairs = enumerate(zip(answer, expected))
        end = min(len(answer), len(expected))
        at = next((i for i, (a, b) in pairs if a != b), end)
        self.fail(f"{len(answer)} of {len(expected)} bytes, the first wrong "
                  f"one at {at}: {answer[at:at + 20]!r}, "
                  f"not {expected[at:at + 20]!r}")

    @each_backend(workers=(1, 2), seed=SEEDS)
    def test_texts(self, how, seed):
        """Texts on several connections at once are answered exactly"""
        texts = [mixed_text(SIZE, seed + i) for i in range(4)]
        with short_io(how, seed) as daemon:
            clients = [daemon.connect() for _ in texts]
            answers = converse_all(zip(clients, texts))
            for client in clients:
                client.close()
            for text, answer in zip(texts, answers):
                self.assert_same(answer, upper(text))

    @each_backend(seed=SEEDS)
    def test_expansion(self, how, seed):
        """Characters that grow to three times their length are answered
        exactly"""
        text = "ΐΰ".encode() * (SIZE // 8)
        with short_io(how, seed) as daemon:
            self.assert_same(ask(daemon, text), upper(text))

    @each_backend(workers=(1, 2), seed=SEEDS[-1:])
    def test_invalid_bytes(self, how, seed):
        """Bytes that are not UTF-8 are answered exactly, however they are
        cut"""
        choose = random.Random(seed)
        # None of these can combine to a cased character.
        bad = [b"\xff", b"\xc0", b"\xed\xa0\x80", b"\xf0\x9f\x8c", b"\xe2"]
        good = [character.encode() for character in ALPHABET]
        # An end in mid-character is not UTF-8 either.
        text = b"".join(choose.choices(bad + good, k=SIZE // 3)) + bad[-2]
        with short_io(how, seed) as daemon:
            self.assert_same(ask(daemon, text), upper(text))

    @each_backend(seed=SEEDS)
    def test_interactive(self, how, seed):
        """Lines are answered as they come"""
        lines = [mixed_text(n, seed + n) + b"\n" for n in range(2, 60)]
        with short_io(how, seed) as daemon, daemon.connect() as client:
            for line in lines:
                client.sendall(line)
                answer = receive(client, len(upper(line)))
                self.assert_same(answer, upper(line))

    @each_backend(workers=(1, 2), seed=SEEDS[-1:])
    def test_pending(self, how, seed):
        """An answer that waits for its reader is exact, and whole after a
        half-close"""
        # More than the buffers of the kernel hold.
        text = mixed_text(600_000, seed)
        with short_io(how, seed) as daemon:
            with daemon.connect(receive_buffer=4096) as client:
                sent, = flood([client], text, most=len(text))
                client.shutdown(socket.SHUT_WR)
                answer = receive_all(client)
            self.assert_same(answer, upper(text[:sent]))

    @each_backend(seed=SEEDS)
    def test_refusal(self, how, seed):
        """All before the first bytes that are not UTF-8 is answered, though
        more follows"""
        good = mixed_text(SIZE // 2, seed)
        question = good + b"\xff" + b"more" * 1000
        with short_io(how, seed, ["--invalid", "close"]) as daemon:
            self.assert_same(ask(daemon, question), upper(good))


if __name__ == "__main__":
    tap.main()
