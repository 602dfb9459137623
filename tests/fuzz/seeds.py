#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes what the fuzzer begins with: a folder of inputs, and a dictionary.

Both come from the data of Unicode.  Inputs have the form that target.h states.
Arguments are the folder, and the file for the dictionary.
"""

import itertools
import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "contrib" / "unicode"
FILES = [DATA / name
         for name in ("simple-uppercase.txt", "special-uppercase.txt")]

sys.path.insert(1, str(SOURCE / "tests"))

import whole  # noqa: E402

# Bytes on both sides of the limits of table 3-7 of the standard, and sequences
# that are cut, overlong, surrogates or too large.
BAD = (b"\x80", b"\xbf", b"\xc0", b"\xc1", b"\xf5", b"\xff", b"\xc3",
       b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe1\x80", b"\xe2\x82",
       b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f",
       b"\xf0\x9f\x8c", b"\xf4\x90\x80\x80", b"\xfa\xba\xa1")

# What has no upper case: limits of lengths, and scripts.
CASELESS = "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff٠कไ한中🌮"


def mappings():
    """The characters that change, and what they become."""
    upper = {}
    for path in FILES:
        for line in path.read_text(encoding="ascii").splitlines():
            if not line.startswith("#"):
                source, targets = line.split(";")
                upper[chr(int(source, 16))] = "".join(
                    chr(int(code, 16)) for code in targets.split())
    return {source: to for source, to in upper.items() if to != source}


def pages(characters):
    """The same as texts, one for all whose last byte alone differs."""
    for _, page in itertools.groupby(
            sorted(characters), key=lambda character: ord(character) >> 6):
        yield "".join(page).encode()


def texts(upper):
    """What the inputs have to say."""
    yield from pages(upper)
    # Those that have another length, each between others.
    for source, to in upper.items():
        if len(to.encode()) != len(source.encode()):
            yield f"a{source}я{source}{source}".encode()
    for character in CASELESS:
        yield character.encode("utf-8", "surrogatepass") * 3
    for bad in BAD:
        yield b"b" + bad + "ß€".encode() + bad + bad + "ạ".encode()


def inputs(upper):
    """Each text under a policy and in calls that its number chooses."""
    for i, text in enumerate(texts(upper)):
        calls = ((0, 0), (64, 1), (7, 100), (255, 0))[i % 4]
        yield bytes((i % 3, i % 5, i * 7 % 64, i * 5 % 70, *calls)) + text


def entries(upper):
    """What the fuzzer inserts: one of each page, and what stands alone."""
    for page in pages(upper):
        yield page.decode()[0].encode()
    for source, to in upper.items():
        if len(to.encode()) != len(source.encode()):
            yield source.encode()
    for character in CASELESS:
        yield character.encode("utf-8", "surrogatepass")
    yield from BAD
    yield b"x" * 64


def main():
    folder, dictionary = sys.argv[1:]
    upper = mappings()
    os.makedirs(folder, exist_ok=True)
    for i, content in enumerate(inputs(upper)):
        with whole.written(f"{folder}/seed-{i}", "wb", *FILES) as file:
            file.write(content)
    with whole.written(dictionary, "w", *FILES, encoding="ascii") as file:
        for entry in dict.fromkeys(entries(upper)):
            file.write('"' + "".join(f"\\x{b:02x}" for b in entry) + '"\n')


main()
