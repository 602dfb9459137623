#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures what attacks cost upcased, and what a good client notices of them.

The daemon is on one host and the attackers are on another, both network
namespaces.  The good client is on that other host too and has an address of
its own.  It sends a message of 64 bytes 500 times a second on one connection,
and 100 times a second on a new one.  Before each attack the same is measured
without one; its latencies are what those under attack are compared with.
Figures are medians of rounds.

The daemon has one processor; the attackers and the good client have another,
where the good client goes first.  attackers.py has what each attack does.
make names the programs in the environment: see bench-attacks in tests/local.mk.
"""

import argparse
import contextlib
import dataclasses
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "system"), os.path.dirname(HERE)]

import attackers
import whole
from daemon import PATIENCE, UPCASED, Daemon, wait_until
from kernel_memory import held
from namespaces import CLIENT, SERVER, WIRE, two_hosts

# The address of the attackers, and the prefix of both hosts.
ATTACKER, PREFIX = "192.0.2.3", "192.0.2.0/24"

# Fewer than the flood wants.
MAX_CONNECTIONS = 2000

# Seconds after which an attacker ends by itself.
ATTACKERS_MOST = 120

MIB = 1 << 20

TITLES = {
    "flood": "flood from one address",
    "close": "connect and close",
    "reset": "resets",
    "slow": "slow senders, 1,000",
    "mute": "never-readers, 1,000",
    "half_open": "half-open, spoofed",
    "scan": "port scan",
    "random": "random bytes, 8",
    "proxy": "garbage for PROXY",
}

# The good client: how it asks, and how often in a second.
WAYS = (("kept", 500), ("new", 100))


@dataclasses.dataclass
class Sample:
    """What a span of time has cost, in the units of the table."""

    cpu: float
    rss: float
    kernel: float
    sockets: int
    descriptors: int
    latencies: list   # p50 and p99 of each way, in us
    failures: int     # of the good client
    rate: int = 0     # of the attack


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3,
                        help="of each attack, default: 3")
    parser.add_argument("--time", type=float, default=3,
                        help="seconds of each, default: 3")
    parser.add_argument("--attacks", metavar="A,B",
                        help=f"only these of {','.join(attackers.KINDS)}")
    parser.add_argument("--daemon", metavar="OPTIONS", action="append",
                        default=[], help="more options of the daemon, such as "
                        "'--source-exempt none', as far as it has them")
    parser.add_argument("--output", metavar="FILE",
                        help="write the table there as well")
    chosen = parser.parse_args()
    chosen.kinds = (chosen.attacks.split(",") if chosen.attacks
                    else attackers.KINDS)
    if unknown := set(chosen.kinds) - set(attackers.KINDS):
        parser.error(f"there is no attack {', '.join(sorted(unknown))}")
    return chosen


def accepts(*arguments):
    """Whether the daemon knows these options."""
    return subprocess.run(
        [UPCASED, "--config", "none", "--check", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=PATIENCE).returncode == 0


def proxy_options():
    """What makes a second address one for proxies; none: it cannot be."""
    wanted = ("--listen", f"{SERVER}:0,proxy", "--proxy-from", PREFIX)
    return wanted if accepts(*wanted) else ()


def arguments_of(chosen):
    """Those for the daemon: what it does not know is said and left out."""
    found = ["--max-connections", str(MAX_CONNECTIONS)]
    for text in chosen.daemon:
        if accepts(*text.split()):
            found += text.split()
        else:
            print(f"The daemon does not take {text}; it is left out.")
    return found


class Ground:
    """Both hosts and the daemon, which stays the same all the time."""

    def __init__(self, server, client, daemon, chosen):
        self.server, self.client = server, client
        self.daemon, self.chosen = daemon, chosen
        self.port = daemon.port
        self.proxy_port = None

    @contextlib.contextmanager
    def under(self, kind):
        """While an attack goes on; gives what it will tell of its rate."""
        port = self.proxy_port if kind == "proxy" else self.port
        attacker = subprocess.Popen(
            [*self.client.wrapper, *pinned(-1), sys.executable, "-B",
             os.path.join(HERE, "attackers.py"), kind, ATTACKER, SERVER,
             str(port), str(ATTACKERS_MOST)],
            stdout=subprocess.PIPE, text=True)
        rate = []
        try:
            line = attacker.stdout.readline()
            if line.strip() != attackers.READY:
                raise SystemExit(f"the attack {kind} did not begin")
            yield rate
        finally:
            attacker.terminate()
            try:
                rest = attacker.communicate(timeout=PATIENCE)[0].split()
            except subprocess.TimeoutExpired:
                attacker.kill()
                rest = attacker.communicate()[0].split()
        rate += [int(word) for word in rest[:1]]

    def ask(self, way, rate):
        """What the good client has seen: p50, p99 and failures."""
        seconds = self.chosen.time
        done = subprocess.run(
            [*self.client.wrapper, *pinned(-1), *first(), sys.executable, "-B",
             os.path.join(HERE, "good_client.py"), way, SERVER,
             str(self.port), str(seconds), str(rate)],
            stdout=subprocess.PIPE, text=True, check=True,
            timeout=PATIENCE + 10 * seconds)
        p50, p99, _, failures = done.stdout.split()
        return *(None if us == "-" else float(us) for us in (p50, p99)), \
            int(failures)

    def measure(self):
        """A sample of now."""
        found = {}
        def ask(way, rate):
            found[way] = self.ask(way, rate)
        threads = [threading.Thread(target=ask, args=way) for way in WAYS]
        start, used = time.monotonic(), self.daemon.cpu_time()
        for thread in threads:
            thread.start()
        time.sleep(self.chosen.time * 0.8)
        spent = time.monotonic() - start
        cpu = (self.daemon.cpu_time() - used) / spent
        sockets = held(self.port, self.server.wrapper)
        rss, descriptors = self.daemon.rss(), len(self.daemon.fds())
        for thread in threads:
            thread.join()
        return Sample(
            cpu=100 * cpu, rss=rss / MIB,
            kernel=sum(n for _, n in sockets) / MIB, sockets=len(sockets),
            descriptors=descriptors,
            latencies=[us for way, _ in WAYS for us in found[way][:2]],
            failures=sum(found[way][2] for way, _ in WAYS))

    def rest(self):
        """Waits until nothing is left of an attack."""
        wait_until(lambda: not held(self.port, self.server.wrapper) and
                   len(self.daemon.fds()) < 30, "all is over", 2 * PATIENCE)

    def round(self, kinds, samples):
        for kind in kinds:
            self.rest()
            calm = self.measure()
            with self.under(kind) as rate:
                sample = self.measure()
            sample.rate = sum(rate)
            samples.setdefault(kind, []).append((calm, sample))


def pinned(core):
    """The first processor is the daemon's, and the last that of the rest."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core])]


