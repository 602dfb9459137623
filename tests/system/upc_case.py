# SPDX-License-Identifier: ISC
"""Runs of upc and what the tests expect of them."""

import contextlib
import os
import pty
import select
import subprocess
import time
import unittest

from scripted import BOUND

UPC = os.path.abspath(os.environ.get("UPC", "upc"))
GREETING = b"Each line is answered in upper case; Ctrl-D ends.\r\n"
PROMPT = b"Enter a string: "
TACO = "I am hungry for 🌮"


def environment(server=None):
    variables = {k: v for k, v in os.environ.items() if k != "UPC_SERVER"}
    if server is not None:
        variables["UPC_SERVER"] = server
    return variables


def upc(*arguments, server=None, text=None, extra=None, **more):
    """Runs upc to its end; the server's address goes by the environment."""
    variables = {**environment(server), **(extra or {})}
    if text is None:
        more.setdefault("stdin", subprocess.DEVNULL)
    else:
        more["input"] = text
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([UPC, *arguments], env=variables,
                          stderr=subprocess.PIPE, timeout=BOUND, **more)


@contextlib.contextmanager
def running(*arguments, server, **more):
    """A running upc, which is ended with the block."""
    client = subprocess.Popen([UPC, *arguments], env=environment(server),
                              **more)
    with client:
        try:
            yield client
        finally:
            if client.poll() is None:
                client.kill()


def with_memory(kib, *command):
    """The command with so much address space."""
    return ["sh", "-c", f'ulimit -v {kib} && exec "$0" "$@"', *command]


def least_memory(works):
    """The least address space, in KiB, with which works(kib) is true."""
    return next(kib for kib in range(2048, 1 << 20, 512) if works(kib))


class UpcCase(unittest.TestCase):
    def assert_answered(self, outcome, answer):
        self.assertEqual(outcome.stderr, b"")
        # Without the megabytes that a plain comparison would print.
        self.assertTrue(outcome.stdout == answer, outcome.stdout[:200])
        self.assertEqual(outcome.returncode, 0)

    def assert_failed(self, outcome, status, *parts):
        """One sentence with these parts, and the status."""
        sentence = outcome.stderr.decode()
        self.assertEqual(outcome.returncode, status, sentence)
        self.assertEqual(sentence.count("\n"), 1, sentence)
        self.assertTrue(sentence.startswith("upc: "), sentence)
        for part in parts:
            self.assertIn(part, sentence)


class Terminal:
    """A pseudo-terminal, and what was written on it."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.shown = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)
        os.close(self.slave)

    def type(self, keys):
        os.write(self.master, keys)

    def read(self, seconds):
        """Adds what comes to what is shown, or returns False."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True

    def wait_for(self, condition):
        deadline = time.monotonic() + BOUND
        while not condition(self.shown):
            if not self.read(max(0, deadline - time.monotonic())):
                raise AssertionError(f"the terminal shows {self.shown!r}")

    def wait_for_end(self, client):
        status = client.wait(BOUND)
        while self.read(0):
            pass
        return status
