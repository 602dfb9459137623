#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Compares upcased with other servers that answer over TCP.

Every server is measured in every scenario, one after the other and in rounds,
with the server on one core and the load, upcbench, on another.  See figures.py
for what is made of it, and peers.py for the servers.

make names the folders in the environment: see bench in tests/local.mk.
"""

import argparse
import os
import signal
import sys
import time

SOURCE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.dirname(SOURCE),
                 os.path.dirname(os.path.dirname(SOURCE))]

import charts
import counts
import figures
import idle
import load
import machine
import network
import peers
import process
import report
import scenarios
import texts
import whole

BUILD = os.path.abspath(os.environ.get("builddir", "."))

# Connections of the scenario idle in a short run.
FEW_IDLE = 1000

# A short run has the scenarios of one round, without the curves.
QUICK = tuple(name for name in scenarios.NAMES
              if name not in ("connections", "sizes"))


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    listed = {"type": lambda words: words.split(",")}
    parser.add_argument("--quick", action="store_true",
                        help="one short round, without the curves")
    parser.add_argument("--rounds", type=int, help="default: 3, or 1")
    parser.add_argument("--seconds", type=float,
                        help="of each measurement (default: 0.7, or 0.2)")
    parser.add_argument("--servers", default=peers.DEFAULT,
                        metavar="NAME[:BYTES],...", **listed,
                        help="default: " + ",".join(peers.DEFAULT))
    parser.add_argument("--scenarios", metavar="NAME,...", **listed,
                        help="of " + ",".join(scenarios.NAMES))
    parser.add_argument("--connections", type=int, metavar="N",
                        help="the most that are opened at once")
    parser.add_argument("--congestion", default="cubic", metavar="NAME",
                        help="how TCP sends on a loopback of our own "
                        "(default: cubic); this needs root")
    parser.add_argument("--no-fetch", action="store_true",
                        help="use the text of upcbench, and fetch none")
    parser.add_argument("--output", metavar="FOLDER", help="default: bench/"
                        "server", default=os.path.join(BUILD, "bench",
                                                       "server"))
    chosen = parser.parse_args()
    chosen.output = os.path.abspath(chosen.output)
    unknown = {name for name in chosen.servers
               if not known(*name.partition(":")[::2])}
    unknown |= set(chosen.scenarios or ()) - set(scenarios.NAMES)
    if unknown:
        parser.error(f"there is no {' '.join(sorted(unknown))}")
    quick = chosen.quick
    chosen.scenarios = chosen.scenarios or (QUICK if quick else scenarios.NAMES)
    chosen.rounds = chosen.rounds or (1 if quick else 3)
    chosen.seconds = chosen.seconds or (0.2 if quick else 0.7)
    chosen.idle = FEW_IDLE if quick else idle.most()
    chosen.connections = min(chosen.connections or idle.most(), idle.most())
    chosen.idle = min(chosen.idle, chosen.connections)
    return chosen


def known(base, size):
    return base in peers.BASES and (not size or size.isdecimal())


class Progress:
    """Says what is done and how long the rest may take.

    On a terminal that is one line; elsewhere a new one for each tenth.
    """

    def __init__(self, steps):
        self.steps = steps
        self.done = 0
        self.begin = time.monotonic()
        self.shows = sys.stderr.isatty()

    def say(self, text):
        percent = 100 * self.done // self.steps
        spent = time.monotonic() - self.begin
        left = spent / self.done * (self.steps - self.done) if self.done else 0
        line = f"{percent:3} %, {left:.0f} s left: {text}"
        if self.shows:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif self.done and percent // 10 > 100 * (self.done - 1) // \
                self.steps // 10:
            print(line, file=sys.stderr, flush=True)
        self.done += 1

    def end(self):
        if self.shows:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, chosen, servers, loader, cores):
        self.chosen = chosen
        self.servers = servers
        self.load = loader
        self.core = cores[0]
        self.folder = chosen.output
        self.figures = figures.Figures(peers.FLOOR)
        self.failures = []
        self.failed = set()
        self.loads = scenarios.choose(chosen.scenarios, chosen.connections)

    def server(self, peer):
        return process.Server(peer, self.folder, self.core)

    def attempt(self, scenario, peer, turn, measure):
        """Adds what is measured, or says why it cannot be."""
        self.progress.say(f"round {turn + 1}, {scenario}, {peer.title}")
        try:
            self.figures.add(scenario, peer.name, turn, measure())
        except (process.Failure, OSError) as error:
            if not isinstance(error, load.NoAnswer):
                self.failed.add(peer.base)
            self.failures.append(f"{peer.title} in {scenario}: {error}")

    def prove(self):
        """Leaves out the servers that do not answer as they have to."""
        for name, peer in list(self.servers.items()):
            try:
                with self.server(peer) as server:
                    server.prove()
            except (process.Failure, OSError) as error:
                self.failed.add(peer.base)
                del self.servers[name]
                yield name, str(error)

    def text(self, name):
        path = os.path.join(self.folder, "text-" + name)
        if self.chosen.no_fetch or not os.path.exists(path):
            return []
        return ["--text", path]

    def measure(self, scenario, peer):
        warm_up = self.chosen.seconds / 3
        arguments = [*scenario.arguments,
                     *self.text(peer.text or scenario.text)]
        with self.server(peer) as server:
            found, share = self.load.measure(
                server, arguments, self.chosen.seconds, warm_up)
        values = load.values(found, share, scenario.unit)
        if "bytes_per_second" in found:
            values["bytes"] = found["bytes_per_second"]
        if scenario.name == "mixed":
            # Here it is the rate of the bulk that matters.
            values["rate"] = found["bytes_per_second"]
            del values["cpu"]
        return values

    def measure_idle(self, peer):
        with self.server(peer) as server:
            found = idle.measure(server, self.chosen.idle)
        return {**found, "connections": self.chosen.idle}

    def plan(self):
        """Yields each measurement: scenario, peer, round and how."""
        everyone = list(self.servers.values())
        for turn in range(self.chosen.rounds):
            for i, scenario in enumerate(self.loads):
                if scenario.rounds is not None and turn >= scenario.rounds:
                    continue
                first = (turn + i) % max(len(everyone), 1)
                for peer in everyone[first:] + everyone[:first]:
                    if scenario.wanted(peer):
                        yield (scenario.name, peer, turn,
                               lambda s=scenario, p=peer: self.measure(s, p))
        for peer in everyone:
            if scenarios.IDLE in self.chosen.scenarios and not peer.forks and \
                    peer.base not in (peers.BUSY, peers.WORKERS):
                yield (scenarios.IDLE, peer, 0,
                       lambda p=peer: self.measure_idle(p))
        for tool in counts.TOOLS:
            for peer in everyone:
                if scenarios.COUNTED in self.chosen.scenarios and \
                        peer.name in counts.IN_C:
                    yield (scenarios.COUNTED, peer, 0, lambda p=peer, t=tool:
                           counts.measure(t, p, self.load))

    def run(self):
        plan = list(self.plan())
        self.progress = Progress(len(plan))
        for scenario, peer, turn, measure in plan:
            self.attempt(scenario, peer, turn, measure)
        self.progress.end()


def prepare_texts(chosen):
    """Makes the texts, which are fetched; says which cannot be had."""
    packages = os.path.join(BUILD, "bench", "packages")
    made = {}
    for name in "english", "french", "russian", "ascii":
        made[name] = texts.make(name, packages)
    if all(made[name] for name in ("english", "french", "russian")):
        made[scenarios.THREE] = interleaved(
            made["english"], made["french"][: texts.LENGTH // 2],
            made["russian"][: texts.LENGTH // 2])
    for name, content in made.items():
        if content is None:
            print(f"The text {name} cannot be fetched; upcbench has its own")
            continue
        path = os.path.join(chosen.output, f"text-{name}")
        with whole.written(path, "wb") as file:
            file.write(content)


def interleaved(*contents, pieces=64):
    """The texts by turns, in that many pieces of each."""
    taken = []
    for content in contents:
        size = -(-len(content) // pieces)
        ends = texts.cuts(content, size)
        taken.append([content[begin:end]
                      for begin, end in zip([0, *ends], ends)])
    return b"".join(b"".join(turn) for turn in zip(*taken))


def write_results(comparison, chosen, about, missing):
    """Prints the tables, writes the files, and says where they are."""
    written = report.Report(comparison.figures, comparison.loads,
                            comparison.servers)
    for lines in written.tables():
        print("", *lines, sep="\n")
    drawing = charts.Charts(written, chosen.output)
    drawing.draw()
    comparison.figures.write_summary(
        os.path.join(chosen.output, "summary.csv"))
    comparison.figures.write_rounds(os.path.join(chosen.output, "rounds.csv"))
    with whole.written(os.path.join(chosen.output, "RESULTS"), "w",
                       encoding="utf-8") as file:
        for line in report.page(about, written, missing, comparison.failures,
                                drawing.drawn):
            print(line, file=file)
    print()
    for failure in comparison.failures:
        print(f"not measured: {failure}")
    if drawing.problem:
        print(f"No chart: {drawing.problem}")
    print(f"The page, the charts and all figures are in {chosen.output}")


def main():
    # A signal ends the servers too, as an exception does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen = options()
    os.makedirs(chosen.output, exist_ok=True)
    path = load.program(BUILD)
    if path is None:
        sys.exit("upcbench is not built")
    servers, missing = peers.find(chosen.servers, BUILD, chosen.output)
    if not chosen.no_fetch:
        prepare_texts(chosen)
    why_not = network.leave(chosen.congestion)
    cores = sorted(os.sched_getaffinity(0))
    cores = cores[0], cores[-1]
    os.sched_setaffinity(0, {cores[1]})
    comparison = Comparison(chosen, servers, load.Load(path, cores[1]), cores)
    missing.update(comparison.prove())
    about = machine.description(cores)
    if why_not:
        about["loopback"] = f"not one of our own: {why_not}"
    for name, text in about.items():
        print(f"{name}: {text}")
    for name, why in missing.items():
        print(f"{name} is left out: {why}")
    comparison.run()
    write_results(comparison, chosen, about, missing)
    if not comparison.figures.cells:
        sys.exit("nothing was measured")
    if comparison.failed & {peers.OURS, peers.FLOOR}:
        sys.exit(1)


main()
