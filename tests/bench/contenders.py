# SPDX-License-Identifier: ISC
"""The programs of the benchmark and what is said to them: see contender.h."""

import os
import select
import shutil
import subprocess
import sys

SOURCE = os.path.dirname(os.path.abspath(__file__))

# Seconds for one answer: the slowest contender with the longest call.
PATIENCE = 120


class Program:
    """One that runs, and its contenders with what each counts."""

    def __init__(self, command):
        self.command = command
        # Unbuffered, so that a line is either here or still in the pipe.
        self.process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.contenders = {}
        while (words := self.line()) != ["ready"]:
            self.contenders[words[0]] = words[1]

    def line(self):
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(f"{self.command[0]} does not answer")
        line = self.process.stdout.readline().decode()
        if not line:
            raise EOFError(f"{' '.join(self.command)} has ended")
        return line.rstrip("\n").split("\t")

    def ask(self, *words):
        self.process.stdin.write(("\t".join(words) + "\n").encode())
        return self.line()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def installed(name):
    """The path of a program, Debian's before any other; None without it."""
    return shutil.which(name, path="/usr/bin:" + os.environ.get("PATH", ""))


def compiled(folder, command, source, **environment):
    """Compiles a program into the folder and returns its path."""
    target = os.path.join(folder, "bench-" + source.rpartition(".")[2])
    subprocess.run(
        [*command, "-o", target, os.path.join(SOURCE, source)],
        env={**os.environ, **environment},
        check=True,
        timeout=300,
    )
    return target


def go(folder):
    """Go keeps what it has compiled in the folder."""
    command = [installed("go"), "build"]
    cache = os.path.join(folder, "go")
    return compiled(
        folder, command, "upper.go", GOCACHE=cache, GO111MODULE="off"
    )


def rust(folder):
    command = [installed("rustc"), "--edition=2021", "-C", "opt-level=3"]
    version = subprocess.run(
        [command[0], "--version"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout.split()[1]
    return compiled(folder, command, "upper.rs", RUST_VERSION=version)


def peers(build, folder):
    """The commands of the peers by name; a reason where there is none."""
    found = {}
    for library in "icu", "glib", "unistring":
        path = os.path.join(build, f"bench-{library}")
        if os.path.exists(path):
            found[library] = [path]
        else:
            found[library] = "configure has not found it"
    found["python"] = [sys.executable, "-B", os.path.join(SOURCE, "upper.py")]
    for name, tool, make in (
        ("node", "node", None),
        ("go", "go", go),
        ("rust", "rustc", rust),
    ):
        if installed(tool) is None:
            found[name] = f"{tool} is not installed"
        elif make is None:
            script = os.path.join(SOURCE, "upper.js")
            found[name] = [installed(tool), script]
        else:
            try:
                found[name] = [make(folder)]
            except (OSError, subprocess.SubprocessError) as error:
                found[name] = f"it could not be compiled: {error}"
    return found
