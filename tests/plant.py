#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Errors that are drawn by lot, one of which at a time is in the source.

Beside tests/sim/mutations.py, whose errors somebody thought of, these show
what no test asks for.  Each is a small change to one function: a statement, a
condition, an operator, a number, a result, a label, two arguments.  It has to
compile, and to something else than before.  The tests then run, the cheapest
first, until one fails.  A survivor is a test that is missing, or no error.

All is done in a copy of the tree, ./drawn of the build folder, with /proc.

make names the programs and the rest in the environment: PLANTS, how many;
SEED, what they follow from; see check-drawn in Makefile.am.  The sources are
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


def blanked(text):
    """The text with blanks for comments, strings and preprocessor lines."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                  r"|^#(?:[^\n]*\\\n)*[^\n]*$", blank, text, flags=re.S | re.M)


def closing(code, start):
    """The end of what is opened at the start, its bracket included."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in "({[") - (code[at] in ")}]")
        if depth == 0:
            return at + 1
    raise ValueError("a bracket is not closed")


def end_of_statement(code, start):
    """Where the statement that starts there ends."""
    at = start + len(code[start:]) - len(code[start:].lstrip())
    if code[at] == "{":
        return closing(code, at)
    head = re.compile(r"(if|while|for|switch) \(").match(code, at)
    if head:
        end = end_of_statement(code, closing(code, head.end() - 1))
        other = re.compile(r"\s*else\b").match(code, end)
        return end_of_statement(code, other.end()) if other else end
    while code[at] != ";":
        at = closing(code, at) if code[at] in "({[" else at + 1
    return at + 1


def arguments(code, start):
    """The spans of the arguments of a call whose bracket opens there."""
    end, spans, first = closing(code, start) - 1, [], start + 1
    at = first
    while at < end:
        if code[at] == ",":
            spans.append((first, at))
            first = at + 1
        at = closing(code, at) if code[at] in "({[" else at + 1
    spans.append((first, end))
    return [(a + len(code[a:b]) - len(code[a:b].lstrip()), b)
            for a, b in spans]


OPPOSITES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=",
             "!=": "==", "&&": "||", "||": "&&"}
DECLARATION = re.compile(
    r"(const|static|struct|enum|union|unsigned|char|bool|int|short|double)\b"
    r"|\w+ \*?\w+( =|;|\[|,)(?<!return)")
NOT_DELETED = re.compile(r"(return|case|default|goto|assert|log_debug\w*)\b|$")


class Draft:
    """What can be changed in one source: kind, start, end, the new text."""

    def __init__(self, text):
        self.text, self.code = text, blanked(text)
        self.found = []
        for body in re.finditer(r"^\{$", self.code, re.M):
            self.start = body.start()
            self.end = closing(self.code, self.start)
            for draw in (self.statements, self.conditions, self.operators,
                         self.numbers, self.results, self.labels,
                         self.calls, self.elses):
                draw()

    def matches(self, pattern):
        return re.compile(pattern).finditer(self.code, self.start, self.end)

    def add(self, kind, start, end, new):
        """A change; lines stay where they are."""
        new += "\n" * (self.text[start:end].count("\n") - new.count("\n"))
        if not re.match(r"\s*(assert|log_debug|log_enabled)",
                        self.code[self.code.rfind("\n", 0, start):end]):
            self.found.append((kind, start, end, new))

    def statements(self):
        for place in self.matches(r"[;{})]\s*\n\t+(?=[\w(*+-])|: *\n\t+"):
            start = place.end()
            if re.match(r"(if|while|for|switch|do|else)\b", self.code[start:]):
                continue
            end = end_of_statement(self.code, start)
            statement = self.code[start:end]
            if not (DECLARATION.match(statement) or
                    NOT_DELETED.match(statement) or "{" in statement):
                self.add("statement left out", start, end, ";")

    def conditions(self):
        for place in self.matches(r"\b(if|while) (?=\()"):
            start = place.end()
            end = closing(self.code, start)
            old = self.text[start:end]
            self.add("condition negated", start, end, f"(!{old})")
            if place.group(1) == "if":
                self.add("condition left out", start, end, "(1)")
                self.add("never done", start, end, "(0)")

    def operators(self):
        for place in self.matches(r"(?<=\s)([<>=!]=|[<>]|&&|\|\|)(?=\s)"):
            self.add("other operator", *place.span(),
                     OPPOSITES[place.group()])
        for place in self.matches(r"(?<=\w )[-+](?= )|(?<=\w)(\+\+|--)"):
            new = {"+": "-", "-": "+", "++": "--", "--": "++"}[place.group()]
            self.add("other operator", *place.span(), new)

    def numbers(self):
        for place in self.matches(r"(?<![\w.-])\d+(?=[UL]*\b)(?![.x])"):
            n = int(place.group())
            for new in {n + 1, max(n - 1, 0)} - {n}:
                self.add("other number", *place.span(), str(new))

    def results(self):
        for place in self.matches(r"\breturn ([^;]+)(?=;)"):
            span, old = place.span(1), place.group(1)
            new = {"true": ["false"], "false": ["true"], "-1": ["0"],
                   "0": ["-1"], "NULL": []}.get(old, ["0", "1"])
            for value in new:
                self.add("other result", *span, value)

    def labels(self):
        for place in self.matches(r"\bcase [\w ]+:"):
            self.add("case left out", *place.span(), "")

    def calls(self):
        for place in self.matches(r"\b(?!if|for|while|switch)\w+(?=\()"):
            spans = arguments(self.code, place.end())
            for (a, b), (c, d) in zip(spans, spans[1:]):
                first, second = self.text[a:b], self.text[c:d]
                if first != second:
                    self.add("arguments swapped", a, d,
                             second + self.text[b:c] + first)

    def elses(self):
        for place in self.matches(r"\belse\b"):
            end = end_of_statement(self.code, place.end())
            self.add("else left out", place.start(), end, "")


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
