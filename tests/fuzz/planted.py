#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Errors planted in the transform, each of which the fuzzer must find.

It begins with the dictionary alone, without the seeds, so that it is the search
that is tried.  Speaks TAP, with the seconds and inputs that each took.

make names the compiler and the rest in the environment: see
check-planted in Makefile.am.  Arguments pick errors by a part of their
names.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(1, os.path.join(os.environ["srcdir"], "tests", "sim"))

import mutations

# Seconds, in which each has to be found.
PATIENCE = int(os.environ.get("TIME") or 90)

# As tests/fuzz/run has them.
OPTIONS = ("-use_value_profile=1", "-max_len=512", "-timeout=10")

# As those of the simulation: name, file, what stands there, and the error.
PLANTED = [
    ("avx512: four bytes expect nothing of the next block",
     "upcase/avx512/shape.h", "lead >> 63 | lead3 >> 62 | lead4 >> 61",
     "lead >> 63 | lead3 >> 62"),
    ("avx512: one byte too much is read at the end", "upcase/avx512/shape.h",
     "_mm512_maskz_loadu_epi8(below(left), src)",
     "_mm512_maskz_loadu_epi8(below(left + 1), src)"),
    ("avx512: three bytes pass as whole without the last",
     "upcase/block.h", "three = two & lead3 & cont >> 2;",
     "three = two & lead3;"),
    ("avx512: the third byte of a page is that of the second",
     "upcase/avx512/letters.h", "answers[0][2], answers[1][2]",
     "answers[0][1], answers[1][1]"),
    ("avx512: pages are told by the lead alone", "upcase/avx512/letters.h",
     "even(second), pages->second", "even(second), even(second)"),
    ("avx512: where one letter is known all are",
     "upcase/avx512/letters.h", "*done |= first | second;",
     "*done |= first != 0 ? UINT64_MAX : 0;"),
    ("avx512: what follows a broken lead is taken for its second byte",
     "upcase/avx512/avx512.c",
     "b->bytes = _mm512_maskz_mov_epi8(~cut.broken.first, b->bytes);", ""),
    ("avx512: the block before is forgotten", "upcase/avx512/avx512.c",
     "three >> (BLOCK - 2); carry->before = b->bytes;",
     "three >> (BLOCK - 2);"),
    ("avx512: the third byte is not looked for in the next block",
     "upcase/avx512/avx512.c", "leads >> (BLOCK - 1) | three >> (BLOCK - 2);",
     "leads >> (BLOCK - 1);"),
    ("avx512: the third byte of a subpart is answered as well",
     "upcase/block.h", "(two & first) << 1 | (three & first) << 2",
     "(two & first) << 1"),
    ("avx512: both leads have the second bytes of the even one",
     "upcase/avx512/letters.h",
     "places_of(last, b->bytes), answers[0][1], answers[1][1]",
     "places_of(last, b->bytes), answers[0][1], answers[0][1]"),
    ("avx512: an incomplete sequence passes at the end",
     "upcase/avx512/avx512.c",
     "invalid != UPCASE_CLOSE && b->left >= AHEAD", "invalid != UPCASE_CLOSE"),
    ("avx2: three bytes expect nothing of the next block",
     "upcase/avx2/shape.h", "lead >> 63 | lead3 >> 62 | lead4 >> 61",
     "lead >> 63 | lead4 >> 61"),
    ("avx2: four bytes expect two continuations", "upcase/avx2/shape.h",
     "lead << 1 | lead3 << 2 | lead4 << 3", "lead << 1 | lead3 << 2"),
    ("avx2: a byte that is to go stays at the end of a half",
     "upcase/avx2/avx2.c", "zeros & shape->cont & below(n);",
     "zeros & shape->cont & below(n) & ~(UINT64_C(1) << 31);"),
    ("avx2: a pair is left half changed at the end of a block",
     "upcase/avx2/avx2.c", "carry->second = changes.second.high;",
     "carry->second = all(0);"),
    ("avx2: letters of four bytes pass for emoji", "upcase/avx2/shape.h",
     "equal(next, 0x9f)", "equal(next, 0x90)"),
    ("avx2: the third byte of a page stays at the second",
     "upcase/avx2/letters.h", "move_on(flip(second, move_on(third)))",
     "move_on(flip(second, third))"),
    ("tables: a page has no bit in the classes", "upcase/upcase_pages.c",
     "1, 1, 1, 9, 1, 17,", "1, 1, 1, 1, 1, 17,"),
    ("tables: two pages are exchanged", "upcase/upcase_pages.c",
     "39, 40, 41, 42,", "40, 39, 41, 42,"),
    ("replace: a subpart of three bytes is two", "upcase/stream.c",
     "src[have] > high) return have;", "src[have] > high) "
     "return have > 2 ? 2 : have;"),
    ("a third byte is not held back", "upcase/stream.c",
     "u->ncarry = (held + more) % SEQUENCE;",
     "u->ncarry = (held + more > 2 ? 2 : held + more) % SEQUENCE;"),
    ("a short step is read too far by one", "upcase/stream.c",
     "c->end - c->src > SEQUENCE)", "c->end - c->src >= SEQUENCE - 1)"),
]


def build(folder, file, old, new):
    """The same for a header, a copy of which stands before that of src."""
    if file.endswith(".h"):
        name = os.path.join(os.environ["srcdir"], "src", file)
        with open(name, encoding="utf-8") as source:
            text = mutations.plant(old, new, source.read())
        name = os.path.join(folder, file)
        os.makedirs(os.path.dirname(name))
        with open(name, "w", encoding="utf-8") as header:
            header.write(text)
        # The kernel whose it is, or one of those that share it.
        kernel = os.path.basename(os.path.dirname(file))
        if kernel == "upcase":
            kernel = "avx512"
        file = f"upcase/{kernel}/{kernel}.c"
        old = new = ".is_supported = is_supported,"
    return mutations.build(folder, file, old, new)


def search(folder, program):
    """How the fuzzer found it; None if it did not."""
    began = time.monotonic()
    ran = subprocess.run(
        [program, f"-max_total_time={PATIENCE}",
         f"-dict={os.path.abspath('dictionary')}", *OPTIONS],
        cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace")
    if ran.returncode == 0:
        return None
    inputs = max(map(int, re.findall(r"(?m)^#(\d+)", ran.stderr)))
    seconds = time.monotonic() - began
    what = re.search(r"(?m)^\w+, policy.*|runtime error.*|^SUMMARY.*",
                     ran.stderr)
    return f"{seconds:.1f} s, about {inputs} inputs, {what.group()}"


def verdict(planted):
    """Whether the error is found, and a sentence."""
    name, file, old, new = planted
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = search(folder, build(folder, file, old, new))
        except (ValueError, subprocess.CalledProcessError) as error:
            return False, f"{name}: {error}"
    return bool(found), f"{name}: {found or 'not found'}"


def main():
    picked = [planted for planted in PLANTED
              if all(part in planted[0] for part in sys.argv[1:])]
    print(f"1..{len(picked)}", flush=True)
    found = 0
    for i, planted in enumerate(picked, 1):
        good, text = verdict(planted)
        found += good
        print(f"{'ok' if good else 'not ok'} {i} - {text}", flush=True)
    return 0 if found == len(picked) else 1


if __name__ == "__main__":
    sys.exit(main())
