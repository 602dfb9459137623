#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures what haproxy in front of upcased costs, and what a connection does.

Servers share one processor and the clients have another; with and without
haproxy take turns, so that what else the machine does hits both alike.  Rates
and costs are medians.  The memory of the kernel is read from /proc/slabinfo,
which needs root.

make names the programs in the environment: see bench-haproxy in tests/local.mk.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))

from daemon import Daemon, wait_until
from haproxy import HAPROXY, Haproxy, free_port

UPCBENCH = os.environ.get("UPCBENCH", "upcbench")

LOADS = (("64 bytes, 64 clients", "ping-pong", 64),
         ("64 bytes, 1000 clients", "ping-pong", 1000),
         ("bulk, 1 client", "stream", 1),
         ("bulk, 8 clients", "stream", 8))


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5,
                        help="of each load, default: 5; 0 for memory alone")
    parser.add_argument("--time", default="2s", help="of each, default: 2s")
    parser.add_argument("--connections", type=int, default=8000,
                        help="at rest, whose memory is measured")
    return parser.parse_args()


def cpu_time(pid):
    """Seconds of processor time used so far, by all threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024


def slabs():
    """What the kernel has allocated: {cache: (objects, bytes)}"""
    found = {}
    with open("/proc/slabinfo") as file:
        for line in file.readlines()[2:]:
            fields = line.split()
            pages = int(fields[5]) * int(fields[14])
            found[fields[0]] = (int(fields[1]),
                                pages * os.sysconf("SC_PAGE_SIZE"))
    return found


def run_load(mode, clients, address, time):
    done = subprocess.run(
        ["taskset", "-c", str(os.cpu_count() - 1), UPCBENCH, "--mode", mode,
         "--connections", str(clients), "--time", time, "--format", "json",
         "{}:{}".format(*address)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def measure(load, address, pids, time):
    """The rate, and the seconds of each process for a unit: a message, or a
    gigabyte.  What runs before and after the count is in both."""
    _, mode, clients = load
    before = [cpu_time(pid) for pid in pids]
    report = run_load(mode, clients, address, time)
    used = [cpu_time(pid) - start for pid, start in zip(pids, before)]
    # The processor is busy in the warm-up as it is in the count.
    seconds = report["seconds"] + 0.5
    if mode == "stream":
        rate = report["bytes_per_second"] / 1e9
    else:
        rate = report["messages_per_second"]
    return [rate] + [spent / seconds / rate for spent in used]


def print_loads(daemon, balancer, chosen):
    ways = (("upcased alone", daemon.address, [daemon.pid]),
            ("behind haproxy", balancer.address,
             [daemon.pid, balancer.process.pid]))
    print(f"{'':26}{'':16}{'rate':>12}{'upcased':>12}{'haproxy':>12}")
    for load in LOADS:
        found = {way: [] for way, _, _ in ways}
        for _ in range(chosen.rounds):
            for way, address, pids in ways:
                found[way].append(measure(load, address, pids, chosen.time))
        bulk = load[1] == "stream"
        for way, rows in found.items():
            rate, *costs = map(statistics.median, zip(*rows))
            line = f"{load[0]:26}{way:16}"
            line += f"{rate:7.2f} GB/s" if bulk else f"{rate:10,.0f}/s"
            for cost in costs:
                line += (f"{cost:7.3f} s/GB" if bulk
                         else f"{cost * 1e6:9.2f} µs")
            print(line)


def print_memory(title, address, processes, count):
    """What count connections at rest take, after each was served once."""
    baseline = slabs()
    before = [rss(pid) for _, pid in processes]
    clients = []
    for _ in range(count):
        client = socket.create_connection(address)
        client.sendall(b"x")
        client.recv(1)
        clients.append(client)
    grown = {name: (objects - baseline[name][0], size - baseline[name][1])
             for name, (objects, size) in slabs().items()}
    print(f"{title}: bytes a connection, of {count}")
    for (name, pid), start in zip(processes, before):
        print(f"  {name:30}{(rss(pid) - start) / count:10.0f}")
    total = sum(size for _, size in grown.values())
    print(f"  {'kernel, both ends of each':30}{total / count:10.0f}")
    for name, (objects, size) in sorted(grown.items(), key=lambda g: -g[1][1]):
        if size > 24 * count:
            print(f"    {name:28}{size / count:10.0f}"
                  f"{objects / count:8.2f} objects")
    for client in clients:
        client.close()


def main():
    if not HAPROXY:
        sys.exit("haproxy is missing")
    chosen = options()
    os.sched_setaffinity(0, {0})
    # The other two servers of the example are not there.
    with Daemon(listen=["127.0.0.1:0", "127.0.0.1:0,proxy"],
                args=["--proxy-from", "loopback"]) as daemon, \
            Haproxy([daemon.addresses[1][1], free_port(), free_port()]) as \
            balancer:
        for name in "b", "c":
            balancer.set_state(name, "maint")
        if chosen.rounds:
            print_loads(daemon, balancer, chosen)
        if os.geteuid() == 0:
            print_memory("upcased alone", daemon.address,
                         [("upcased", daemon.pid)], chosen.connections)
            # Those that the load left in the middle of bulk stall first.
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended", 60)
            print_memory("behind haproxy", balancer.address,
                         [("upcased", daemon.pid),
                          ("haproxy", balancer.process.pid)],
                         chosen.connections)


if __name__ == "__main__":
    main()
