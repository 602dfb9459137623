# SPDX-License-Identifier: ISC
"""Rows of options that do not fit what they fill: they must not compile."""

import os
import shlex
import subprocess
import unittest

import tap

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))
BUILD = os.path.abspath(os.environ.get("builddir", "."))

PROGRAM = """
#include "config.h"
#include "config/rows.h"
struct settings {
	bool b; int i; unsigned u; uint32_t t; uint64_t q; size_t z, n;
	const char *name; char text[4]; unsigned list[3];
};
#define OPTION_SETTINGS struct settings
extern const char *name_of(size_t);
extern const struct option_row rows[];
const struct option_row rows[] = {{"x", %s, .help = ""}, {.name = NULL}};
"""

RIGHT = (
    "SWITCH(b)", "CONSTANT(i, 7)", "NUMBER(u, 1, UINT32_MAX)",
    "NUMBER(q, 0, UINT64_MAX)", "NUMBER(z, 5, 5)", "TIME(t, 0, VALUE_WEEK)",
    "TIME_US(t, 1, 9)", "SIZE(z, 1, VALUE_SIZE_MAX)", "WORD(u, NULL)",
    "NAME(name, name_of)", 'TEXT(text, "a text")',
    "LIST(list, n, unsigned, option_number)",
)
WRONG = (
    # The member is of another type.
    "SWITCH(u)", "CONSTANT(b, 1)", "NUMBER(i, 0, 5)", "NUMBER(text, 0, 5)",
    "TIME(q, 0, 5)", "TIME(i, 0, 5)", "TIME_US(q, 0, 5)", "SIZE(u, 0, 5)",
    "WORD(q, NULL)", "NAME(text, name_of)", 'TEXT(name, "a text")',
    "LIST(list, n, size_t, option_number)",
    "LIST(list, u, unsigned, option_number)",
    # It is too small for the bound, or there is nothing in bounds.
    "NUMBER(u, 0, UINT64_C(1) << 32)", "TIME(t, 0, UINT64_C(1) << 32)",
    "NUMBER(u, 6, 5)",
)


def compiles(row):
    command = shlex.split(os.environ.get("CC", "cc")) + [
        "-std=gnu11", "-w", "-fsyntax-only", "-x", "c", "-I", BUILD,
        "-I", os.path.join(SOURCE, "src"), "-"]
    return subprocess.run(command, input=PROGRAM % row, text=True,
                          capture_output=True, timeout=60).returncode == 0


class Rows(unittest.TestCase):
    def test_right(self):
        """rows that fit what they fill compile"""
        self.assertEqual([row for row in RIGHT if not compiles(row)], [])

    def test_wrong(self):
        """rows that do not fit what they fill do not compile"""
        self.assertEqual([row for row in WRONG if compiles(row)], [])


if __name__ == "__main__":
    tap.main()
