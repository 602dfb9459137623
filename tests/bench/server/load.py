# SPDX-License-Identifier: ISC
"""Runs upcbench against a server, and says what the server spent meanwhile."""

import json
import os
import select
import subprocess
import time

import process

# Seconds between two looks at the server.
INTERVAL = 0.05

# Seconds that upcbench may take besides what it measures.
PATIENCE = 60

# The status of upcbench when an answer is not right.
WRONG = 1


def program(build):
    """The path of upcbench; None if it is not built."""
    path = os.environ.get("UPCBENCH") or os.path.join(build, "upcbench")
    return path if os.access(path, os.X_OK) else None


class NoAnswer(process.Failure):
    """The machine was too busy, or the time too short."""


class Load:
    def __init__(self, path, core=None):
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        self.start = [*pinned, path, "--format", "json"]

    def command(self, server, arguments):
        return [*self.start, *arguments, "--answer", server.peer.answer,
                f"127.0.0.1:{server.port}"]

    def run(self, server, arguments, bound):
        """Returns the report of upcbench and the looks at the server.

        A look is a time and the processor time of the server up to then.
        """
        with subprocess.Popen(
                self.command(server, arguments), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            try:
                looks = self._watch(running, server, bound)
                said, complaint = running.communicate(timeout=PATIENCE)
            except BaseException:
                running.kill()
                raise
        server.check()
        report = {}
        if running.returncode in (0, WRONG) and said.strip():
            report = json.loads(said)
        if running.returncode != 0 or not report:
            text = complaint.decode("utf-8", "replace").strip()
            raise process.Failure(
                f"upcbench: {text.rpartition(chr(10))[2] or 'no report'}")
        return report, looks

    def _watch(self, running, server, bound):
        """Looks at the server until the report comes."""
        looks = [look(server)]
        deadline = time.monotonic() + bound
        while not select.select([running.stdout], [], [], INTERVAL)[0]:
            looks.append(look(server))
            if time.monotonic() > deadline:
                raise process.Failure(f"upcbench does not end in {bound} s")
        looks.append(look(server))
        return looks

    def measure(self, server, arguments, seconds, warm_up):
        """Returns the report and the share of a processor the server took.

        The report says when what it measured began, on the clock of the looks.
        """
        how = ["--time", milliseconds(seconds),
               "--warm-up", milliseconds(warm_up)]
        report, looks = self.run(server, [*arguments, *how],
                                 seconds + warm_up + PATIENCE)
        measured = report["seconds"]
        began = report.get("began", looks[-1][0] - measured)
        spent = at(looks, began + measured) - at(looks, began)
        return report, spent / measured


def milliseconds(seconds):
    return f"{round(seconds * 1000)}ms"


def look(server):
    return time.monotonic(), server.cpu_time()


def at(looks, moment):
    """The processor time at a moment, on the line between two looks."""
    for (before, spent), (after, later) in zip(looks, looks[1:]):
        if moment <= after:
            part = (moment - before) / (after - before)
            return spent + max(part, 0) * (later - spent)
    return looks[-1][1]


def values(report, cpu_share, unit):
    """The figures of a report: processor time for a unit, rate, latency."""
    rate = report["bytes_per_second" if unit == "GB" else
                  "messages_per_second"]
    if rate == 0:
        raise NoAnswer("no answer came in the time")
    latency = report["latency_us"]
    found = {name: latency[name] for name in ("p50", "p99")
             if latency[name] is not None}
    # Microseconds for a message; milliseconds for 10^9 bytes.
    scale = 1e12 if unit == "GB" else 1e6
    found["rate"] = rate
    found["cpu"] = cpu_share / rate * scale
    return found