def first():
    """Before others on the same processor, if that is allowed."""
    return ["chrt", "--fifo", "1"]


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(pairs, i):
    """How many times as long the latency is as it is without the attack."""
    calm = median([pair[0].latencies[i] for pair in pairs])
    under = median([pair[1].latencies[i] for pair in pairs])
    return f"{under / calm:.2f}" if calm and under else "-"


def cells(pairs, samples, compared):
    """A row of the table, without its title."""
    def middle(name):
        return median([getattr(sample, name) for sample in samples])
    row = [f"{middle('rate'):,.0f}", f"{middle('cpu'):.1f}",
           f"{middle('rss'):.1f}", f"{middle('kernel'):.1f}",
           f"{middle('sockets'):,.0f}", f"{middle('descriptors'):,.0f}"]
    for i in range(2 * len(WAYS)):
        us = median([sample.latencies[i] for sample in samples])
        row.append("-" if us is None else f"{us:,.0f}")
        if compared:
            row[-1] += f" ({ratio(pairs, i)})"
    failures = sum(sample.failures for sample in samples)
    return [*row, f"{failures} failed" if failures else "always"]


HEAD = ["", "attack/s", "CPU %", "RSS MiB", "kernel MiB", "sockets", "fds",
        "p50 us", "p99 us", "new p50 us", "new p99 us", "answered"]


def table(samples):
    calm = [pair[0] for pairs in samples.values() for pair in pairs]
    rows = [HEAD, ["no attack", *cells([], calm, False)]]
    for kind, pairs in samples.items():
        rows.append([TITLES[kind],
                     *cells(pairs, [pair[1] for pair in pairs], True)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return "".join("  ".join(
        [row[0].ljust(widths[0]),
         *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        ).rstrip() + "\n" for row in rows)


def other_port(daemon):
    """The port of the address that is for proxies."""
    def found():
        ports = [re.match(r"listening on [\d.]+:(\d+)", line)
                 for line in daemon.lines]
        return [port[1] for port in ports if port and
                int(port[1]) != daemon.port]
    return int(wait_until(found, "it listens for proxies")[0])


def prepare(server, client):
    """Addresses and routes for all who take part."""
    client.run("ip", "address", "add", f"{ATTACKER}/24", "dev", WIRE)
    client.run("sh", "-c", "echo 1024 65535 >"
               "/proc/sys/net/ipv4/ip_local_port_range; "
               "echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse")
    # Requests that nobody completes are forgotten after 3 s instead of 63.
    server.run("sh", "-c",
               "echo 1 >/proc/sys/net/ipv4/tcp_synack_retries")
    # The answers to spoofed packets go back over the wire and end there.
    server.run("ip", "route", "add", "default", "via", CLIENT)


def run(chosen):
    kinds = list(chosen.kinds)
    extra = proxy_options() if "proxy" in kinds else ()
    if "proxy" in kinds and not extra:
        print("The daemon has no addresses for proxies; that attack is left "
              "out.")
        kinds.remove("proxy")
    samples = {}
    with two_hosts() as (server, client):
        prepare(server, client)
        with Daemon(args=[*arguments_of(chosen), *extra],
                    listen=[f"{SERVER}:0"],
                    wrapper=[*server.wrapper, *pinned(0), *first()]) as daemon:
            ground = Ground(server, client, daemon, chosen)
            if extra:
                ground.proxy_port = other_port(daemon)
            for _ in range(chosen.rounds):
                ground.round(kinds, samples)
            counters = daemon.counters()
    return table(samples), counters


def obstacle():
    """What this machine lacks for it, or None."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    missing = [name for name in ("ip", "ss", "unshare", "nsenter", "taskset",
                                 "chrt") if shutil.which(name) is None]
    return f"there is no {', '.join(missing)}" if missing else None


def main():
    chosen = options()
    if lack := obstacle():
        sys.exit(f"attacks: not measured: {lack}")
    try:
        text, counters = run(chosen)
    except unittest.SkipTest as lack:
        sys.exit(f"attacks: not measured: {lack}")
    text += ("\nIn parentheses: times as long as without the attack.\n" +
             " ".join(f"{name}={n}" for name, n in counters.items()) + "\n")
    print(text, end="")
    if chosen.output:
        with whole.written(chosen.output, "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
