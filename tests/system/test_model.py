# SPDX-License-Identifier: ISC
"""Runs the models in tests/model with spin and holds them against the source.

The environment, set by make:
  srcdir, builddir  where the models and print_states are
  CC                the compiler
  SANITIZERS        as for the tests of the daemon
  MODELS            "large" for the larger instances of tests/long
"""

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import tap

SOURCE = pathlib.Path(os.environ.get("srcdir", ".")).absolute()
MODELS = SOURCE / "tests" / "model"
BUILD = pathlib.Path(os.environ.get("builddir", ".")).absolute()
CC = shlex.split(os.environ.get("CC") or "cc")

# Seconds for one search: a bound for the worst of machines.
PATIENCE = 1200 if os.environ.get("MODELS") == "large" else 300

# Instances: a model, what defines it, and the claim it is run with, or None
# for a search for deadlocks and wrong assertions.
SMALL = [
    ("accept", "", None),
    ("accept", "", "every_pause_ends"),
    ("accept", "", "all_are_served"),
    ("accept", "NCONNS=1", "the_drain_ends"),
    ("accept", "NCONNS=3 LIMIT=2 ALONE", None),
    ("accept", "NCONNS=3 LIMIT=2 ALONE", "every_pause_ends"),
    ("accept", "NCONNS=3 LIMIT=2 ALONE", "the_drain_ends"),
    ("connection", "TEXT=2 OTHER_TEXT=1", None),
    ("connection", "TEXT=2 OTHER_TEXT=0", "every_connection_ends"),
    ("connection", "TEXT=2 OTHER_TEXT=0 DRAIN", None),
    ("connection", "TEXT=3 OTHER_TEXT=0 OUTSIDE=2", None),
    ("connection", "HONEST TEXT=3", None),
    ("connection", "HONEST TEXT=2", "every_connection_ends"),
    ("connection", "HONEST TEXT=2 SLOW", None),
]
LARGE = [
    ("accept", "NCONNS=3 LIMIT=2", None),
    ("accept", "NCONNS=2 LIMIT=2", "every_pause_ends"),
    ("accept", "NCONNS=2 LIMIT=1", "the_drain_ends"),
    ("accept", "NCONNS=5 LIMIT=2 ALONE", "the_drain_ends"),
    ("connection", "TEXT=2 DRAIN", None),
    ("connection", "TEXT=2 OTHER_TEXT=0 DRAIN NO_TIMEOUT", None),
    ("connection", "TEXT=2 OTHER_TEXT=1", "every_connection_ends"),
    ("connection", "HONEST TEXT=4 NBLOCKS=3", None),
]

# The models, and the files that they are made of.
PARTS = {
    "accept": ("accept", "threads"),
    "connection": ("connection",),
}

# Where planted errors show, if not in their model as it is without a claim.
PLANTED_IN = {
    "BUG_COUNT_BEFORE_SOCKET": ("accept", "NCONNS=3 LIMIT=3", None),
    "BUG_DRAIN_LEAVES_THEM": ("connection", "OTHER_TEXT=0 DRAIN", None),
    "BUG_EOF_CLOSES": ("connection", "HONEST", None),
    "BUG_FLUSHED_KEEPS_SENDING":
        ("connection", "HONEST", "every_connection_ends"),
    "BUG_NOT_RELEASED_AFTER_ACCEPT": ("accept", "ALONE", None),
    "BUG_NOT_RELEASED_AFTER_ORDERS": ("accept", "ALONE", None),
    "BUG_PROGRESS_DOES_NOT_COUNT":
        ("connection", "TEXT=3 OTHER_TEXT=0 OUTSIDE=2", None),
    "BUG_RESUMED_BEFORE_ACCEPT": ("accept", "ALONE", None),
}

# A quotation: the file and function, and the lines that a model stands for.
QUOTATION = re.compile(
    r"^(?:/\*\n)? \* \[(\w+\.[ch]) (\w+)\]\n((?: \*\t.*\n)+)", re.M)

# What the models have to quote wherever it is, and where it may be.
SHARED = re.compile(
    r"\b(?:atomic_(?!init\b)\w+|bell_ring|handover_(?:put|take))\(")
SHARING = ("server.c", "worker.c", "shard.c", "service_text.c", "handover.c",
           "bell.c")


def run(*command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=PATIENCE, **options)


def search(model, defines, claim, planted=False):
    """What pan prints of an instance, or why there is no pan."""
    with tempfile.TemporaryDirectory() as folder:
        for path in MODELS.glob("*.pml"):
            shutil.copy(path, folder)
        table = run(str(BUILD / "print_states"))
        pathlib.Path(folder, "conn_states.pml").write_text(table.stdout)
        flags = [f"-D{define}" for define in defines.split()]
        done = run("spin", "-P" + shlex.join([*CC, "-E", "-x", "c"]), "-a",
                   *flags, f"{model}.pml", cwd=folder)
        if done.returncode != 0 or "rror:" in done.stdout:
            return done.stdout
        # The planted errors lie near the end of the order of the search, so
        # it is turned round, and needs no optimiser.
        flags = ["-O0", "-DT_REVERSE"] if planted else ["-O1"]
        flags += ["-w", "-DMEMLIM=3000"]
        flags += ["-DNFAIR=3"] if claim else ["-DSAFETY", "-DNOCLAIM"]
        flags += ["-DCOLLAPSE"] if os.environ.get("MODELS") == "large" else []
        done = run(*CC, *flags, "-o", "pan", "pan.c", cwd=folder)
        if done.returncode != 0:
            return done.stdout
        flags = ["-a", "-f", "-N", claim] if claim else []
        return run("./pan", "-m100000", "-w22", *flags, cwd=folder).stdout


