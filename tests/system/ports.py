# SPDX-License-Identifier: ISC
"""Ports for what has to be told beforehand where it listens."""

import contextlib
import random
import socket


def free_ports(n=1):
    """Ports that nobody listens on, and that no client is given."""
    found = []
    while len(found) < n:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as finder, contextlib.suppress(OSError):
            # Of all addresses, as some tests want it.
            finder.bind(("", port))
            found.append(port)
    return found
