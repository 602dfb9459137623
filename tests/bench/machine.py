# SPDX-License-Identifier: ISC
"""What the benchmarks say of the machine that they run on."""

import os
import platform
import time


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.machine()


def congestion_control():
    path = "/proc/sys/net/ipv4/tcp_congestion_control"
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def kernel():
    """What a distribution adds to its number is no matter."""
    return f"{platform.system()} {platform.release().partition('-')[0]}"


def description(cores):
    """What it is, by name, with the cores of the server and of the load."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{processor()}, {os.cpu_count()} CPUs",
        "kernel": kernel(),
        "congestion control": congestion_control(),
        "cores": f"server on {cores[0]}, load on {cores[1]}",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
