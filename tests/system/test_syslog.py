#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The log of the host: a syslogd that reads, does not read, goes, and comes
back, and a service that none of this holds up."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import tap
from client import receive
from daemon import (PATIENCE, UPCASED, Case, Daemon, each_backend, linux_only,
                    root_only, unstamped, wait_until, with_mounts)
from injection import injecting, with_strace
from stream import upper

LINE = "ein Stück\n".encode()

# Where the daemon looks for the socket, in the file systems of its own.
FOLDERS = ("/dev", "/run")

# So many counters are more than any queue takes.
ROUNDS = 300


class Syslogd:
    """What reads the socket in a folder that the daemon has as another."""

    def __init__(self, stack, place="/dev", runs=True):
        self.folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(self.folder, 0o755)
        self.wrapper = ["unshare", "-m", "sh", "-c",
                        f'mount --bind "$0" {place} && exec "$@"', self.folder]
        self.path = os.path.join(self.folder, "log")
        self.socket = None
        self.lines = []
        stack.callback(self.stop)
        if runs:
            self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(self.path)
        # The daemon is another account by the time it connects again.
        os.chmod(self.path, 0o666)

    def stop(self):
        if self.socket:
            self.socket.close()
            os.unlink(self.path)
        self.socket = None

    def read(self):
        """All lines that have come so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.lines.append(self.socket.recv(65536).decode("ascii"))
        return self.lines

    def wait_for(self, pattern, ask=lambda: None):
        """Waits for a line; asks for it each time that it looks."""
        def comes():
            ask()
            matches = (re.search(pattern, line) for line in self.read())
            return next(filter(None, matches), None)
        return wait_until(comes, f"a line with {pattern}")


@linux_only
@root_only
@with_mounts
class SyslogTest(Case):
    @contextlib.contextmanager
    def serving(self, how, args=(), **syslogd):
        with contextlib.ExitStack() as stack:
            reader = Syslogd(stack, **syslogd)
            with Daemon(**how, args=["--log", "syslog", *args],
                        wrapper=reader.wrapper) as daemon:
                yield daemon, reader

    def exchange(self, client):
        client.sendall(LINE)
        self.assertEqual(receive(client, len(upper(LINE))), upper(LINE))

    def ask(self, daemon):
        return lambda: daemon.send_signal(signal.SIGUSR1)

    def check_lines(self, daemon, lines):
        for line in lines:
            self.assertRegex(
                line, rf"\A<(27|28|30)>upcased\[{daemon.pid}\]: [ -~]+\Z")

    @each_backend(workers=(1, 2), place=FOLDERS)
    def test_lines(self, how, place):
        """All lines from the start on are in the log of the host, and those of
        the start on standard error too"""
        with self.serving(how, place=place) as (daemon, reader):
            reader.wait_for(r"<30>.*\]: listening on 127\.0\.0\.1:\d+\Z")
            reader.wait_for(r"<30>.*\]: open=0 .*log-dropped=0",
                            self.ask(daemon))
            daemon.stop()
            reader.wait_for(r"<30>.*\]: draining: ")
            reader.wait_for(r"<30>.*\]: accepted=0")
            self.check_lines(daemon, reader.lines)
            for line in daemon.lines:
                self.assertNotRegex(line, "open=|draining|accepted")
            # What has come to both places is the same.
            texts = [re.sub(r"\A<\d+>.*?\]: ", "", line)
                     for line in reader.lines]
            self.assertEqual(texts[:len(daemon.lines)], daemon.lines)

    @each_backend(workers=(1, 2))
    def test_slow(self, how):
        """Clients are answered and signals obeyed while nobody reads, and what
        was left out is told"""
        with self.serving(how) as (daemon, reader), \
                daemon.connect() as client:
            for _ in range(ROUNDS):
                daemon.send_signal(signal.SIGUSR1)
                self.exchange(client)
            reader.wait_for(r"<28>.*\]: warning: \d+ lines? of the log w",
                            self.ask(daemon))
            reader.wait_for(r"<30>.*log-dropped=[1-9]", self.ask(daemon))
            self.check_lines(daemon, reader.lines)
            self.exchange(client)

    @each_backend(workers=(1, 2))
    def test_restarted(self, how):
        """A syslogd that is started again gets the lines again, though the
        daemon has given up its rights"""
        with self.serving(how) as (daemon, reader), \
                daemon.connect() as client:
            for _ in range(2):
                reader.stop()
                self.ask(daemon)()
                self.exchange(client)
                reader.lines.clear()
                reader.start()
                reader.wait_for(r"<30>.*\]: open=1 ", self.ask(daemon))
            self.exchange(client)

    @each_backend()
    def test_gone(self, how):
        """Without a syslogd it says so on standard error and serves, and
        finds one that comes later"""
        with self.serving(how, runs=False) as (daemon, reader), \
                daemon.connect() as client:
            daemon.wait_for_line("^warning: cannot reach the syslogd")
            self.exchange(client)
            reader.start()
            reader.wait_for(r"<30>.*\]: open=1 .*log-dropped=[1-9]",
                            self.ask(daemon))
            reader.wait_for(r"<28>.*\]: warning: \d+ lines? of the log w")

    @each_backend(workers=(1, 2))
    def test_handed_over(self, how):
        """The next process in a hand-over logs there too"""
        with self.serving(how) as (daemon, reader), \
                daemon.connect() as client:
            self.exchange(client)
            daemon.send_signal(signal.SIGUSR2)
            reader.wait_for(r"<30>upcased\[\d+\]: going on with 1 connection")
            reader.lines.clear()
            reader.wait_for(rf"<30>upcased\[{daemon.pid}\]: open=1 ",
                            self.ask(daemon))
            self.exchange(client)

    @each_backend()
    def test_chosen_later(self, how):
        """A file that now says syslog comes into force by a hand-over"""
        with contextlib.ExitStack() as stack:
            reader = Syslogd(stack)
            path = os.path.join(reader.folder, "conf")

            def write(text):
                with open(path, "w") as file:
                    file.write(text)
                os.chmod(path, 0o644)
            write("log = stderr\n")
            with Daemon(**how, config=path, wrapper=reader.wrapper) as daemon:
                write("log = syslog\n")
                self.assertRegex(daemon.reload()[0],
                                 "log cannot change from 'stderr' to 'syslog'")
                self.assertEqual(reader.read(), [])
                daemon.send_signal(signal.SIGUSR2)
                reader.wait_for(r"<30>.*\]: open=0 ", self.ask(daemon))

    def test_start_fails(self):
        """A start that fails says why on standard error and in the log"""
        with contextlib.ExitStack() as stack:
            reader = Syslogd(stack)
            done = subprocess.run(
                [*reader.wrapper, UPCASED, "--config", "none", "--log",
                 "syslog", "--listen", "203.0.113.1:0"],
                stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 69)
            self.assertRegex(unstamped(done.stderr),
                             r"\Aupcased: .*203\.0\.113\.1.*\n\Z")
            self.assertRegex(reader.read()[0],
                             r"\A<27>upcased\[\d+\]: error: .*203\.0\.113\.1")

    @with_strace
    def test_no_socket(self):
        """A start that gets no socket for syslog fails and says so"""
        done = subprocess.run(
            [*injecting(os.devnull, "socket", "EMFILE", "1"), UPCASED,
             "--config", "none", "--log", "syslog"],
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 71)
        self.assertRegex(unstamped(done.stderr),
                         r"\Aupcased: cannot log to syslog: .*\n\Z")

    def test_errors_in_options(self):
        """What is wrong in the file is on standard error alone"""
        with contextlib.ExitStack() as stack:
            reader = Syslogd(stack)
            file = os.path.join(reader.folder, "conf")
            with open(file, "w") as conf:
                conf.write("log = syslog\nworkers = many\n")
            done = subprocess.run(
                [*reader.wrapper, UPCASED, "--config", file],
                stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 78)
            self.assertIn(":2: workers: 'many'", done.stderr)
            self.assertEqual(reader.read(), [])


if __name__ == "__main__":
    tap.main()
