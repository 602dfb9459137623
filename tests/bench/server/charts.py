# SPDX-License-Identifier: ISC
"""The charts of what was measured, drawn by gnuplot."""

import os
import shutil
import subprocess

import figures
import scenarios
import whole

SOURCE = os.path.dirname(os.path.abspath(__file__))


# What is less than this stands at the edge of a chart.
LEAST = 0.1


class Charts:
    """Draws into a folder; what is in the way of it is in problem."""

    def __init__(self, report, folder):
        self.report = report
        self.figures = report.figures
        self.folder = folder
        self.drawn = []
        self.problem = None
        self.gnuplot = shutil.which("gnuplot")
        if self.gnuplot is None:
            self.problem = "gnuplot is not installed"

    def draw(self):
        main = [(scenario.name, scenario.title)
                for scenario in self.report.of_group("main")]
        self.rows("cpu", main, "cpu", True,
                  "Processor time of the server for a unit, to raw epoll")
        self.rows("rate", main, "rate", True,
                  "Units a second, to raw epoll")
        if scenarios.IDLE in self.figures.scenarios:
            self.rows("memory", [(scenarios.IDLE, "idle"),
                                 (scenarios.IDLE, "served")], None, False,
                      "Bytes of the server for a connection")
        self.curves()

    def value(self, scenario, server, metric, ratio):
        if ratio:
            return self.figures.of_floor(scenario, server, metric)
        return self.figures.median(scenario, server, metric)

    def rows(self, name, panels, metric, ratio, title):
        """A panel for each scenario, a row for each server."""
        servers = [peer for peer in self.report.servers.values()
                   if any(self.figures.has(scenario, peer.name, metric or panel)
                          for scenario, panel in panels)]
        points = []
        for i, (scenario, panel) in enumerate(panels):
            for row, peer in enumerate(servers):
                value = self.value(scenario, peer.name, metric or panel, ratio)
                # The axis is logarithmic, and nothing is a little too.
                if value is not None:
                    points.append((i + 1, row + 1, f"{max(value, LEAST):.6g}",
                                   peer.name))
        if points:
            self.plot("rows.gp", name, points, {
                "panels": unbroken(panel for _, panel in panels),
                "servers": unbroken(peer.title for peer in servers),
                "heading": title, "ratio": "1" if ratio else ""})

    def curves(self):
        """A panel for each curve, a line for each server."""
        names = [name for name in self.report.servers
                 if self.report.servers[name].name in scenarios.CURVES]
        points = []
        for panel, group, metric in ((1, "connections", "cpu"),
                                     (2, "sizes", "cpu"),
                                     (3, "sizes", "bytes")):
            for scenario in self.report.of_group(group):
                for line, name in enumerate(names):
                    value = self.figures.median(scenario.name, name, metric)
                    if value is not None and value > 0:
                        points.append((panel, line + 1, scenario.x,
                                       f"{value:.6g}"))
        if points:
            titles = [self.report.servers[name].title for name in names]
            self.plot("curves.gp", "curves", points,
                      {"servers": unbroken(titles)})

    def plot(self, script, name, points, strings):
        if self.gnuplot is None:
            return
        table = os.path.join(self.folder, f"{name}.csv")
        chart = os.path.join(self.folder, f"{name}.svg")
        figures.write_rows(table, points)
        with whole.beside(chart, table) as path:
            strings = {"table": table, "chart": path, **strings}
            settings = "".join(f'{key} = "{text}"; '
                               for key, text in strings.items())
            ran = subprocess.run(
                [self.gnuplot, "-e", settings, os.path.join(SOURCE, script)],
                capture_output=True, text=True, timeout=60)
            if ran.returncode != 0 or ran.stderr:
                self.problem = ran.stderr.strip() or "gnuplot failed"
                os.remove(path)
            else:
                self.drawn.append(f"{name}.svg")
        os.remove(table)


def unbroken(titles):
    """gnuplot divides words at blanks, but not at this one."""
    return " ".join(title.replace(" ", "\u00a0") for title in titles)
