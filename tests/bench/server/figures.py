# SPDX-License-Identifier: ISC
"""What was measured, and what follows from it: medians, and ratios in a round.

The machine has phases in which everything takes longer.  So what is compared
is compared within one round, and the median is taken over those ratios.
"""

import csv
import statistics

import whole

HEADING = ("scenario", "server", "metric", "rounds", "median", "least", "most",
           "of_floor")


class Figures:
    """Values by scenario, server, metric and round."""

    def __init__(self, floor):
        self.floor = floor
        self.cells = {}
        self.scenarios = []
        self.servers = []

    def add(self, scenario, server, turn, values):
        for listed, name in (self.scenarios, scenario), (self.servers, server):
            if name not in listed:
                listed.append(name)
        for metric, value in values.items():
            cell = self.cells.setdefault((scenario, server, metric), {})
            cell[turn] = value

    def has(self, scenario, server, metric):
        return (scenario, server, metric) in self.cells

    def median(self, scenario, server, metric):
        """None if there is none."""
        cell = self.cells.get((scenario, server, metric))
        return statistics.median(cell.values()) if cell else None

    def ratio(self, metric, one, other):
        """The median of the ratios of two pairs of a scenario and a server.

        A round counts in which both were measured; None without any.
        """
        above = self.cells.get((*one, metric), {})
        below = self.cells.get((*other, metric), {})
        ratios = [above[turn] / below[turn] for turn in above
                  if below.get(turn)]
        return statistics.median(ratios) if ratios else None

    def of_floor(self, scenario, server, metric):
        return self.ratio(metric, (scenario, server), (scenario, self.floor))

    def best(self, scenario, metric, servers, choose):
        """The server with the least or greatest median; None without any."""
        medians = {name: self.median(scenario, name, metric)
                   for name in servers if self.has(scenario, name, metric)}
        return choose(medians, key=medians.get) if medians else None

    def summary(self):
        """Yields a row of HEADING for each scenario, server and metric."""
        for (scenario, server, metric), cell in self.cells.items():
            values = list(cell.values())
            yield (scenario, server, metric, len(values),
                   *(f"{choose(values):.6g}"
                     for choose in (statistics.median, min, max)),
                   number(self.of_floor(scenario, server, metric), ""))

    def write_summary(self, path):
        write_rows(path, [HEADING, *self.summary()])

    def write_rounds(self, path):
        """Every value that was measured."""
        rows = [("scenario", "server", "metric", "round", "value")]
        for key, cell in self.cells.items():
            rows += [(*key, turn + 1, f"{value:.6g}")
                     for turn, value in cell.items()]
        write_rows(path, rows)


def write_rows(path, rows):
    with whole.written(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def number(value, missing="-"):
    """Three digits that count."""
    if value is None:
        return missing
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
