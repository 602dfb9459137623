#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A client that asks now and then, and takes the time: see attacks.py.

    good_client.py WAY HOST PORT SECONDS RATE

By the way `kept' all messages go over one connection; by `new' each has its
own, and the time is that from the connect on.  It writes a line: the median and
the 99th percentile in microseconds, how many answers it had, and how many it
waited for in vain.
"""

import socket
import sys
import time

MESSAGE = b"The quick brown fox jumps over the lazy dog, and rests awhile.\r\n"

# Seconds after which an answer is given up.
PATIENCE = 2


def connect(target):
    client = socket.create_connection(target, PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def exchange(client):
    client.sendall(MESSAGE)
    answer = b""
    while len(answer) < len(MESSAGE):
        more = client.recv(len(MESSAGE))
        if not more:
            raise ConnectionError
        answer += more
    if answer != MESSAGE.upper():
        raise SystemExit(f"wrong answer: {answer}")


def kept(target, state):
    if "client" not in state:
        state["client"] = connect(target)
    start = time.perf_counter()
    try:
        exchange(state["client"])
    except OSError:
        state.pop("client").close()
        raise
    return time.perf_counter() - start


def new(target, state):
    start = time.perf_counter()
    with connect(target) as client:
        exchange(client)
        return time.perf_counter() - start


WAYS = {"kept": kept, "new": new}


def main():
    way, host, port, seconds, rate = sys.argv[1:]
    target, state, times, failures = (host, int(port)), {}, [], 0
    start = due = time.monotonic()
    while due < start + float(seconds):
        # What is late is not made up for: a wait counts once.
        time.sleep(max(0, due - time.monotonic()))
        due = max(due + 1 / float(rate), time.monotonic())
        try:
            times.append(WAYS[way](target, state))
        except OSError:
            failures += 1
    times.sort()
    middle, high = (f"{times[int(len(times) * part)] * 1e6:.1f}" if times
                    else "-" for part in (0.5, 0.99))
    print(middle, high, len(times), failures)


if __name__ == "__main__":
    main()
