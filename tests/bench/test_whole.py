#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What programs and scripts write to a file is there whole, or not at all.

Scripts run in a copy of their part of the tree, whose files they may ruin.
"""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[1:1] = [str(TESTS / "system"), str(TESTS)]

import tap  # noqa: E402
import whole  # noqa: E402
from scripted import BOUND, Server, honest  # noqa: E402

OLD = "what was there\n"

# Of files that a script may write, in the units of the shell: too little.
LIMIT = "ulimit -f 1; exec \"$@\""


class WholeCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for part in ("whole.py", "fuzz/seeds.py", "bench/results.py",
                     "bench/server/figures.py"):
            path = self.folder / "tests" / part
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TESTS / part, path)
        shutil.copytree(TESTS.parent / "contrib" / "unicode",
                        self.folder / "contrib" / "unicode")
        self.path = self.folder / "file"
        self.path.write_text(OLD)

    def assert_untouched(self, *paths):
        for path in paths or [self.path]:
            self.assertEqual(path.read_text(), OLD, path)
        left = [path for path in self.folder.rglob("*.tmp")]
        self.assertEqual(left, [])


class Module(WholeCase):
    def test_a_file_appears_whole(self):
        with whole.written(self.path, "w") as file:
            file.write("new")
            file.flush()
            self.assertEqual(self.path.read_text(), OLD)
        self.assertEqual(self.path.read_text(), "new")
        with whole.written(self.folder / "fresh", "wb") as file:
            file.write(b"fresh")
            self.assertFalse((self.folder / "fresh").exists())
        self.assertEqual((self.folder / "fresh").read_bytes(), b"fresh")
        self.assertEqual(list(self.folder.glob("*.tmp")), [])

    def test_a_failure_leaves_what_was_there(self):
        for failure in (ValueError, KeyboardInterrupt, SystemExit):
            with self.assertRaises(failure), \
                    whole.written(self.path, "w") as file:
                file.write("half")
                file.flush()
                raise failure
            self.assert_untouched()

    def test_nothing_that_was_written_leaves_what_was_there(self):
        with whole.beside(self.path) as name:
            self.assertNotEqual(name, str(self.path))
        self.assert_untouched()

    def test_a_source_is_refused_by_any_of_its_names(self):
        os.symlink(self.path, self.folder / "link")
        os.link(self.path, self.folder / "hard")
        for target in ("file", "link", "hard"):
            for source in ("file", "link", "hard"):
                with self.assertRaisesRegex(SystemExit, "name another file"), \
                        whole.written(self.folder / target, "w",
                                      self.folder / source) as file:
                    file.write("new")
                self.assert_untouched()

    def test_links_devices_and_modes_stay(self):
        os.chmod(self.path, 0o640)
        os.symlink(self.path, self.folder / "link")
        with whole.written(self.folder / "link", "w") as file:
            file.write("new")
        self.assertTrue((self.folder / "link").is_symlink())
        self.assertEqual(self.path.read_text(), "new")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)
        with whole.written("/dev/null", "w") as file:
            file.write("new")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))


class Scripts(WholeCase):
    def limited(self, *words):
        """Runs a script that has no room for what it writes."""
        done = subprocess.run(
            ["sh", "-c", LIMIT, "sh", sys.executable, "-B", *map(str, words)],
            cwd=self.folder, capture_output=True, text=True, timeout=BOUND)
        self.assertNotEqual(done.returncode, 0, words)
        return done.stderr

    def test_the_tables_of_unicode_stay_when_there_is_no_room(self):
        out = self.folder / "out"
        out.mkdir()
        names = [out / "upcase_table.h", out / "upcase_pages.c"]
        for name in names:
            name.write_text(OLD)
        self.assertIn("File too large", self.limited(
            "contrib/unicode/generate-table", out))
        self.assert_untouched(*names)

    def test_the_tables_are_not_written_over_the_data(self):
        data = self.folder / "contrib/unicode"
        before = (data / "simple-uppercase.txt").read_text()
        os.symlink(data / "simple-uppercase.txt", data / "upcase_pages.c")
        done = subprocess.run(
            [sys.executable, data / "generate-table", data],
            capture_output=True, text=True, timeout=BOUND)
        self.assertEqual(done.returncode, 1)
        self.assertIn("name another file", done.stderr)
        self.assertEqual((data / "simple-uppercase.txt").read_text(), before)
        self.assertFalse((data / "upcase_table.h").exists())
        self.assertEqual(list(self.folder.rglob("__pycache__")), [])

    def test_the_data_of_unicode_stay_when_there_is_no_room(self):
        name = self.folder / "contrib/unicode/simple-uppercase.txt"
        name.write_text(OLD)
        call = ("import runpy; runpy.run_path('contrib/unicode/fetch-data')"
                "['write_mapping']('simple-uppercase.txt', 'x',"
                " [(1, [1])] * 9999)")
        self.assertIn("File too large", self.limited("-c", call))
        self.assert_untouched(name)

    def test_the_dictionary_of_the_fuzzer_stays_when_there_is_no_room(self):
        self.assertIn("File too large", self.limited(
            "tests/fuzz/seeds.py", "seeds", self.path))
        self.assert_untouched()

    def test_the_dictionary_is_not_written_over_the_data(self):
        name = self.folder / "contrib/unicode/special-uppercase.txt"
        before = name.read_text()
        done = subprocess.run(
            [sys.executable, "-B", "tests/fuzz/seeds.py", "seeds", name],
            cwd=self.folder, capture_output=True, text=True, timeout=BOUND)
        self.assertEqual(done.returncode, 1)
        self.assertIn("name another file", done.stderr)
        self.assertEqual(name.read_text(), before)

    def test_the_figures_of_benchmarks_stay_when_there_is_no_room(self):
        begin = "import sys; sys.path[1:1] = ['tests', 'tests/bench', " \
            "'tests/bench/server']; "
        for call in (
                "import figures; figures.write_rows('file', [[1, 2]] * 9999)",
                "import results; r = results.Results(['a'], []); "
                "[r.add(c, 'text', name, 1.0) for c in range(999) "
                "for name in ('a', 'memcpy')]; "
                "results.write_csv(r, 'file')"):
            self.assertIn("File too large", self.limited("-c", begin + call))
            self.assert_untouched()

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_a_chart_that_cannot_be_drawn_leaves_the_last_one(self):
        table = self.folder / "table"
        table.write_text("no figures\n")
        call = ("import sys; sys.path[1:1] = ['tests', 'tests/bench']; "
                "import results; r = results.Results(['a'], []); "
                f"results.SOURCE = {str(HERE)!r}; "
                "r.add(64, 'text', 'a', 1.0); "
                "sys.exit(results.draw(r, 'table', 'file'))")
        done = subprocess.run([sys.executable, "-B", "-c", call],
                              cwd=self.folder, capture_output=True, text=True,
                              timeout=BOUND)
        self.assertNotEqual(done.stderr, "")
        self.assert_untouched()


class Programs(WholeCase):
    def refused(self, program, *words, **streams):
        done = subprocess.run([os.environ[program], *words],
                              stderr=subprocess.PIPE, text=True,
                              timeout=BOUND, **streams)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertRegex(done.stderr, r"\A[^\n]* file[^\n]*; write [^\n]*\n\Z")

    def test_upcbench_does_not_report_into_its_text(self):
        os.link(self.path, self.folder / "hard")
        with Server(honest) as server:
            for name in (self.path, self.folder / "hard"):
                with open(self.path, "a") as target:
                    self.refused("UPCBENCH", "--text", name, "--count", "1",
                                 server.address, stdin=subprocess.DEVNULL,
                                 stdout=target)
                self.assert_untouched()


if __name__ == "__main__":
    tap.main()
