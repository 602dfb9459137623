# SPDX-License-Identifier: ISC
"""What the kernel holds for connections, as ss says."""

import re
import subprocess

from daemon import PATIENCE


# What the kernel counts may be below zero for a moment, which ss does not show.
SIGN, WRAP = 1 << 31, 1 << 32


def signed(text):
    number = int(text)
    return number - WRAP if number >= SIGN else number


def held(port, wrapper=()):
    """Sockets of the port, without those that listen: a list of pairs, the
    state and the bytes that the kernel holds for each."""
    output = subprocess.run(
        [*wrapper, "ss", "-tamnH", f"sport = :{port}"],
        stdout=subprocess.PIPE, text=True, check=True,
        timeout=PATIENCE).stdout
    found = []
    for line in output.splitlines():
        skmem = re.search(r"skmem:\((.*?)\)", line)
        state = line.split()[0] if line[:1].strip() else None
        if state:
            found.append([state, 0])
        if skmem and found:
            fields = dict(re.findall(r"([a-z]+)(\d+)", skmem.group(1)))
            found[-1][1] += sum(signed(fields[key])
                                for key in ("r", "w", "f", "bl"))
    return [(state, n) for state, n in found if state != "LISTEN"]
