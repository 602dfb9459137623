#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The Unicode data, its table and independent sources agree.  Speaks TAP."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SRCDIR = pathlib.Path(os.environ.get("srcdir", "."))
DATA = SRCDIR / "contrib" / "unicode"
TABLES = SRCDIR / "src" / "upcase"
TABLE = TABLES / "upcase_table.h"
DEBIAN = pathlib.Path("/usr/share/unicode")

# Every scalar value that changes, as [[code point, [code points]], ...].
NODE = """
const changed = [];
for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff)
        continue;
    const text = String.fromCodePoint(code);
    const upper = text.toUpperCase();
    if (upper !== text)
        changed.push([code, [...upper].map((c) => c.codePointAt(0))]);
}
console.log(JSON.stringify(changed));
"""


class Skip(Exception):
    pass


def output_of(*command):
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE
    ).stdout


def read_mapping(name):
    mapping = {}
    for line in (DATA / name).read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            source, targets = line.split(";")
            mapping[int(source, 16)] = [int(c, 16) for c in targets.split()]
    return mapping


def changes(mapping):
    return {s: t for s, t in mapping.items() if t != [s]}


def differences(found, wanted):
    """Return one line for each of the first code points that differ."""
    codes = sorted(
        code
        for code in found.keys() | wanted.keys()
        if found.get(code) != wanted.get(code)
    )
    return [
        f"U+{code:04X}: {found.get(code)}, wanted {wanted.get(code)}"
        for code in codes[:10]
    ]


def debian_file(name):
    """Return the rows of a file of Debian's unicode-data, without comments."""
    path = DEBIAN / name
    if not path.exists():
        raise Skip(f"no {path}: install unicode-data")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = (line.split("#")[0].split(";") for line in lines)
    return [[field.strip() for field in row] for row in rows if row[1:]]


def fresh_tables_equal_the_committed_ones():
    with tempfile.TemporaryDirectory() as folder:
        output_of(sys.executable, str(DATA / "generate-table"), folder)
        stale = [
            name
            for name in ("upcase_table.h", "upcase_pages.c")
            if (pathlib.Path(folder) / name).read_bytes()
            != (TABLES / name).read_bytes()
        ]
    return [
        f"{name}: run contrib/unicode/generate-table and look at the result"
        for name in stale
    ]


def the_header_names_the_version_of_the_table():
    header = (TABLES / "stream.h").read_text(encoding="ascii")
    version = re.search(r'#define UPCASE_UNICODE +("[0-9.]+")', header)[1]
    if f"#define UPCASE_TABLE_UNICODE {version}" in TABLE.read_text():
        return []
    return [f"src/upcase/stream.h says {version}, upcase_table.h not"]


def node_of_the_same_version_changes_the_same_code_points():
    node = shutil.which("node")
    if node is None:
        raise Skip("no node")
    version = output_of(node, "-p", "process.versions.unicode").decode()
    if not version.startswith("17"):
        raise Skip(f"node knows Unicode {version.strip()}, not 17")
    ours = {
        **read_mapping("simple-uppercase.txt"),
        **read_mapping("special-uppercase.txt"),
    }
    found = dict(json.loads(output_of(node, "-e", NODE)))
    return differences(changes(ours), found)


def simple_mappings_equal_those_of_debian_where_it_assigns():
    ours = read_mapping("simple-uppercase.txt")
    rows = {int(r[0], 16): r[12] for r in debian_file("UnicodeData.txt")}
    found = {s: t for s, t in ours.items() if s in rows}
    wanted = {s: [int(t, 16)] for s, t in rows.items() if t}
    # What maps to a code point assigned later could not map to it before.
    later = [s for s in found if s not in wanted and found[s][0] not in rows]
    for source in later:
        del found[source]
        print(f"# U+{source:04X} maps to what was assigned later")
    print(f"# {len(rows)} rows, {len(wanted)} mappings, {len(later)} later")
    return differences(found, wanted)


def special_mappings_equal_those_of_debian():
    wanted = {
        int(row[0], 16): [int(c, 16) for c in row[3].split()]
        for row in debian_file("SpecialCasing.txt")
        if len(row) == 5
    }
    return differences(read_mapping("special-uppercase.txt"), wanted)


TESTS = [
    fresh_tables_equal_the_committed_ones,
    the_header_names_the_version_of_the_table,
    node_of_the_same_version_changes_the_same_code_points,
    simple_mappings_equal_those_of_debian_where_it_assigns,
    special_mappings_equal_those_of_debian,
]


def main():
    print(f"1..{len(TESTS)}", flush=True)
    for number, test in enumerate(TESTS, 1):
        name = test.__name__.replace("_", " ")
        try:
            wrong = test()
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            continue
        except (OSError, subprocess.CalledProcessError) as error:
            wrong = [str(error)]
        for line in wrong:
            print(f"# {line}")
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}", flush=True)


if __name__ == "__main__":
    main()