def planted_errors():
    for model, parts in PARTS.items():
        text = "".join((MODELS / f"{part}.pml").read_text() for part in parts)
        for bug in sorted(set(re.findall(r"\bBUG_[A-Z_]*[A-Z]\b", text))):
            yield model, bug


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def squeeze(text):
    return " ".join(text.split()).replace("( ", "(")


def body(file, function):
    """The statements of a function, on one line."""
    (path,) = SOURCE.glob(f"src/*/{file}")
    text = without_comments(path.read_text())
    found = re.search(rf"^{function}\(.*?\)\n\{{\n(.*?)^\}}$", text,
                      re.M | re.S)
    return squeeze(found[1]) if found else ""


def quotations(model):
    text = (MODELS / f"{model}.pml").read_text()
    for file, function, lines in QUOTATION.findall(text):
        # A line that begins with blanks goes on with the one above.
        lines = lines.replace("\n *\t    ", " ").splitlines()
        yield file, function, [squeeze(line[3:]) for line in lines]


class Quotations(unittest.TestCase):
    def hold(self, model):
        number = 0
        for file, function, lines in quotations(model):
            rest = body(file, function)
            for line in lines:
                before, found, rest = rest.partition(line)
                self.assertTrue(found, f"{file}, {function}: {line}")
                number += 1
        self.assertGreater(number, 20)

    def test_accept(self):
        """accept.pml: what it models stands in the source, in that order"""
        self.hold("accept")

    def test_threads(self):
        """threads.pml: what it models stands in the source, in that order"""
        self.hold("threads")

    def test_connection(self):
        """connection.pml: what it models stands in the source, in that order"""
        self.hold("connection")

    def test_nothing_shared_is_left_out(self):
        """the models: what threads share is used nowhere but as quoted"""
        quoted = " ".join(
            line
            for model in ("accept", "threads")
            for file, _, lines in quotations(model)
            if file in SHARING
            for line in lines
        )
        used = []
        for file in SHARING:
            (path,) = SOURCE.glob(f"src/*/{file}")
            text = without_comments(path.read_text())
            # A definition begins its line, and is no use.
            used += re.findall(SHARED, re.sub(r"^\w+\(", "", text, flags=re.M))
        self.assertGreater(len(used), 20)
        self.assertEqual(sorted(used), sorted(re.findall(SHARED, quoted)))


@unittest.skipUnless(shutil.which("spin"),
                     "spin is not installed: the models are not run")
@unittest.skipUnless(os.environ.get("SANITIZERS", "no") == "no",
                     "the models are the same in a build with sanitizers")
class Searches(unittest.TestCase):
    """The searches run side by side, one for each processor at a time."""

    @classmethod
    def setUpClass(cls):
        cls.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        cls.results = {
            key: cls.pool.submit(search, *arguments)
            for key, arguments in cls.searches.items()
        }

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()

    searches = {}

    @classmethod
    def add(cls, name, check, *arguments):
        """Adds a test of that name of what the search finds."""

        def test(self):
            check(self, self.results[name].result())

        test.__doc__ = name
        number = len(cls.searches)
        cls.searches[name] = arguments
        setattr(cls, f"test_{number:02}", test)

    def expect_proof(self, output):
        self.assertRegex(output, r"errors: 0\b")
        self.assertNotIn("not completed", output)
        self.assertNotIn("too small", output)

    def expect_all_ends(self, output):
        """As expect_proof; and every process is able to end."""
        self.expect_proof(output)
        processes = output.split("unreached in ")[1:]
        self.assertGreater(len(processes), 1)
        for process in processes:
            if process.startswith(("proctype", "init")):
                self.assertNotIn("-end-", process)

    def expect_error(self, output):
        self.assertRegex(output, r"errors: [1-9]")
        self.assertRegex(output, "assertion violated|acceptance cycle")


def add_searches():
    large = os.environ.get("MODELS") == "large"
    for model, defines, claim in LARGE if large else SMALL:
        name = f"{model}.pml, {defines or 'as it is'}: "
        name += claim or "no deadlock, and all that is asserted holds"
        ends = model != "balance" or "DRAIN" in defines
        check = Searches.expect_proof if claim or not ends else (
            Searches.expect_all_ends)
        Searches.add(name, check, model, defines, claim)
    if large:
        return
    for model, bug in planted_errors():
        model, defines, claim = PLANTED_IN.get(bug, (model, "", None))
        Searches.add(f"{model}.pml: {bug} is found", Searches.expect_error,
                     model, f"{defines} {bug}", claim, True)


add_searches()

if __name__ == "__main__":
    tap.main()
