# SPDX-License-Identifier: ISC
"""Each kernel answers what the fuzzer begins with as the oracle does."""

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
REPLAY = [*os.environ.get("QEMU", "").split(),
          os.path.join(os.environ["builddir"], "replay")]


class FuzzTest(unittest.TestCase):
    def test_seeds(self):
        """all kernels answer the seeds of the fuzzer as the oracle does"""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            made = subprocess.run(
                [sys.executable, "-B", HERE / "seeds.py", folder / "seeds",
                 folder / "dictionary"], timeout=60)
            self.assertEqual(made.returncode, 0)
            seeds = sorted((folder / "seeds").iterdir())
            self.assertGreater(len(seeds), 100)
            ran = subprocess.run(
                [*REPLAY, *seeds], capture_output=True, text=True, timeout=60)
        self.assertEqual((ran.stderr, ran.returncode), ("", 0), ran.stdout[-80:])


tap.main()
