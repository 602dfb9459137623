# SPDX-License-Identifier: ISC
"""The benchmark runs, in its smallest form, and its figures are complete."""

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "system"))

import tap
import texts

BUILD = os.environ["builddir"]

# A program whose second kernel answers in lower case.
LIAR = """#!{python}
import sys

print("right\\twrong\\nwrong\\twrong\\nready", flush=True)
for line in sys.stdin:
    verb, first, second = line.rstrip("\\n").split("\\t")
    if verb == "load":
        text = open(first, "rb").read()
        print("loaded", flush=True)
        continue
    with open(second, "wb") as file:
        file.write(text.upper() if first == "right" else text.lower())
    print("written", flush=True)
"""


class BenchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def bench(self, build, names, calls):
        return subprocess.run(
            [
                *(sys.executable, "-B", os.path.join(HERE, "bench.py")),
                *("--no-peers", "--rounds", "1", "--milliseconds", "0.1"),
                *("--texts", ",".join(names), "--calls", ",".join(calls)),
                *("--output", self.folder),
            ],
            env={**os.environ, "builddir": os.path.abspath(build)},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_figures(self):
        """each kernel and memcpy have a figure for each text and call"""
        names = list(texts.SYNTHETIC)
        calls = ["64", "65536"]
        ran = self.bench(BUILD, names, calls)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        with open(os.path.join(self.folder, "upcase.csv")) as file:
            rows = list(csv.DictReader(file))
        kernels = {row["contender"] for row in rows} - {"memcpy"}
        self.assertIn("scalar", kernels)
        self.assertEqual(
            sorted(
                (row["call"], row["text"], row["contender"]) for row in rows
            ),
            sorted(
                (call, name, contender)
                for call in calls
                for name in names
                for contender in [*kernels, "memcpy"]
            ),
        )
        for row in rows:
            self.assertGreater(float(row["median_GBps"]), 0)
        for name in names:
            self.assertRegex(ran.stdout, rf"(?m)^{re.escape(name)} +[\d.]+ ")

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_chart(self):
        """the chart is SVG that names what was measured"""
        names = ["lengths", "dotless-i"]
        ran = self.bench(BUILD, names, ["64"])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        chart = os.path.join(self.folder, "upcase.svg")
        root = xml.etree.ElementTree.parse(chart).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        shown = "".join(root.itertext())
        for word in [*names, "scalar", "memcpy", "64\u00a0bytes"]:
            self.assertIn(word, shown)

    def test_kernels_that_differ(self):
        """kernels that do not agree end it"""
        program = os.path.join(self.folder, "bench-ours")
        with open(program, "w") as file:
            file.write(LIAR.format(python=sys.executable))
        os.chmod(program, 0o700)
        ran = self.bench(self.folder, ["bad-200"], ["64"])
        self.assertIn("wrong and right do not agree", ran.stderr)
        self.assertNotEqual(ran.returncode, 0)


class TextsTest(unittest.TestCase):
    def test_pieces(self):
        """pieces are whole characters, and together the text"""
        for name in texts.SYNTHETIC:
            content = texts.make(name, None)
            for size in 4, 64, 1000:
                ends = texts.cuts(content, size)
                self.assertEqual(ends[-1], len(content))
                for begin, end in zip([0, *ends], ends):
                    self.assertTrue(begin < end <= begin + size)
                if name in ("lengths", "U+0390", "dotless-i"):
                    for begin, end in zip([0, *ends], ends):
                        content[begin:end].decode()


tap.main()
