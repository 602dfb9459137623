# SPDX-License-Identifier: ISC
"""What a message costs in instructions and in system calls.

Both are counted at two numbers of messages, whose difference has nothing of
the start and the end in it.  One connection sends one message at a time, so
that no two share a wake-up: this is what a message costs at the most.
"""

import contextlib
import os
import re
import tempfile

import contenders
import process

FEW, MANY = 200, 1200

# Those that callgrind can look into.
IN_C = ("upcased", "upcased-before", "epoll", "libev", "libuv",
        "libevent")


def callgrind(path):
    return ["valgrind", "--tool=callgrind", "--vgdb=no",
            f"--callgrind-out-file={path}"]


def strace(path):
    return ["strace", "-f", "-c", "-o", path]


def instructions(text):
    """The total of a file of callgrind."""
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.M)
    if not found:
        raise process.Failure("callgrind has counted nothing")
    return {"instructions": int(found.group(1))}


def calls(text):
    """The table of strace: how often each call was made, by name."""
    rows = re.findall(
        r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", text, re.M)
    counted = {name: int(count) for count, name in rows if name != "total"}
    if not counted:
        raise process.Failure("strace has counted nothing")
    return counted


TOOLS = {"valgrind": (callgrind, instructions), "strace": (strace, calls)}


def difference(few, many, messages):
    """What came with each message, by name; what came with none is left out."""
    found = {name: (many[name] - few.get(name, 0)) / messages for name in many}
    return {name: value for name, value in found.items() if value > 0.005}


def count(tool, peer, load, messages):
    wrapper, read = TOOLS[tool]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "counts")
        with process.Server(peer, folder, wrapper=wrapper(path)) as server:
            # The counts are written at the end, when a server may have dropped
            # the privileges that it had when the file was made.
            os.chmod(folder, 0o755)
            with contextlib.suppress(FileNotFoundError):
                os.chmod(path, 0o666)
            load.run(server, ["--mode", "ping-pong", "--connections", "1",
                              "--size", "64", "--warm-up", "0ms",
                              "--count", str(messages)], 120)
        with open(path, encoding="utf-8", errors="replace") as file:
            return read(file.read())


def measure(tool, peer, load):
    """Counts by name for a message."""
    if contenders.installed(tool) is None:
        raise process.Failure(f"{tool} is not installed")
    few, many = (count(tool, peer, load, n) for n in (FEW, MANY))
    return difference(few, many, MANY - FEW)
