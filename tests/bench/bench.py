#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Times the transform against other libraries, languages and memcpy.

Everything is measured in one run and in turn: in each round, every contender
converts the same pieces of the same text for a moment, so that what else the
machine does hits all of them alike.  A ratio is the median of the ratios within
a round.  What is counted for each contender stands above the table.

make names the folders in the environment: see bench-upcase in tests/local.mk.
"""

import argparse
import os
import sys

SOURCE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.dirname(SOURCE))

import contenders
import machine
import results
import texts
import whole

BUILD = os.environ.get("builddir", ".")

# Bytes of a call from memory.  One takes slow contenders seconds, so there are
# fewer texts and rounds of it.
FROM_MEMORY = 64 * 1024 * 1024
MEMORY_TEXTS = ("english", "russian", "chinese")

CALLS = (64, 256, 1024, 64 * 1024, FROM_MEMORY)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    listed = {"type": lambda words: words.split(",")}
    parser.add_argument("--quick", action="store_true",
                        help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="default: 5, or 3")
    parser.add_argument("--milliseconds", type=float,
                        help="of each contender in a round (default: 10, or 2)")
    parser.add_argument("--texts", default=texts.NAMES, metavar="NAME,...",
                        help="default: all of " + " ".join(texts.NAMES),
                        **listed)
    parser.add_argument("--calls", default=CALLS, metavar="BYTES,...",
                        help="default: " + ",".join(map(str, CALLS)), **listed)
    parser.add_argument("--no-peers", action="store_true",
                        help="the transform and memcpy alone")
    parser.add_argument("--output", default=os.path.join(BUILD, "bench"),
                        metavar="FOLDER", help="default: bench")
    chosen = parser.parse_args()
    chosen.calls = [int(call) for call in chosen.calls]
    unknown = set(chosen.texts) - set(texts.NAMES)
    if unknown or min(chosen.calls) < 4:
        parser.error(f"no such text or call: {' '.join(unknown)}")
    if chosen.rounds is None:
        chosen.rounds = 3 if chosen.quick else 5
    if chosen.milliseconds is None:
        chosen.milliseconds = 2 if chosen.quick else 10
    return chosen


class Bench:
    def __init__(self, chosen):
        self.chosen = chosen
        self.folder = chosen.output
        os.makedirs(os.path.join(self.folder, "texts"), exist_ok=True)
        self.programs = {}
        ours = self.start([os.path.join(BUILD, "bench-ours")])
        self.kernels = [name for name in ours.contenders if name != "memcpy"]
        if not chosen.no_peers:
            self.start_peers()
        peers = [name for name in self.programs if name not in ours.contenders]
        self.results = results.Results(self.kernels, peers)

    def start(self, command):
        program = contenders.Program(command)
        for name, counted in program.contenders.items():
            self.programs[name] = program
            print(f"  {name:11} {counted}")
        return program

    def start_peers(self):
        for name, peer in contenders.peers(BUILD, self.folder).items():
            if isinstance(peer, list):
                self.start(peer)
            else:
                print(f"  {name:11} is left out: {peer}")

    def close(self):
        for program in set(self.programs.values()):
            program.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        """The text of that name, made once; None if it cannot be had."""
        path = self.path(os.path.join("texts", name))
        if not os.path.exists(path):
            content = texts.make(name, self.path("packages"))
            if content is None:
                return None
            write(path, content)
        with open(path, "rb") as file:
            return file.read()

    def load(self, content, size):
        write(self.path("text"), content)
        ends = "".join(f"{end}\n" for end in texts.cuts(content, size))
        write(self.path("cuts"), ends.encode())
        for program in set(self.programs.values()):
            program.ask("load", self.path("text"), self.path("cuts"))

    def answer(self, name):
        """What a contender answers to the text; None if it refuses."""
        with whole.beside(self.path("answer")) as path:
            if self.programs[name].ask("answer", name, path) == ["refused"]:
                return None
            with open(path, "rb") as file:
                return file.read()

    def compare(self, text, content):
        """The peers of another answer; exits if the kernels do not agree."""
        self.load(replaced(content), texts.LENGTH)
        wants = [self.answer(self.kernels[0])]
        self.load(content, texts.LENGTH)
        wants.append(self.answer(self.kernels[0]))
        others = {}
        for name in self.programs:
            got = self.answer(name)
            if name in self.kernels and got != wants[1]:
                sys.exit(f"{text}: {name} and {self.kernels[0]} do not agree")
            if name != "memcpy" and got is not None and got not in wants:
                others[name] = difference(wants[1], got)
        return others

    def measure(self, text, call, rounds):
        least = str(int(self.chosen.milliseconds * 1e6))
        names = list(self.programs)
        # The first round is not counted: caches and compilers get warm.
        for turn in range(rounds + 1):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                got = self.programs[name].ask("time", name, least)
                if got != ["refused"] and turn > 0:
                    speed = int(got[0]) / int(got[1])
                    self.results.add(call, text, name, speed)

    def run(self):
        differences = {}
        rounds = self.chosen.rounds
        for text in self.chosen.texts:
            content = self.text(text)
            if content is None:
                print(f"{text} is left out: its package cannot be fetched")
                continue
            say(text)
            for name, how in self.compare(text, content).items():
                differences.setdefault(name, {})[text] = how
            for call in self.chosen.calls:
                if call < FROM_MEMORY:
                    self.load(content, call)
                    self.measure(text, call, rounds)
                elif text in MEMORY_TEXTS[: 1 if self.chosen.quick else None]:
                    self.load(long(content, call), call)
                    self.measure(text, call, max(rounds // 2, 1))
        say("")
        return differences


def say(text):
    """Shows on a terminal what is under way."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def write(path, content):
    with whole.written(path, "wb") as file:
        file.write(content)


def replaced(content):
    """The text with U+FFFD for what is not UTF-8, as some peers have it."""
    return content.decode("utf-8", "replace").encode()


def long(content, length):
    return texts.cut_short(content * -(-length // len(content)), length)


def difference(want, got):
    """The first characters that are not the same."""
    pairs = zip(want.decode("utf-8", "replace"), got.decode("utf-8", "replace"))
    for one, two in pairs:
        if one != two:
            return f"U+{ord(two):04X} for our U+{ord(one):04X}"
    return "another length"


def main():
    chosen = options()
    print(f"{machine.processor()}, {os.cpu_count()} CPUs, {machine.kernel()}, "
          f"load {os.getloadavg()[0]:.1f}")
    bench = Bench(chosen)
    try:
        differences = bench.run()
    finally:
        bench.close()
    found = bench.results
    if not found.speeds:
        sys.exit("nothing was measured")
    for line in results.table(found):
        print(line)
    if differences:
        print("\nOther answers than ours, and where they first differ:")
    for name, where in differences.items():
        listed = ", ".join(f"{text} {how}" for text, how in where.items())
        print(f"  {name:11} {listed}")
    table = bench.path("upcase.csv")
    chart = bench.path("upcase.svg")
    results.write_csv(found, table)
    problem = results.draw(found, table, chart)
    print(f"\nAll figures are in {table}")
    print(f"No chart: {problem}" if problem else f"The chart is {chart}")


main()
