# SPDX-License-Identifier: ISC
"""What the fuzzers begin with breaks none of their rules."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "system"))

import tap

# Where it is for another processor, an emulator is around it.
def replay(name):
    return [*os.environ.get("QEMU", "").split(),
            os.path.join(os.environ["builddir"], name)]


class FuzzTest(unittest.TestCase):
    def test_seeds(self):
        """all kernels answer the seeds of the fuzzer as the oracle does"""
        self.check("seeds.py", "replay")

    def test_headers(self):
        """headers of proxies come to the same with text behind them"""
        self.check("proxy_seeds.py", "replay-proxy")

    def check(self, maker, program):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            made = subprocess.run(
                [sys.executable, "-B", HERE / maker, folder / "seeds",
                 folder / "dictionary"], timeout=60)
            self.assertEqual(made.returncode, 0)
            seeds = sorted((folder / "seeds").iterdir())
            self.assertGreater(len(seeds), 100)
            ran = subprocess.run(
                [*replay(program), *seeds], capture_output=True, text=True,
                timeout=60)
        self.assertEqual((ran.stderr, ran.returncode), ("", 0), ran.stdout[-80:])


tap.main()
