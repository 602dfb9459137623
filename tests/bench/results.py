# SPDX-License-Identifier: ISC
"""What was measured: medians, ratios, the table, the CSV and the chart."""

import csv
import os
import shutil
import statistics
import subprocess

import whole

SOURCE = os.path.dirname(os.path.abspath(__file__))

UNITS = ((1 << 20, "MiB"), (1 << 10, "KiB"))


def size_name(size):
    for unit, name in UNITS:
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


class Results:
    """Speeds in GB/s, by call, text and contender, one for each round."""

    def __init__(self, kernels, peers):
        self.kernels = kernels
        self.peers = peers
        self.contenders = [*kernels, "memcpy", *peers]
        self.texts = []
        self.speeds = {}

    def add(self, call, text, contender, speed):
        if text not in self.texts:
            self.texts.append(text)
        texts = self.speeds.setdefault(call, {})
        texts.setdefault(text, {}).setdefault(contender, []).append(speed)

    def median(self, call, text, contender):
        """None if the contender refused the text."""
        speeds = self.speeds[call][text].get(contender)
        return statistics.median(speeds) if speeds else None

    def ratio(self, call, text, contender, other):
        """The median of the ratios within each round."""
        cells = self.speeds[call][text]
        if other not in cells or contender not in cells:
            return None
        pairs = zip(cells[contender], cells[other])
        return statistics.median(one / two for one, two in pairs)

    def best_peer(self, call, text):
        medians = {
            peer: self.median(call, text, peer)
            for peer in self.peers
            if peer in self.speeds[call][text]
        }
        return max(medians, key=medians.get, default=None)


def table(results):
    """Yields the lines of one table for each length of a call."""
    best = results.kernels[0]
    widths = [max(len(name), 6) + 2 for name in results.contenders]
    for call, texts in sorted(results.speeds.items()):
        yield ""
        yield (
            f"Calls of {size_name(call)}, GB/s of input; on the right {best} "
            "divided by memcpy and by the best peer"
        )
        heads = zip(results.contenders, widths)
        yield (
            f"{'':12}"
            + "".join(f"{name:>{width}}" for name, width in heads)
            + "  /memcpy  /best peer"
        )
        for text in texts:
            row = f"{text:12}"
            for name, width in zip(results.contenders, widths):
                row += f"{number(results.median(call, text, name)):>{width}}"
            peer = results.best_peer(call, text)
            row += f"{number(results.ratio(call, text, best, 'memcpy')):>9}"
            row += f"{number(results.ratio(call, text, best, peer)):>8}"
            yield f"{row} {peer or ''}".rstrip()
        yield from summary(results, call)


def summary(results, call):
    """What the last column says of all texts together."""
    best = results.kernels[0]
    ratios = {}
    for text in results.speeds[call]:
        peer = results.best_peer(call, text)
        if peer:
            ratios[text] = results.ratio(call, text, best, peer)
    if ratios:
        low = min(ratios, key=ratios.get)
        high = max(ratios, key=ratios.get)
        middle = statistics.median(ratios.values())
        yield (
            f"{best} is {number(ratios[low])} ({low}) to "
            f"{number(ratios[high])} ({high}) times as fast as the best peer, "
            f"the median is {number(middle)}"
        )


def number(value):
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


HEADING = (
    "call",
    "row",
    "text",
    "contender",
    "rounds",
    "median_GBps",
    "least_GBps",
    "most_GBps",
    "of_memcpy",
    "best_peer",
    "of_best_peer",
)


def csv_row(results, call, text, name):
    speeds = results.speeds[call][text][name]
    peer = results.best_peer(call, text)
    figures = (
        statistics.median(speeds),
        min(speeds),
        max(speeds),
        results.ratio(call, text, name, "memcpy"),
    )
    row = [call, results.texts.index(text) + 1, text, name, len(speeds)]
    row += [f"{figure:.5g}" for figure in figures]
    ratio = results.ratio(call, text, name, peer)
    return row + ["" if peer is None else peer,
                  "" if ratio is None else f"{ratio:.5g}"]


def write_csv(results, path):
    """One row for each call, text and contender that took it."""
    with whole.written(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADING)
        for call, texts in sorted(results.speeds.items()):
            for text, speeds in texts.items():
                for name in filter(speeds.get, results.contenders):
                    rows.writerow(csv_row(results, call, text, name))


def draw(results, table_path, chart_path):
    """Draws the chart; returns what is in the way of it, or None."""
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        return "gnuplot is not installed"
    calls = sorted(results.speeds)
    # gnuplot divides words at blanks, but not at this one.
    titles = [size_name(call).replace(" ", "\u00a0") for call in calls]
    strings = {
        "table": table_path,
        "calls": " ".join(map(str, calls)),
        "titles": " ".join(titles),
        "contenders": " ".join(results.contenders),
        "texts": " ".join(results.texts),
    }
    problem = None
    with whole.beside(chart_path, table_path) as chart:
        strings["chart"] = chart
        settings = "".join(f"{name} = '{text}'; "
                           for name, text in strings.items())
        settings += f"kernels = {len(results.kernels)}"
        drawn = subprocess.run(
            [gnuplot, "-e", settings, os.path.join(SOURCE, "chart.gp")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if drawn.returncode != 0 or drawn.stderr:
            problem = drawn.stderr.strip() or "gnuplot failed"
            os.remove(chart)
    return problem
