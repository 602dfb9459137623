#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The tests by which man/upcased-security.7 proves what it promises.

promises.py LOG ...         looks into the logs of the tests that have just run:
                            each that the page names must be in there

`make check' does that at its end.  That they exist is what
tests/system/test_security_page.py looks at.
"""

import ast
import os
import re
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
PAGE = os.path.join(TOP, "man", "upcased-security.7")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def named():
    """Pairs of a file and the name of a test in it, in the order of the page.

    On the page a file is an item.  Below it each name begins in a line, and
    ends in a semicolon or a period at the end of one.
    """
    for path, text in re.findall(r"(?m)^\.It Pa (tests/\S+)\n((?:[^.].*\n)+)",
                                 read(PAGE)):
        for name in re.split(r"[;.]\n", text)[:-1]:
            yield path, " ".join(name.split())


def tests_in(path):
    """The tests of a file: their names on the page, with those in a log."""
    text = read(os.path.join(TOP, path))
    if path.endswith(".c"):
        return {name.replace("_", " "): name
                for name in re.findall(r"^START_TEST\((\w+)\)", text, re.M)
                if re.search(rf"tcase_add_\w+\([^;]*\b{name}\b", text)}
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            title = ast.get_docstring(node) or \
                node.name.removeprefix("test_").replace("_", " ")
            # tap.py takes the first line.
            found[" ".join(title.split())] = title.split("\n")[0]
    return found


def without_suffix(test):
    """That of a log, or of a source."""
    return re.sub(r"\.(c|py|log)$", "", test)


def has_run(log, title):
    """What became of a test: "ok", "skipped", or None."""
    if re.search(r"(?m)^1\.\.0 # SKIP", log):
        return "skipped"
    for line in re.findall(r"(?m)^ok \d+ - (.*)$", log):
        what, _, skipped = line.partition(" # SKIP")
        if f":{title}:" in what or what.startswith(title):
            return "skipped" if skipped else "ok"
    return None


def main(logs):
    ran = {without_suffix(log) for log in logs}
    counts = {"ok": 0, "skipped": 0}
    missing = []
    for path, name in named():
        if without_suffix(path) not in ran:
            continue
        outcome = has_run(read(without_suffix(path) + ".log"),
                          tests_in(path)[name])
        if outcome is None:
            missing.append(f"{path}: {name}")
        else:
            counts[outcome] += 1
    for test in missing:
        print(f"upcased-security.7: this test has not run: {test}",
              file=sys.stderr)
    if sum(counts.values()) > 0:
        print(f"of the tests that upcased-security.7 names, {counts['ok']} "
              f"have passed and {counts['skipped']} were skipped")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
