#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The completions of bash, zsh and fish: each shell is asked."""

import filecmp
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import tap
from daemon import PATIENCE, needs

SOURCE = os.path.join(os.environ.get("srcdir", "."), "contrib/completions")
BUILD = os.environ.get("builddir", ".")
PROGRAMS = ("upcased", "upc", "upcbench")

# What is typed, and what is then offered: all of it, or, with a word that ends
# in dots, some.
CASES = (
    ("upcased --inv", ["--invalid"]),
    ("upcased --invalid ", ["close", "pass", "replace"]),
    ("upcased --invalid=", ["close", "pass", "replace"]),
    ("upcased --invalid=re", ["replace"]),
    ("upcased --log ", ["stderr", "syslog"]),
    ("upcased --log sys", ["syslog"]),
    ("upcased --log-level w", ["warn"]),
    ("upcased --workers ", ["auto"]),
    ("upcased -w ", ["auto"]),
    ("upcased --user roo", ["root"]),
    ("upcased --config none-su", ["none-such.conf"]),
    ("upcased --idle-timeout ", []),
    ("upcased --log-l", ["--log-level"]),
    ("upcased none-su", []),
    ("upc --ipv", ["--ipv4", "--ipv6"]),
    ("upc --file none-su", ["none-such.conf"]),
    ("upc --no-progress none-su", ["none-such.conf"]),
    ("upcbench --mode p", ["ping-pong"]),
    ("upcbench --format ", ["csv", "json", "text"]),
    ("upcbench --text none-su", ["none-such.conf"]),
    ("upcbench none-su", []),
)


def options(program):
    """The names that --help has."""
    name = os.environ.get(program.upper()) or program
    done = subprocess.run([name, "--help"], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=PATIENCE)
    return sorted(set(re.findall(r"(?m)^  (?:-\w, |    )(--[\w-]+)",
                                 done.stdout)))


class Bash:
    """Calls the function, as the shell does: at `=' it parts words."""

    SCRIPT = """
        . "$0/bash/$1" || exit
        shift
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        "$(complete -p "$1" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')"
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def offers(self, typed, folder):
        words = [part for word in typed.split(" ")
                 for part in re.findall(r"[^=]+|=", word) or [""]]
        done = subprocess.run(
            ["bash", "--norc", "-c", self.SCRIPT, os.path.abspath(SOURCE),
             words[0], *words], cwd=folder, stdout=subprocess.PIPE, text=True,
            check=True, timeout=PATIENCE)
        return done.stdout.split()


class Fish:
    """Asks the shell itself."""

    def offers(self, typed, folder):
        path = os.path.abspath(f"{SOURCE}/fish/{typed.split()[0]}.fish")
        done = subprocess.run(
            ["fish", "--no-config", "-c",
             'set fish_complete_path; source $argv[1]; complete -C $argv[2]',
             path, typed], cwd=folder, stdout=subprocess.PIPE, text=True,
            check=True, timeout=PATIENCE,
            env={**os.environ, "HOME": folder, "LC_ALL": "C.UTF-8"})
        offers = [line.split("\t")[0] for line in done.stdout.splitlines()]
        return [offer.rsplit("=", 1)[-1] for offer in offers]


class Zsh:
    """Types it at a terminal, and prints what would be added."""

    SETUP = r"""
        PS1=; PS2=; RPS1=
        unsetopt zle_bracketed_paste prompt_sp prompt_cr beep
        fpath=(%s $fpath)
        autoload -Uz compinit && compinit -D -u
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"; return
            fi
            builtin compadd -O offered "$@"
            ((!$#offered)) || printf '<%%s>\n' $offered
        }
        ask() { _main_complete; printf '<over>\n'; compstate[insert]=; }
        zle -C ask complete-word ask
        bindkey '^I' ask
        printf '<rea''dy>\n'
    """

    def offers(self, typed, folder):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", HOME=folder, ZDOTDIR=folder)
            os.execlp("zsh", "zsh", "-f", "-i")
        try:
            setup = self.SETUP % os.path.abspath(SOURCE + "/zsh")
            path = os.path.join(folder, "setup")
            with open(path, "w") as file:
                file.write(setup)
            os.write(terminal, f". {path}\n".encode())
            self.read(terminal, "<ready>")
            os.write(terminal, typed.encode() + b"\t")
            text = self.read(terminal, "<over>")
            return re.findall(r"<([^>]+)>", text.replace("<over>", ""))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)

    def read(self, terminal, end):
        text, due = "", time.monotonic() + PATIENCE
        while end not in text:
            left = max(0, due - time.monotonic())
            if not select.select([terminal], [], [], left)[0]:
                raise AssertionError(f"no {end} in {text!r}")
            text += os.read(terminal, 65536).decode()
        return text


class CompletionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, "none-such.conf"), "w"):
            pass

    def check(self, shell):
        for typed, expected in CASES:
            with self.subTest(typed):
                offers = shell.offers(typed, self.folder)
                self.assertEqual(sorted(offer.rstrip("=") for offer in offers),
                                 expected)
        for program in PROGRAMS:
            with self.subTest(program):
                offers = shell.offers(f"{program} --", self.folder)
                self.assertEqual(sorted(offer.rstrip("=") for offer in offers),
                                 options(program))

    @needs("bash")
    def test_bash(self):
        """bash completes all options of all programs, and their values"""
        self.check(Bash())

    @needs("zsh")
    def test_zsh(self):
        """zsh completes all options of all programs, and their values"""
        self.check(Zsh())

    @needs("fish")
    def test_fish(self):
        """fish completes all options of all programs, and their values"""
        self.check(Fish())

    def test_made(self):
        """They are what is made from the options: see `make completions'"""
        printer = os.path.join(BUILD, "print_options")
        rows = subprocess.run([printer], stdout=subprocess.PIPE, check=True,
                              timeout=PATIENCE).stdout
        subprocess.run([f"{SOURCE}/generate", self.folder], input=rows,
                       check=True, timeout=PATIENCE)
        for shell in ("bash", "zsh", "fish"):
            theirs, ours = f"{self.folder}/{shell}", f"{SOURCE}/{shell}"
            names = sorted(os.listdir(theirs))
            self.assertEqual(names, sorted(os.listdir(ours)))
            _, different, errors = filecmp.cmpfiles(
                theirs, ours, names, shallow=False)
            self.assertEqual((different, errors), ([], []), shell)


if __name__ == "__main__":
    tap.main()
