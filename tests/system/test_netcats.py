#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The netcats, with the options that the manual gives, get their answers."""

import os
import pty
import select
import subprocess
import time

import tap
from daemon import PATIENCE, Case, Daemon, each_backend, needs
from stream import upper

TEXT = "I am hungry for 🌮\nund für größere\n".encode()
LINE = "one line only\n".encode()


class NetcatTest(Case):
    def check(self, how, *command, text=TEXT):
        """Like printf TEXT | COMMAND HOST PORT: it answers, and ends."""
        with Daemon(**how) as daemon:
            command = [word.format(port=daemon.port) for word in command]
            done = subprocess.run(command, input=text, timeout=PATIENCE,
                                  stdout=subprocess.PIPE)
        self.assertEqual(done.stdout, upper(text))
        self.assertEqual(done.returncode, 0)

    def check_interactive(self, how, *command):
        """Each line comes back before the next is typed."""
        with Daemon(**how) as daemon:
            command = [word.format(port=daemon.port) for word in command]
            # A terminal echoes what is typed: the answer is read elsewhere.
            ours, theirs = pty.openpty()
            process = subprocess.Popen(command, stdin=theirs,
                                       stdout=subprocess.PIPE)
            os.close(theirs)
            try:
                for line in (LINE, TEXT):
                    os.write(ours, line)
                    self.assertEqual(self.read(process.stdout,
                                               len(upper(line))), upper(line))
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
                os.close(ours)

    @staticmethod
    def read(pipe, size):
        answer = b""
        deadline = time.monotonic() + PATIENCE
        while len(answer) < size:
            left = max(0, deadline - time.monotonic())
            if not select.select([pipe], [], [], left)[0]:
                raise AssertionError(f"no more than {answer!r} came")
            more = os.read(pipe.fileno(), size - len(answer))
            if not more:
                break
            answer += more
        return answer

    @needs("nc.openbsd")
    @each_backend()
    def test_openbsd(self, how):
        """nc -N, that of OpenBSD"""
        self.check(how, "nc.openbsd", "-N", "127.0.0.1", "{port}")

    @needs("nc.openbsd")
    @each_backend()
    def test_openbsd_q(self, how):
        """nc -q 1, that of OpenBSD"""
        self.check(how, "nc.openbsd", "-q", "1", "127.0.0.1", "{port}")

    @needs("nc.traditional")
    @each_backend()
    def test_traditional(self, how):
        """nc -q 1, the traditional one"""
        self.check(how, "nc.traditional", "-q", "1", "127.0.0.1", "{port}")

    @needs("ncat")
    @each_backend()
    def test_ncat(self, how):
        """ncat"""
        self.check(how, "ncat", "127.0.0.1", "{port}")

    @needs("ncat")
    @each_backend(workers=(1, 2))
    def test_ncat_long(self, how):
        """ncat, with more text than the buffers on the way hold"""
        self.check(how, "ncat", "127.0.0.1", "{port}", text=TEXT * 50_000)

    @needs("socat")
    @each_backend()
    def test_socat(self, how):
        """socat"""
        self.check(how, "socat", "-t", "10", "-", "TCP:127.0.0.1:{port}")

    @needs("nc.openbsd")
    @each_backend()
    def test_openbsd_interactive(self, how):
        """nc on a terminal, that of OpenBSD: each line is answered at once"""
        self.check_interactive(how, "nc.openbsd", "127.0.0.1", "{port}")

    @needs("nc.traditional")
    @each_backend()
    def test_traditional_interactive(self, how):
        """nc on a terminal, the traditional one: each line is answered at
        once"""
        self.check_interactive(how, "nc.traditional", "127.0.0.1", "{port}")

    @needs("ncat")
    @each_backend()
    def test_ncat_interactive(self, how):
        """ncat on a terminal: each line is answered at once"""
        self.check_interactive(how, "ncat", "127.0.0.1", "{port}")

    @needs("socat")
    @each_backend()
    def test_socat_interactive(self, how):
        """socat on a terminal: each line is answered at once"""
        self.check_interactive(how, "socat", "-", "TCP:127.0.0.1:{port}")


if __name__ == "__main__":
    tap.main()
