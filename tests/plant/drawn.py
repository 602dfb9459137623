#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Errors that are picked at random and planted in the source one at a time.

Beside tests/sim/mutations.py, whose errors somebody thought of, these show
what no test asks for.  Each is a small change to one function: a statement, a
condition, an operator, a number, a result, a label, two arguments.  It has to
compile, and to something else than before.  The tests then run, the cheapest
first, until one fails.  A survivor is a test that is missing, or no error.

All is done in a copy of the tree, ./drawn of the build folder, with /proc.

make names the programs and the rest in the environment: PLANTS, how many;
SEED, what they follow from; see check-drawn in tests/local.mk.  The sources are
those of all folders below, in turn; arguments pick some by a part of their
names.
"""

import glob
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from drafts import Draft

SOURCE = os.environ["srcdir"]
BUILD = os.environ["builddir"]
TREE = os.path.join(BUILD, "drawn")
DRAWN = os.path.join(TREE, "build")

# What any compiler would tell is no error to look for.  Without -g, an error
# that changes nothing leaves the object as it is.
CFLAGS = ("-O2 -Werror=int-conversion -Werror=incompatible-pointer-types "
          "-Werror=format -Werror=uninitialized -Werror=return-type")

# The folders, and the tests of the daemon and the client that concern each,
# the cheapest first.
FOLDERS = {
    "client": ["upc_terminal", "upc_faults", "upc", "netcats"],
    "reactor": ["each_call", "memory", "clock", "injected", "serve"],
    "config": ["start", "upc", "tuning"],
    "net": ["addresses", "start", "upc", "upc_faults"],
    "base": ["each_call", "start", "upc", "upc_faults", "memory", "injected",
             "serve"],
    "daemon": ["start", "each_call", "serve", "tuning", "drain"],
    "server": ["each_call", "serve", "partial", "memory", "injected", "crowd",
               "drain"],
}

# Other systems' files are not compiled here.
FOREIGN = ("sys_open_fcntl.c", "poller_kqueue.c")

# What those tests run.
PROGRAMS = ["upcased", "upc", *filter(
    None, [os.path.basename(os.environ.get("UPCASED_KQUEUE", ""))])]

# Runs of the simulation, and seconds that a test may take.
RUNS = 5000
PATIENCE = 300

# By it the processes that a test has left behind are known.
MARK = f"PLANTED_BY={os.getpid()}"


def passes(command, seconds):
    """Whether a test ends in time, with 0 and without a failure."""
    name, value = MARK.split("=")
    process = subprocess.Popen(
        command, cwd=DRAWN, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, errors="replace",
        start_new_session=True,
        env={**{key: text.replace(BUILD, DRAWN)
                for key, text in os.environ.items()}, name: value})
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        output = "not ok"
        # Whoever started others may end them.
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            pass
    end_leftovers()
    return (process.wait() == 0 and
            re.search(r"^not ok", output, re.M) is None)


def end_leftovers():
    """Ends what a test has left: it may hold a port, or the processor."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment:
                if MARK.encode() in environment.read().split(b"\0"):
                    os.kill(int(pid), signal.SIGKILL)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def make(*arguments):
    return subprocess.run(
        ["make", "-s", f"-j{os.cpu_count()}", *arguments], cwd=DRAWN,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)


def copy_tree():
    """The tree as it is, built as it stands."""
    def ignore(folder, names):
        return [name for name in names
                if name in (".git", "autom4te.cache", "__pycache__",
                            "config.status", "config.log", "Makefile")
                or os.path.exists(
                    os.path.join(folder, name, "config.status"))]
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(SOURCE, TREE, ignore=ignore, symlinks=True)
    os.mkdir(DRAWN)
    subprocess.run(["../configure", "--quiet", f"CC={os.environ['CC']}",
                    f"CFLAGS={CFLAGS}"], cwd=DRAWN, check=True)
    # What make -n tells must not begin with a header that is made anew.
    os.utime(os.path.join(DRAWN, "config.h"))
    build("check", "TESTS=")


def build(*targets):
    done = make(*targets)
    if done.returncode != 0:
        sys.exit(done.stdout)


