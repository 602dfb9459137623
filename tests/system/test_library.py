#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The transform is fit to be a library: its header and its symbols."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import tap

SOURCE = os.environ.get("srcdir", ".")
BUILD = os.environ.get("builddir", ".")
ARCHIVE = os.path.join(BUILD, "libupcase.a")
HEADER = os.path.join(SOURCE, "include", "upcase.h")

# What tools that count lines put beside our data.
COUNTERS = ("__gcov", "__llvm")

# Each call, so that one that is not declared for C++ is not found.
PROGRAM = r"""
#include "upcase.h"
#include <cstring>
int
main()
{
	upcase u;
	upcase_options options = {};
	options.language = "root";
	options.invalid = UPCASE_REPLACE;
	unsigned char dst[64];
	const unsigned char src[] = {'a', 0xc3, 0x9f, 0xe2};
	if (upcase_init(&u, &options) != 0 ||
	    upcase_bound(&u, sizeof src) > sizeof dst)
		return 1;
	size_t n = upcase_update(&u, dst, sizeof dst, src, sizeof src);
	n += upcase_final(&u, dst + n, sizeof dst - n);
	return n != 6 || std::memcmp(dst, "ASS\xef\xbf\xbd", 6) != 0 ||
	    upcase_refused(&u) || upcase_unicode()[0] == '\0';
}
"""


def output_of(*command, text=None):
    return subprocess.run(command, check=True, input=text,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def needed(tool):
    path = shutil.which(tool)
    if path is None:
        raise unittest.SkipTest(f"there is no {tool}")
    return path


def symbols():
    """The name, class, type and section of what the archive defines."""
    if os.environ.get("SANITIZERS", "no") != "no":
        raise unittest.SkipTest("sanitizers add their own")
    table = output_of(needed("nm"), "--defined-only", "-f", "sysv", ARCHIVE)
    rows = [[field.strip() for field in line.split("|")]
            for line in table.splitlines() if line.count("|") == 6]
    found = [(row[0], row[2], row[3], row[6]) for row in rows
             if not row[0].startswith(COUNTERS)]
    if not found:
        raise unittest.SkipTest("nm shows no sections")
    return found


class Symbols(unittest.TestCase):
    def test_prefix(self):
        """each global symbol of libupcase.a begins with upcase_"""
        names = [name for name, kind, *_ in symbols() if kind.isupper()]
        self.assertIn("upcase_update", names)
        self.assertEqual(
            [name for name in names if not name.startswith("upcase_")], [])

    def test_constant(self):
        """nothing in libupcase.a changes but the choice of the kernel"""
        found = symbols()
        self.assertIn("upcase_leads", [name for name, *_ in found])
        changing = [name for name, _, kind, section in found
                    if kind in ("OBJECT", "TLS") and re.match(
                        r"\.(data(?!\.rel\.ro)|t?bss|tdata)|\*COM\*", section)]
        self.assertEqual(changing, ["upcase_dispatch_choice"])


class Header(unittest.TestCase):
    def test_c(self):
        """upcase.h can be included first, and by C99"""
        compiler = shlex.split(os.environ.get("CC", "cc"))
        output_of(*compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic",
                  "-Werror", "-fsyntax-only", "-x", "c", HEADER)

    def test_macros(self):
        """upcase.h defines no macro but its guard"""
        compiler = shlex.split(os.environ.get("CC", "cc"))
        command = [*compiler, "-E", "-dM", "-x", "c", "-I",
                   os.path.dirname(HEADER), "-"]
        bare = "#include <stddef.h>\n#include <stdint.h>\n"
        added = set(output_of(*command, text='#include "upcase.h"\n'
                              ).splitlines())
        added -= set(output_of(*command, text=bare).splitlines())
        self.assertEqual(added, {"#define UPCASE_H "})

    def test_cpp(self):
        """a program in C++ calls all of it"""
        if os.environ.get("SANITIZERS", "no") != "no" or \
                "GCOV_PREFIX" in os.environ:
            raise unittest.SkipTest("what checks or counts is linked as well")
        compiler = needed("g++")
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "program.cc")
            program = os.path.join(folder, "program")
            with open(source, "w", encoding="ascii") as file:
                file.write(PROGRAM)
            output_of(compiler, "-std=c++11", "-Wall", "-Wextra",
                      "-Wpedantic", "-Werror", "-I", os.path.dirname(HEADER),
                      "-o", program, source, ARCHIVE)
            output_of(program)


if __name__ == "__main__":
    tap.main()
