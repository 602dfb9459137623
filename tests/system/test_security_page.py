# SPDX-License-Identifier: ISC
"""The page on security names tests that are there and that `make check' runs.

That they have run is looked at after the last of them: see tests/promises.py.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import tap

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))
sys.path.insert(0, os.path.join(SOURCE, "tests"))

import promises  # noqa: E402


class SecurityPage(unittest.TestCase):
    def setUp(self):
        self.named = list(promises.named())
        self.assertGreater(len(self.named), 40)

    def test_names(self):
        """Each test that the page names is there"""
        for path, name in self.named:
            self.assertTrue(name in promises.tests_in(path), (path, name))

    def test_lists(self):
        """Each is in a list of what `make check' runs"""
        lists = re.findall(
            r"(?m)^(?:unit|daemon|tool)_tests \+?= (.*\n(?:\t.*\n)+)",
            promises.read(os.path.join(SOURCE, "tests", "local.mk")))
        self.assertGreaterEqual(len(lists), 3)
        listed = " ".join(lists).replace("\\", "").split()
        for path, _ in self.named:
            self.assertTrue(path.removesuffix(".c") in listed, path)

    def test_promises(self):
        """Each promise of the page has a test, and none stands there twice"""
        page = promises.read(promises.PAGE)
        proven = re.search(r"(?s)\n\.Sh PROMISES.*?\n\.Sh WHAT IS NOT", page)
        for promise in proven[0].split("\n.Ss ")[1:]:
            self.assertIn("\n.It Pa tests/", promise)
            tests = re.findall(r"(?m)^\.It Pa (.*)$", promise)
            self.assertEqual(len(tests), len(set(tests)))
        # Whatever looks like the name of a test is taken for one.
        self.assertEqual(len(re.findall(r"(?m)^\.It Pa ", page)),
                         len(re.findall(r"(?m)^\.It Pa tests/", page)))

    def test_lint(self):
        """mandoc finds nothing to warn of in the page"""
        try:
            done = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "warning", promises.PAGE],
                capture_output=True, text=True, timeout=60)
        except FileNotFoundError:
            self.skipTest("mandoc is not installed: the page is not checked")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Outcomes(unittest.TestCase):
    """What the last step of `make check' says of logs."""

    def check(self, change=lambda log: log):
        """Runs it on logs in which all tests of the page have passed."""
        with tempfile.TemporaryDirectory() as folder:
            logs = {}
            for path, name in promises.named():
                title = promises.tests_in(path)[name]
                if path.endswith(".c"):
                    title = f"../{path}:case:{title}: Passed"
                logs.setdefault(promises.without_suffix(path), []).append(
                    f"ok 1 - {title}\n")
            for path, lines in logs.items():
                os.makedirs(os.path.dirname(f"{folder}/{path}"),
                            exist_ok=True)
                with open(f"{folder}/{path}.log", "w",
                          encoding="utf-8") as file:
                    file.write(change("".join(lines)))
            return subprocess.run(
                [sys.executable, "-B", f"{SOURCE}/tests/promises.py",
                 *(f"{path}.log" for path in logs)], cwd=folder,
                capture_output=True, text=True, timeout=60)

    def test_all(self):
        """That all have passed is said and is a success"""
        done = self.check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{len(list(promises.named()))} have passed and 0 were",
                      done.stdout)

    def test_skipped(self):
        """Those that were skipped are counted, and are no failure"""
        done = self.check(lambda log: log.replace("\n", " # SKIP here\n"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("0 have passed and", done.stdout)

    def test_missing(self):
        """Each that has not run is named, and is a failure"""
        for change in lambda _: "", lambda log: log.replace("ok", "not ok"):
            done = self.check(change)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.count("has not run"),
                             len(list(promises.named())))

    def test_others(self):
        """Of tests that were not asked for nothing is said"""
        done = subprocess.run(
            [sys.executable, "-B", f"{SOURCE}/tests/promises.py"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))


if __name__ == "__main__":
    tap.main()
