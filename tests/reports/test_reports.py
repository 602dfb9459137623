#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The table of faults that others had names tests that are there."""

import ast
import os
import re
import sys
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

import tap  # noqa: E402


def records():
    """The records of the table: lists of pairs, a key and its value."""
    with open(f"{TOP}/tests/reports/REPORTS", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    texts = "".join(lines).strip().split("\n\n")
    return [[tuple(line.split(": ", 1)) for line in text.split("\n")]
            for text in texts]


def names_in_python(path):
    """The first sentences of the tests, as they are reported."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return {" ".join((ast.get_docstring(node) or node.name).split())
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and node.name.startswith("test")}


def names_in_c(path):
    with open(path, encoding="utf-8") as file:
        return set(re.findall(r"^START_TEST\((\w+)\)", file.read(), re.M))


class ReportsTest(unittest.TestCase):
    def test_form(self):
        """Each record has a kind, where it was seen, what is right, tests"""
        for record in records():
            keys = [key for key, *_ in record]
            self.assertEqual(sorted(set(keys)),
                             ["kind", "right", "seen", "test"], record)
            self.assertEqual(sorted(keys, key=["kind", "seen", "right",
                                               "test"].index), keys, record)

    def test_kinds(self):
        """No kind stands there twice"""
        kinds = [record[0][1] for record in records()]
        self.assertEqual(len(kinds), len(set(kinds)))

    def test_addresses(self):
        """Each report has an address, or was made here"""
        for record in records():
            for key, value in record:
                if key == "seen":
                    self.assertRegex(value, r"^(https://[!-~]+|here)$")

    def test_tests(self):
        """Each test that is named is there"""
        for record in records():
            for key, value in record:
                if key != "test":
                    continue
                path, name = value.split(": ", 1)
                find = names_in_python if path.endswith(".py") else names_in_c
                self.assertIn(name, find(f"{TOP}/{path}"), path)


if __name__ == "__main__":
    tap.main()
