# SPDX-License-Identifier: ISC
"""Python's str.upper as a contender: see contender.h."""

import sys
import time
import unicodedata


def convert(piece):
    return piece.decode("utf-8", "replace").upper().encode()


def unchanged(pieces):
    return pieces


def decode(pieces):
    """A string holds no bad bytes: None refuses them."""
    try:
        return [piece.decode() for piece in pieces]
    except UnicodeDecodeError:
        return None


ABOUT = (
    f"Python {sys.version.split()[0]}, "
    f"Unicode {unicodedata.unidata_version}: "
)

# What is counted, what is made of the pieces before, and the call.
CONTENDERS = {
    "python": (
        ABOUT + "decode, str.upper and encode, UTF-8 to UTF-8",
        unchanged,
        convert,
    ),
    "python-str": (
        ABOUT + "str.upper, str to str, conversions not counted",
        decode,
        str.upper,
    ),
}


def load(path, cuts):
    with open(path, "rb") as file:
        text = file.read()
    with open(cuts, encoding="ascii") as file:
        ends = [int(line) for line in file]
    return [text[a:b] for a, b in zip([0, *ends], ends)]


def measure(call, pieces, total, least):
    rounds = length = 0
    begin = time.perf_counter_ns()
    while True:
        for piece in pieces:
            length += len(call(piece))
        rounds += 1
        spent = time.perf_counter_ns() - begin
        if spent >= least:
            return f"{rounds * total}\t{spent}\t{length}"


def write_answer(call, pieces, path):
    with open(path, "wb") as file:
        for piece in pieces:
            answer = call(piece)
            file.write(answer if isinstance(answer, bytes) else answer.encode())
    return "written"


def main():
    for name, (counted, _, _) in CONTENDERS.items():
        print(name, counted, sep="\t")
    print("ready", flush=True)
    pieces = []
    native = {}
    for line in sys.stdin:
        verb, first, second = line.rstrip("\n").split("\t")
        if verb == "load":
            native = {}
            pieces = load(first, second)
            print("loaded", flush=True)
            continue
        _, prepare, call = CONTENDERS[first]
        if first not in native:
            native[first] = prepare(pieces)
        if native[first] is None:
            print("refused", flush=True)
        elif verb == "time":
            total = sum(map(len, pieces))
            print(measure(call, native[first], total, int(second)), flush=True)
        else:
            print(write_answer(call, native[first], second), flush=True)


main()
