#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Plants the errors of a list one at a time; each of them must be found.

The first argument is the folder of tests that has the list and the program that
must find them; others pick errors by a part of their names.  What a list has of
an error is its name, the file, what stands there, and what then does; any white
space stands for any other.  The sources that have it are compiled, and linked
before the libraries, so that they take the place of the right ones.  Speaks
TAP, with what it took to find each.

make names the compiler and the rest in the environment: see check-mutations and
check-planted in tests/local.mk.
"""

import concurrent.futures
import glob
import os
import re
import runpy
import shlex
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["srcdir"]
COMPILE = shlex.split(os.environ["COMPILE"])
LINK = shlex.split(os.environ["LINK"])
OBJECTS = shlex.split(os.environ["OBJECTS"])

# Runs of the simulation: as many as it makes when it is run as a test.
RUNS = 60000

# Seconds of the processor, after which runs that do not end count as failed,
# and how many times as many others may let it wait.
PATIENCE = 120
OTHERS = 20

# Seconds, in which the fuzzer has to find each.
SEARCH = int(os.environ.get("TIME") or 90)

# As tests/fuzz/run has them.
FUZZING = ("-use_value_profile=1", "-max_len=512", "-timeout=10")


def simulate(program, _):
    """How the simulation found the error; None if it did not."""
    # A clock of its own: others may have the processor.
    limited = ["sh", "-c", 'ulimit -t "$0" && exec "$@"', str(PATIENCE)]
    try:
        done = subprocess.run(
            [*limited, program, "1", str(RUNS)], timeout=OTHERS * PATIENCE,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        return "in a run that does not end"
    if done.returncode == 0:
        return None
    failed = re.search(r"Run (\d+) failed", done.stdout)
    return f"in run {failed[1]}" if failed else "in a run that does not end"


def fuzz(program, folder):
    """The same of the fuzzer.

    It begins with the dictionary alone, without the seeds, so that it is the
    search that is tried.
    """
    began = time.monotonic()
    ran = subprocess.run(
        [program, f"-max_total_time={SEARCH}",
         f"-dict={os.path.abspath('dictionary')}", *FUZZING],
        cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace")
    if ran.returncode == 0:
        return None
    inputs = max(map(int, re.findall(r"(?m)^#(\d+)", ran.stderr)), default=0)
    seconds = time.monotonic() - began
    what = re.search(r"(?m)^\w+, policy.*|runtime error.*|^SUMMARY.*",
                     ran.stderr)
    return (f"in {seconds:.1f} s, with about {inputs} inputs: "
            f"{what[0] if what else ran.returncode}")


# By folder: the list, who must find its errors, and how many at once.
LISTS = {
    "sim": ("mutations.py", "MUTATIONS", simulate, os.cpu_count()),
    # It is the only one that a clock bounds.
    "fuzz": ("planted.py", "PLANTED", fuzz, 1),
}

# It stands in a list to be found by nobody.
NO_ERROR = "no error"


def read(file):
    with open(f"{SOURCE}/src/{file}", encoding="utf-8") as source:
        return source.read()


def plant(file, old, new):
    """The text of the file with the error."""
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    planted, n = re.subn(pattern, lambda _: new, read(file))
    if n != 1:
        raise ValueError(f"{old!r} stands {n} times in {file}")
    return planted


def is_built(file):
    """Whether the source is compiled here."""
    folder, name = os.path.split(file[:-2])
    return bool(glob.glob(f"src/{folder}/{name}.o") or
                glob.glob(f"src/{folder}/lib*-{name}.o"))


def sources_of(file):
    """The sources that have the text of the file."""
    if file.endswith(".c"):
        return {file}
    found = set()
    for path in glob.glob(f"{SOURCE}/src/**/*.[ch]", recursive=True):
        name = os.path.relpath(path, f"{SOURCE}/src")
        if f'#include "{file}"' in read(name):
            found |= sources_of(name)
    return {name for name in found if is_built(name)}


def build(folder, file, old, new):
    """Makes the program with the error, and names it."""
    planted = os.path.join(folder, file)
    os.makedirs(os.path.dirname(planted))
    with open(planted, "w", encoding="utf-8") as text:
        text.write(plant(file, old, new))
    sources = sources_of(file)
    if not sources:
        raise ValueError(f"no source that is compiled here has {file}")
    objects = []
    for i, source in enumerate(sorted(sources)):
        # Headers are found beside the source first, and then in the folder.
        copy = os.path.join(folder, source)
        if source != file:
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(copy, "w", encoding="utf-8") as text:
                text.write(read(source))
        objects.append(os.path.join(folder, f"{i}.o"))
        # What is left without a use is no error here.
        subprocess.run([*COMPILE, "-w", "-iquote", folder, "-c", "-o",
                        objects[-1], copy], check=True)
    program = os.path.join(folder, "planted")
    # Before the libraries, of which their namesakes are then not needed.
    subprocess.run([*LINK, "-o", program, *objects, *OBJECTS], check=True)
    return program


def verdict(error, search):
    """Whether the error is found as it should be, and a sentence."""
    name, *change = error
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = search(build(folder, *change), folder)
        except (ValueError, subprocess.CalledProcessError) as problem:
            return False, f"{name}: {problem}"
    outcome = f"found {found}" if found else "not found"
    return bool(found) == (name != NO_ERROR), f"{name}: {outcome}"


def main():
    folder, *parts = sys.argv[1:]
    file, name, search, at_once = LISTS[folder]
    errors = runpy.run_path(f"{SOURCE}/tests/{folder}/{file}")[name]
    picked = [error for error in errors
              if all(part in error[0] for part in parts)]
    print(f"1..{len(picked)}", flush=True)
    nright = 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        verdicts = pool.map(lambda error: verdict(error, search), picked)
        for i, (is_right, text) in enumerate(verdicts, 1):
            nright += is_right
            print(f"{'ok' if is_right else 'not ok'} {i} - {text}", flush=True)
    print(f"# {nright} of {len(picked)} verdicts are right")
    return 0 if nright == len(picked) else 1


if __name__ == "__main__":
    sys.exit(main())
