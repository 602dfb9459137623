#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Compares upcased with what people would otherwise put text in upper case by.

Two tables: commands through which a text is piped, and servers.  Each has what
is right and how fast it is; rates are medians of rounds in which all take
turns, so that what else the machine does hits all of them.  README has them.

make names the folders in the environment: see bench-alternatives in
tests/local.mk.
"""

import argparse
import contextlib
import dataclasses
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("builddir", ".")
sys.path[1:1] = [os.path.join(HERE, "server"), os.path.dirname(HERE)]

import contenders
import load
import machine
import peers
import process

UPC = os.environ.get("UPC") or os.path.join(BUILD, "upc")

# Article 1 of the Universal Declaration of Human Rights.
TEXT = """\
All human beings are born free and equal in dignity and rights. They are \
endowed with reason and conscience and should act towards one another in a \
spirit of brotherhood.
Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit \
Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit \
begegnen.
Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils \
sont doués de raison et de conscience et doivent agir les uns envers les \
autres dans un esprit de fraternité.
Все люди рождаются свободными и равными в своем достоинстве и правах. Они \
наделены разумом и совестью и должны поступать в отношении друг друга в духе \
братства.
人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。
"""

PYTHON = """import sys
for line in sys.stdin:
    sys.stdout.write(line.upper())"""

# How the table names a command, the program it needs, and the command.
COMMANDS = (
    ("tr a-z A-Z", "tr", ["tr", "a-z", "A-Z"]),
    ("awk '{ print toupper($0) }'", "mawk", ["mawk", "{ print toupper($0) }"]),
    (r"sed 's/.*/\U&/'", "sed", ["sed", r"s/.*/\U&/"]),
    ("perl -CS -pe '$_ = uc'", "perl", ["perl", "-CS", "-pe", "$_ = uc"]),
    ("python3, str.upper()", "python3", [sys.executable, "-c", PYTHON]),
    ("uconv -x any-upper", "uconv", ["uconv", "-x", "any-upper"]),
)
OURS = "upc, through upcased"

# How the other table names the servers.
LECTURE, SOCAT, UPCASED = "lecture's server", "socat and tr", "upcased"
SERVERS = LECTURE, SOCAT, UPCASED

# All of them take the text for UTF-8.
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}

# Bytes of text on a connection on which the letters are tried: what the server
# of the lecture takes at once.
PIECE = 1000

# Bytes of the text that is longer than that.
LONG = 1 << 20


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    parser.add_argument("--size", type=float, default=32, metavar="MB",
                        help="of the text in a pipe, default: 32")
    parser.add_argument("--time", default="1s",
                        help="of each measurement of a server, default: 1s")
    parser.add_argument("--patience", type=float, default=5, metavar="SECONDS",
                        help="for an answer beside an idle client, default: 5")
    return parser.parse_args()


def letters():
    """Each letter whose upper case is another, with that upper case."""
    mapping = {}
    for name in "simple", "special":
        path = f"{SOURCE}/contrib/unicode/{name}-uppercase.txt"
        with open(path, encoding="ascii") as file:
            for line in file:
                if not line.startswith("#"):
                    code, upper = line.split(";")
                    mapping[chr(int(code, 16))] = "".join(
                        chr(int(one, 16)) for one in upper.split())
    return {one: upper for one, upper in mapping.items() if one != upper}


def right(wanted, answer):
    """How many of the lines are the upper case of their letter."""
    lines = answer.decode("utf-8", "replace").split("\n")
    return sum(one == two for one, two in zip(wanted, lines))


def through(command, path):
    """Pipes a file through the command: the seconds, and what comes out."""
    begin = time.monotonic()
    with open(path, "rb") as text, subprocess.Popen(
            command, stdin=text, stdout=subprocess.PIPE, env=UTF8) as running:
        with subprocess.Popen(["wc", "-c"], stdin=running.stdout,
                              stdout=subprocess.PIPE) as count:
            running.stdout.close()
            size = int(count.communicate()[0])
    if running.returncode != 0 or size == 0:
        sys.exit(f"{command[0]} ended with status {running.returncode}")
    return time.monotonic() - begin


def commands(chosen, upcased, folder):
    """The rows of the first table."""
    found = [(name, command) for name, tool, command in COMMANDS
             if contenders.installed(tool)]
    found.append((OURS, [UPC, "--server", f"127.0.0.1:{upcased.port}"]))
    pairs = letters()
    path = os.path.join(folder, "text")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(one + "\n" for one in pairs))
    counts = {}
    for name, command in found:
        with open(path, "rb") as file:
            answer = subprocess.run(command, stdin=file, check=True, env=UTF8,
                                    stdout=subprocess.PIPE).stdout
        counts[name] = right(pairs.values(), answer)
    content = TEXT.encode()
    content *= max(int(chosen.size * 1e6 / len(content)), 1)
    with open(path, "wb") as file:
        file.write(content)
    seconds = {name: [] for name, _ in found}
    for _ in range(chosen.rounds):
        for name, command in found:
            seconds[name].append(through(command, path))
    for name, spent in seconds.items():
        rate = len(content) / 1e6 / statistics.median(spent)
        yield name, f"{counts[name]:,}", figure(rate)


def figure(number):
    """A number in as many digits as it is good for."""
    digits = 2 - len(str(int(number)))
    return f"{round(number, min(digits, 0)):,.0f}"


def converse(client, text):
    """Sends the text and its end, and returns what comes back up to the end."""
    def send():
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    answer = bytearray()
    try:
        while some := client.recv(1 << 16):
            answer += some
    except ConnectionError:
        pass
    sender.join()
    return bytes(answer)


def ask(server, text):
    with server.connect() as client:
        return converse(client, text)


def pieces(lines):
    """The lines in texts that one recv takes."""
    text = b""
    for line in lines:
        if len(text) + len(line) > PIECE:
            yield text
            text = b""
        text += line
    yield text


def count_right(server):
    pairs = letters()
    asked = pieces(f"{one}\n".encode() for one in pairs)
    return right(pairs.values(), b"".join(ask(server, one) for one in asked))


def share(server):
    """How much of the answer to a long text comes, in words."""
    text = b"I am hungry for more than one recv.\n" * (LONG // 36)
    answer = ask(server, text)
    return "all" if answer == text.upper() else f"{len(answer):,} bytes"


def is_blocked(server, patience):
    """Whether nobody is answered while one client is silent."""
    with server.connect(), server.connect() as client:
        client.settimeout(patience)
        try:
            client.sendall(b"hungry\n")
            return "no" if client.recv(7) else "yes"
        except TimeoutError:
            return "yes"


def measure(chosen, program, server, mode, key):
    arguments = ["--mode", mode, "--time", chosen.time, "--warm-up", "100ms"]
    return load.Load(program).run(server, arguments, load.PATIENCE)[0][key]


def servers(chosen, running):
    """The rows of the second table."""
    program = load.program(BUILD) or sys.exit("upcbench is not built")
    churn = {name: [] for name in running}
    stream = {name: [] for name in running}
    shares = {name: share(server) for name, server in running.items()}
    for _ in range(chosen.rounds):
        for name, server in running.items():
            churn[name].append(measure(chosen, program, server, "churn",
                                       "messages_per_second"))
            if shares[name] == "all":
                stream[name].append(measure(chosen, program, server, "stream",
                                            "bytes_per_second"))
    for name, server in running.items():
        bulk = "-"
        if stream[name]:
            bulk = figure(statistics.median(stream[name]) / 1e6)
        yield (name, f"{count_right(server):,}", shares[name],
               is_blocked(server, chosen.patience),
               figure(statistics.median(churn[name])), bulk)


PIPE_HEAD = (("text through a pipe", "letters right", "MB/s"),)
PIPE_WIDTHS = 30, 13, 11
SERVER_HEAD = (
    ("text over TCP", "letters", "answered", "idle client", "short",
     "long text"),
    ("", "right", "of 1 MB", "blocks it", "texts/s", "MB/s"))
SERVER_WIDTHS = 19, 9, 13, 12, 10, 11


def print_table(widths, head, rows):
    for title, *cells in [*head, *rows]:
        line = title.ljust(widths[0])
        line += "".join(map(str.rjust, cells, widths[1:]))
        print(line.rstrip(), flush=True)


def started(folder, stack):
    """The servers of the second table but ours, for as long as the stack."""
    lecture = dataclasses.replace(
        peers.script("lecture", sys.executable, "lecture.py"), answer="upper")
    running = {LECTURE: stack.enter_context(process.Server(lecture, folder))}
    if contenders.installed("socat"):
        running[SOCAT] = stack.enter_context(
            process.Server(peers.socat(), folder))
    return running


def main():
    chosen = options()
    print(f"{machine.processor()}, {os.cpu_count()} CPUs, {machine.kernel()}, "
          f"load {os.getloadavg()[0]:.1f}, {len(letters()):,} letters\n")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        upcased = stack.enter_context(
            process.Server(peers.upcased(BUILD), folder))
        print_table(PIPE_WIDTHS, PIPE_HEAD, commands(chosen, upcased, folder))
        print()
        running = {**started(folder, stack), UPCASED: upcased}
        print_table(SERVER_WIDTHS, SERVER_HEAD, servers(chosen, running))


if __name__ == "__main__":
    main()
