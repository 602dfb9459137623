# SPDX-License-Identifier: ISC
"""The comparison of README runs, and README names what it compares."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [TESTS, os.path.join(TESTS, "system")]

import alternatives
import peers
import process
import tap

BUILD = os.environ["builddir"]

# Seconds in which an answer comes also on a busy machine, and those after which
# one that cannot come is given up.
PATIENCE = 60
IMPATIENCE = 0.5

LETTERS = f"{len(alternatives.letters()):,}"


def row(text, title):
    """The cells of a row of a table; None without that row."""
    found = re.search(rf"^ *{re.escape(title)}  +(\S.*)$", text, re.M)
    return re.split(r"  +", found[1]) if found else None


class Servers(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.others = alternatives.started(folder, stack)
        self.lecture = self.others[alternatives.LECTURE]
        self.upcased = stack.enter_context(
            process.Server(peers.upcased(BUILD), folder))

    def test_silent(self):
        """one that serves one client at a time is told from one for all"""
        is_blocked = alternatives.is_blocked
        self.assertEqual(is_blocked(self.upcased, PATIENCE), "no")
        self.assertEqual(is_blocked(self.lecture, IMPATIENCE), "yes")

    def test_long(self):
        """an answer to a part of the text is told from one to the whole"""
        self.assertEqual(alternatives.share(self.upcased), "all")
        self.assertRegex(alternatives.share(self.lecture), r"^[\d,]+ bytes$")

    def test_letters(self):
        """letters that a server leaves as they are do not count"""
        self.assertEqual(
            f"{alternatives.count_right(self.upcased):,}", LETTERS)
        if alternatives.SOCAT in self.others:
            socat = self.others[alternatives.SOCAT]
            self.assertEqual(alternatives.count_right(socat), 26)


class Tables(unittest.TestCase):
    def test_figures(self):
        """each row has its figures"""
        ran = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "alternatives.py"),
             "--rounds", "1", "--size", "0.1", "--time", "50ms",
             "--patience", str(IMPATIENCE)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(" ".join(row(ran.stdout, "tr a-z A-Z")), r"^26 \d")
        ours = row(ran.stdout, alternatives.OURS)
        self.assertEqual(ours[0], LETTERS)
        self.assertRegex(ours[1], r"^[1-9][\d,]*$")
        ours = row(ran.stdout, alternatives.UPCASED)
        self.assertEqual(ours[:2], [LETTERS, "all"])
        self.assertRegex(" ".join(ours[2:]), r"^(yes|no) [1-9][\d,]* [1-9][\d,]*$")
        self.assertEqual(row(ran.stdout, alternatives.LECTURE)[-1], "-")

    def test_readme(self):
        """README has these rows, with as many letters as there are"""
        with open(os.path.join(SOURCE, "README"), encoding="utf-8") as file:
            readme = file.read()
        names = [name for name, *_ in alternatives.COMMANDS]
        for title in [*names, alternatives.OURS, *alternatives.SERVERS]:
            self.assertIsNotNone(row(readme, title), title)
        self.assertIn(f"{LETTERS} letters", readme)
        for title in alternatives.OURS, alternatives.UPCASED:
            self.assertEqual(row(readme, title)[0], LETTERS)


if __name__ == "__main__":
    tap.main()