class Tests:
    """The tests, and how long each takes when there is no error."""

    def __init__(self):
        self.seconds = {}
        self.programs = {}

    def linked(self, folder):
        """The programs of unit tests that are linked anew with a folder."""
        if folder not in self.programs:
            inside = os.path.join(TREE, "src", folder)
            new = [option for name in sorted(os.listdir(inside))
                   if name.endswith(".c") and name not in FOREIGN
                   for option in ("-W", f"../src/{folder}/{name}")]
            # Not by way of check: -W does not reach the makes that it makes.
            programs = ["simulate"] + sorted(
                os.path.relpath(path[:-2], SOURCE) for path in
                glob.glob(f"{SOURCE}/tests/unit/*/check_*.c"))
            output = make("-n", *new, *programs).stdout
            self.programs[folder] = sorted(
                (name for name in programs
                 if re.search(rf"-o {name}\b", output)), key=self.cost)
        return self.programs[folder]

    def cost(self, name):
        """Seconds; the first time the test has to pass."""
        if name not in self.seconds:
            start = time.monotonic()
            if not passes(self.command(name), PATIENCE):
                sys.exit(f"{name} fails without an error")
            self.seconds[name] = time.monotonic() - start
        return self.seconds[name]

    @staticmethod
    def command(name):
        if name == "simulate":
            return ["./simulate", "1", str(RUNS)]
        if name.startswith("tests/unit/"):
            return [f"./{name}"]
        return [sys.executable, "-B", f"../tests/system/test_{name}.py"]

    def finder(self, folder):
        """The first test that fails, or None."""
        for name in self.linked(folder) + FOLDERS[folder]:
            # No more than is needed: most errors are found by the first tests.
            build(*([name] if name in self.programs[folder] else PROGRAMS))
            # Others may share the machine.
            if not passes(self.command(name), 30 + 6 * self.cost(name)):
                return name
        return None


def compiled(path):
    """What a source is compiled to; None if it is not."""
    target = f"src/{path[:-2]}.o"
    if make(target).returncode != 0:
        return None
    with open(os.path.join(DRAWN, target), "rb") as file:
        return file.read()


class Plants:
    """Errors, drawn from the sources of a folder."""

    def __init__(self, parts):
        self.drafts = {}
        for folder in FOLDERS:
            inside = os.path.join(TREE, "src", folder)
            for name in sorted(os.listdir(inside)):
                path = f"{folder}/{name}"
                if (name.endswith(".c") and name not in FOREIGN and
                        (not parts or any(part in path for part in parts))):
                    with open(f"{inside}/{name}", encoding="utf-8") as source:
                        self.drafts[path] = Draft(source.read())
        self.folders = [folder for folder in FOLDERS if any(
            path.startswith(f"{folder}/") for path in self.drafts)]

    def draw(self, lot, folder):
        """Plants one that compiles to something new: its path, in words."""
        drafts = {path: draft for path, draft in self.drafts.items()
                  if path.startswith(f"{folder}/")}
        while True:
            kinds = sorted({change[0] for draft in drafts.values()
                            for change in draft.found})
            kind = lot.choice(kinds)
            path, change = lot.choice([
                (path, change) for path, draft in drafts.items()
                for change in draft.found if change[0] == kind])
            drafts[path].found.remove(change)
            if self.plant(path, drafts[path].text, change):
                return path, self.describe(drafts[path].text, change)

    @staticmethod
    def plant(path, text, change):
        _, start, end, new = change
        before = compiled(path)
        Plants.write(path, text[:start] + new + text[end:])
        after = compiled(path)
        if after is not None and after != before:
            return True
        Plants.write(path, text)
        return False

    @staticmethod
    def write(path, text):
        with open(f"{TREE}/src/{path}", "w", encoding="utf-8") as source:
            source.write(text)

    @staticmethod
    def describe(text, change):
        kind, start, end, new = change
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        line = text.count("\n", 0, start) + 1
        old = " ".join(text[first:last].split())
        now = " ".join((text[first:start] + new + text[end:last]).split())
        return f"{line}: {kind}: {old} => {now}"


def main():
    n = int(os.environ.get("PLANTS") or 10)
    lot = random.Random(int(os.environ.get("SEED") or 1))
    copy_tree()
    plants, tests = Plants(sys.argv[1:]), Tests()
    nfound = 0
    for folder in plants.folders:
        for name in tests.linked(folder) + FOLDERS[folder]:
            tests.cost(name)
    for i in range(n):
        folder = plants.folders[i % len(plants.folders)]
        path, words = plants.draw(lot, folder)
        try:
            finder = tests.finder(folder)
        finally:
            plants.write(path, plants.drafts[path].text)
        nfound += finder is not None
        verdict = f"found by {finder}" if finder else "SURVIVED"
        print(f"src/{path}:{words}: {verdict}", flush=True)
    print(f"# {nfound} of {n} were found")


if __name__ == "__main__":
    main()
