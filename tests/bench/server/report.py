# SPDX-License-Identifier: ISC
"""The tables of what was measured, and the page that they stand on."""

import scenarios
from figures import number
from peers import FLOOR, OURS

# What the rates of the floor itself are multiplied by.
RATES = {scenarios.GB: 1e-9, scenarios.MESSAGE: 1e-3,
         scenarios.CONNECTION: 1e-3}


def table(heads, rows):
    """Yields lines: the first column to the left, the others to the right.

    A head is a line, or several of them.
    """
    heads = [(head,) if isinstance(head, str) else head for head in heads]
    high = max(map(len, heads))
    heads = [("",) * (high - len(head)) + tuple(head) for head in heads]
    lines = [*zip(*heads), *rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += map(str.rjust, line[1:], widths[1:])
        yield "  ".join(cells).rstrip()


class Report:
    def __init__(self, figures, chosen, servers):
        self.figures = figures
        self.chosen = chosen
        # Peers by name, in the order of the rows.
        self.servers = servers

    def of_group(self, group):
        return [scenario for scenario in self.chosen if scenario.group == group
                and scenario.name in self.figures.scenarios]

    def rows(self, cell, columns):
        """A row for each server that has anything in it."""
        for name, peer in self.servers.items():
            cells = [cell(name, column) for column in columns]
            if any(value != "-" for value in cells):
                yield [peer.title, *cells]

    def main(self, metric, heading, scales=None):
        """What is compared with the floor, whose own figures come first."""
        columns = self.of_group("main") + self.of_group("further")
        if not columns:
            return
        yield heading
        yield ""
        own = ["its own", *(self.own(s, metric, scales) for s in columns)]
        yield from table(["", *(s.heads for s in columns)], [own, *self.rows(
            lambda name, scenario: number(
                self.figures.of_floor(scenario.name, name, metric)), columns)])

    def own(self, scenario, metric, scales):
        value = self.figures.median(scenario.name, FLOOR, metric)
        return number(value and value * (scales or {}).get(scenario.unit, 1))

    def cpu(self):
        return self.main(
            "cpu", "Processor time of the server, to that of raw epoll in the "
            "same round; its own is\nin µs for a message or connection, and "
            "in ms for 1 GB")

    def rate(self):
        return self.main(
            "rate", "Rate, to that of raw epoll in the same round; its own is "
            "in thousand messages or\nconnections, and in GB, a second", RATES)

    def latency(self):
        columns = [(scenario, metric) for scenario in self.of_group("main")
                   if scenario.name.startswith("ping-")
                   for metric in ("p50", "p99")]
        if not columns:
            return
        yield "Time to the answer in µs, while all connections ask at once"
        yield ""
        yield from table(
            ["", *((*s.heads, metric) for s, metric in columns)],
            self.rows(lambda name, column: number(self.figures.median(
                column[0].name, name, column[1])), columns))

    def mixed(self):
        if "mixed" not in self.figures.scenarios:
            return
        yield "64 B × 32 beside a connection with bulk: p99 in µs without " \
            "and with it, and the\nrate of the bulk to that of raw epoll"
        yield ""
        def cell(name, column):
            scenario, metric = column
            if metric == "times":
                return number(self.figures.ratio("p99", ("mixed", name),
                                                 ("quiet", name)))
            if metric == "rate":
                return number(self.figures.of_floor("mixed", name, "rate"))
            return number(self.figures.median(scenario, name, metric))
        columns = (("quiet", "p99"), ("mixed", "p99"), ("mixed", "times"),
                   ("mixed", "rate"))
        yield from table(["", "without", "with", "times", "bulk"],
                         self.rows(cell, columns))

    def single(self):
        if "single" not in self.figures.scenarios:
            return
        yield "One connection, one message at a time: time to the answer in " \
            "µs, and its median\nto that of upcased in the same round"
        yield ""
        def cell(name, metric):
            if metric == "times":
                return number(self.figures.ratio("p50", ("single", name),
                                                 ("single", OURS)))
            return number(self.figures.median("single", name, metric))
        yield from table(["", "p50", "p99", "to upcased"],
                         self.rows(cell, ("p50", "p99", "times")))

    def memory(self):
        if scenarios.IDLE not in self.figures.scenarios:
            return
        count = max(self.figures.median(scenarios.IDLE, name, "connections")
                    or 0 for name in self.servers)
        yield "Memory of the server for a connection in bytes, over " \
            f"{count:,} that do nothing:\nbefore, and after each was served"
        yield ""
        yield from table(["", "idle", "served"], self.rows(
            lambda name, metric: number(self.figures.median(
                scenarios.IDLE, name, metric)), ("idle", "served")))

    def counted(self):
        if scenarios.COUNTED not in self.figures.scenarios:
            return
        found = {metric for scenario, _, metric in self.figures.cells
                 if scenario == scenarios.COUNTED}
        servers = [name for name in self.servers if any(
            self.figures.has(scenarios.COUNTED, name, row) for row in found)]
        yield "What a message of 64 bytes costs the server when it comes " \
            "alone: instructions in\nthe program and its libraries, and " \
            "calls of the system"
        yield ""
        # Instructions are many, and come before the calls.
        rows = sorted(found, key=lambda row: (row != "instructions", row))
        yield from table(
            ["", *(self.servers[name].title for name in servers)],
            [[row, *(number(self.figures.median(scenarios.COUNTED, name, row))
                     for name in servers)] for row in rows])

    def curve(self, group, metric, scale, heading):
        points = self.of_group(group)
        if not points:
            return
        yield heading
        yield ""
        def cell(name, scenario):
            value = self.figures.median(scenario.name, name, metric)
            return number(value and value * scale)
        yield from table(["", *(f"{s.x:,}" for s in points)],
                         self.rows(cell, points))

    def tables(self):
        """Yields the tables, each as a list of its lines."""
        for lines in (
            self.cpu(), self.rate(), self.latency(), self.mixed(),
            self.single(), self.memory(), self.counted(),
            self.curve("connections", "cpu", 1, "Processor time of the server "
                       "for a message of 64 bytes in µs, by connections"),
            self.curve("sizes", "cpu", 1, "Processor time of the server for a "
                       "message in µs, by its bytes, over 16 connections"),
            self.curve("sizes", "rate", 1e-3, "Thousand messages a second, by "
                       "their bytes, over 16 connections"),
        ):
            lines = list(lines)
            if lines:
                yield lines

INTRODUCTION = """\
upcased beside other servers
============================

Made by `make bench'; tests/bench/server has the servers and what runs them.
upcased upper-cases, and checks, real text; the others send back what they get,
but socat, which has tr upper-case ASCII.  All are compiled and run as they are
by default, those with a size with a buffer of that many bytes.  NAME alone is
the server as it is usually written.

Each server has one core and upcbench, which verifies every byte, has another.
All are measured in turn within each round.  A ratio is the median of the ratios
within the rounds, for the machine has phases.  Processor time is what the
kernel accounts to the threads of the server, its own work for them included.
"""


def page(machine, report, missing, failures, charts):
    """Yields the lines of the page."""
    yield from INTRODUCTION.splitlines()
    yield from ["", "", "The machine", "-----------", ""]
    yield from table_of_two(machine)
    yield from ["", "", "The servers", "-----------", ""]
    yield from dict.fromkeys(
        peer.version for peer in report.servers.values())
    for name, why in missing.items():
        yield f"{name} was left out: {why}"
    for failure in failures:
        yield f"not measured: {failure}"
    yield from ["", "", "The figures", "-----------"]
    for lines in report.tables():
        yield ""
        for line in lines:
            yield from line.splitlines() or [""]
    if charts:
        yield from ["", f"Charts: {', '.join(charts)}"]


def table_of_two(words):
    width = max(map(len, words), default=0)
    for name, text in words.items():
        yield f"{name:{width}}  {text}"
