#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The log: whatever standard error is, clients are answered and signals
obeyed, and each line is there whole or is counted."""

import calendar
import contextlib
import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time
import unittest

import tap
from client import receive
from daemon import (BACKENDS, PATIENCE, SANDBOX_OPTION, SANITIZED, STAMP,
                    UPCASED, Case, can_mount, linux_only, listening_port,
                    wait_until)
from faketime import FAKETIME
from stream import upper

LINE = "ein Stück\n".encode()

# So many lines fill each of the streams below.
ROUNDS = 300

# Every line that is written here, by its beginning and its end.
LINES = re.compile("|".join((
    r"serving with \w+, \d workers?, at most \d+ connections?",
    r"buffers: at most \d+ KiB of ours, [^\[\]]* for \d+ of them",
    r"memory: at most about \d+ KiB in all: [^\[\]]* clients that wait",
    r"queues: at most \d+ clients wait at each address, [^\[\]]* each",
    r"the kernel holds its part of a closed connection, [^\[\]]* \d+ ms",
    r"listening on 127\.0\.0\.1:\d+",
    r"sandbox: [^\[\]]* can be read",
    r"sandbox: no TCP connection can be opened [^\[\]]*",
    r"sandbox: \d+ system calls are refused, [^\[\]]*",
    r"warning: the sandbox cannot [^\[\]]*",
    r"warning: there is no account [^\[\]]*",
    r"warning: \d+ lines? of the log w\w+ left out",
    r"draining: open=\d+, served on for at most \d+ ms",
    r"open=\d+ ([a-z-]+=\d+ )+log-dropped=\d+",
    r"([a-z-]+=\d+ ?)+",
    r"(ended|reset) [^\[\]]*, which [^\[\]]*",
    r"conn \d+: [^\[\]:]+(: [^\[\]:]+)?")))

ROOT = os.geteuid() == 0


def nonblocking(fd):
    os.set_blocking(fd, False)
    return fd


class Stream:
    """What the daemon has as standard error, and how that gets stuck."""

    wrapper = ()
    stamped = True
    leads_session = False
    # Whether the daemon opens it again, without blocking.
    is_opened = False
    # Whether it takes lines again after revive.
    revives = True

    def __init__(self, stack):
        self.stack = stack
        self.reader, self.writer = self.open()
        for fd in {self.reader, self.writer} - {None}:
            stack.callback(self.close, fd)
        self.text = ""
        self.process = None

    def close(self, fd):
        with contextlib.suppress(OSError):
            os.close(fd)

    def stick(self):
        """Makes sure that it gets stuck when lines come."""

    def revive(self):
        """Lets it take lines again."""

    def fill(self):
        """Writes until it takes no more."""
        path = f"/proc/self/fd/{self.writer}"
        own = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(own, b"x")
        os.close(own)

    def read(self):
        """Takes what has come."""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.reader, 65536):
                self.text += part.decode("utf-8", "replace")


class Pipe(Stream):
    is_opened = True

    def open(self):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        return nonblocking(reader), writer


class Fifo(Stream):
    is_opened = True

    def open(self):
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        path = os.path.join(folder, "fifo")
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(path, os.O_WRONLY)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        return reader, writer


class BrokenPipe(Pipe):
    revives = False

    def stick(self):
        os.close(self.reader)


class Sockets(Stream):
    kind = socket.SOCK_STREAM

    def open(self):
        reader, writer = socket.socketpair(socket.AF_UNIX, self.kind)
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return nonblocking(reader.detach()), writer.detach()


class Datagrams(Sockets):
    kind = socket.SOCK_DGRAM


class BrokenSockets(Sockets):
    revives = False

    def stick(self):
        os.close(self.reader)


class Terminal(Stream):
    stamped = False
    is_opened = True

    def open(self):
        master, slave = os.openpty()
        return nonblocking(master), slave


class StoppedTerminal(Terminal):
    """Somebody types ^S, and later ^Q."""

    def stick(self):
        termios.tcflow(self.writer, termios.TCOOFF)

    def revive(self):
        termios.tcflow(self.writer, termios.TCOON)


class ControllingTerminal(Terminal):
    leads_session = True


class HungUpTerminal(Terminal):
    revives = False

    def stick(self):
        os.close(self.reader)


class ForeignTerminal(Terminal):
    """The daemon has no right to open it."""

    needs_root = True
    is_opened = False

    def __init__(self, stack):
        super().__init__(stack)
        account = pwd.getpwnam("nobody")
        self.wrapper = ["setpriv", f"--reuid={account.pw_uid}",
                        f"--regid={account.pw_gid}", "--clear-groups"]


class ForeignSession(ForeignTerminal):
    """Nor here, but it is the terminal of its session."""

    leads_session = True
    is_opened = True


class ForeignPipe(ForeignTerminal):
    stamped = True
    open = Pipe.open


def sleeps(pid):
    """Whether all threads of the process wait for something."""
    time.sleep(0.005)
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] != "S":
                return False
    return True


class LimitedFile(Stream):
    """A file that gets the size that a process may give it."""

    flags = os.O_APPEND
    wrapper = ["sh", "-c", 'ulimit -S -f 6; exec "$@"', "sh"]

    def open(self):
        fd, path = tempfile.mkstemp()
        os.close(fd)
        reader = os.open(path, os.O_RDONLY)
        writer = os.open(path, os.O_WRONLY | self.flags)
        os.unlink(path)
        return reader, writer

    def revive(self):
        # The place in the file is shared with the daemon, so it must not be
        # in the middle of a line, nor about to take one back.
        wait_until(lambda: all(sleeps(self.process.pid) for _ in range(20)),
                   "it has nothing to do")
        self.read()
        os.ftruncate(self.writer, 0)
        os.lseek(self.writer, 0, os.SEEK_SET)
        os.lseek(self.reader, 0, os.SEEK_SET)


class SharedFile(LimitedFile):
    flags = 0


class FullDisk(Stream):
    """A file system that gets full in the middle of a line."""

    needs_mounts = True

    def open(self):
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.wrapper = [
            "unshare", "-m", "sh", "-c",
            'mount -t tmpfs -o size=16k none "$0" && '
            'head -c 8192 /dev/zero >"$0/filling" && '
            'exec "$@" 2>>"$0/log"', self.folder]
        return None, os.open(os.devnull, os.O_WRONLY)

    def path(self, name):
        return f"/proc/{self.process.pid}/root{self.folder}/{name}"

    def revive(self):
        os.truncate(self.path("filling"), 0)

    def read(self):
        with open(self.path("log")) as log:
            self.text = log.read()


class FullDevice(Stream):
    revives = False

    def open(self):
        return None, os.open("/dev/full", os.O_WRONLY)


STREAMS = {
    "pipe": Pipe,
    "pipe of another account": ForeignPipe,
    "pipe without a reader": BrokenPipe,
    "FIFO": Fifo,
    "socket": Sockets,
    "socket without a peer": BrokenSockets,
    "datagrams": Datagrams,
    "terminal": Terminal,
    "terminal of the session": ControllingTerminal,
    "terminal of another account": ForeignTerminal,
    "terminal of another account and the session": ForeignSession,
    "stopped terminal": StoppedTerminal,
    "terminal that hung up": HungUpTerminal,
    "file at its limit": LimitedFile,
    "file at its limit, not appended to": SharedFile,
    "full disk": FullDisk,
    "full device": FullDevice,
}


def each_stream(streams):
    """Makes a test run for each of the streams, at two levels, with one worker
    and with two."""
    def mark(test):
        test.variants = [
            ({"backend": BACKENDS[0], "workers": workers},
             {"level": level, "stream": stream})
            for stream in streams for level in ("info", "debug")
            for workers in (1, 2)]
        return test
    return mark


def child_of(pid):
    """The only child of the process, or None."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return next(map(int, children.read().split()), None)


@linux_only
class LogTest(Case):
    def open(self, stream, stack):
        if getattr(stream, "needs_root", False) and \
                not (ROOT and shutil.which("setpriv")):
            self.skipTest("needs root and setpriv")
        if getattr(stream, "needs_mounts", False) and not can_mount():
            self.skipTest("needs mount name spaces, and the right to them")
        return stream(stack)

    @contextlib.contextmanager
    def running(self, log, how, level, daemon_of=lambda pid: pid):
        """The daemon with that log, or what has started it."""
        folder = log.stack.enter_context(tempfile.TemporaryDirectory())
        # Where the build is, others may have no way to.
        os.chmod(folder, 0o755)
        command = [*log.wrapper, shutil.copy(UPCASED, folder), "--config",
                   "none", "--listen", "127.0.0.1:0", "--log-level", level,
                   "--workers", str(how["workers"]), "--backend",
                   how["backend"], *SANDBOX_OPTION]

        def lead():
            os.setsid()
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)
        with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=log.writer,
                preexec_fn=lead if log.leads_session else None) as process:
            log.process = process
            pid = process.pid
            try:
                pid = wait_until(lambda: daemon_of(process.pid), "a daemon")
                port = wait_until(lambda: listening_port(pid), "a port")
                yield process, ("127.0.0.1", port)
            finally:
                # Its number may be that of another by the time it has ended.
                if pid != process.pid and process.returncode is None and \
                        child_of(process.pid) == pid:
                    os.kill(pid, signal.SIGKILL)
                process.kill()

    def check_flags(self, log, pid):
        """What others share still blocks, and our own does not."""
        self.assertTrue(os.get_blocking(log.writer))
        with open(f"/proc/{pid}/fdinfo/2") as info:
            flags = int(re.search(r"flags:\s+(\d+)", info.read())[1], 8)
        self.assertEqual(flags & os.O_NONBLOCK != 0, log.is_opened)

    def exchange(self, client):
        client.sendall(LINE)
        self.assertEqual(receive(client, len(upper(LINE))), upper(LINE))

    def talk_through(self, log, process, address, client):
        """The service goes on while the log gets stuck."""
        log.stick()
        for _ in range(ROUNDS):
            process.send_signal(signal.SIGUSR1)
            self.exchange(client)
            with socket.create_connection(address, PATIENCE) as another:
                self.exchange(another)

    def check_lines(self, log):
        """Each line is whole, but for the last one, which may still come."""
        lines = log.text.replace("\r\n", "\n").split("\n")[:-1]
        for line in lines:
            text = STAMP.sub("", line)
            self.assertEqual(text != line, log.stamped, line)
            self.assertRegex(text, rf"\A({LINES.pattern})\Z")

    def wait_for_report(self, log, process):
        """Lines come again, and tell how many were left out."""
        def comes():
            process.send_signal(signal.SIGUSR1)
            log.read()
            return re.search(r"log-dropped=[1-9].*\n", log.text)
        wait_until(comes, "the counters")
        self.assertRegex(log.text, r"warning: \d+ lines? of the log w.*\n")

    @each_stream(STREAMS)
    def test_stuck(self, how, level, stream):
        """Clients are answered and signals obeyed while the log is stuck, and
        then lines come again"""
        with contextlib.ExitStack() as stack:
            log = self.open(STREAMS[stream], stack)
            with self.running(log, how, level) as (process, address), \
                    socket.create_connection(address, PATIENCE) as client:
                self.check_flags(log, process.pid)
                self.talk_through(log, process, address, client)
                if log.revives:
                    log.revive()
                    self.wait_for_report(log, process)
                    self.check_lines(log)
                    self.talk_through(log, process, address, client)
                client.close()
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)

    @each_stream(("pipe", "terminal"))
    def test_full(self, how, level, stream):
        """The service starts and ends with a log that was full before"""
        with contextlib.ExitStack() as stack:
            log = self.open(STREAMS[stream], stack)
            log.fill()
            with self.running(log, how, level) as (process, address), \
                    socket.create_connection(address, PATIENCE) as client:
                self.exchange(client)
                client.close()
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)

    @each_stream(("terminal",))
    def test_background(self, how, level, stream):
        """In the background the log goes to a terminal with `stty tostop'"""
        with contextlib.ExitStack() as stack:
            log = self.open(STREAMS[stream], stack)
            log.leads_session = True
            log.wrapper = ["sh", "-c", 'set -m; "$@" & wait $!', "sh"]
            mode = termios.tcgetattr(log.writer)
            mode[3] |= termios.TOSTOP
            termios.tcsetattr(log.writer, termios.TCSANOW, mode)
            with self.running(log, how, level, child_of) as (shell, address), \
                    socket.create_connection(address, PATIENCE) as client:
                daemon = child_of(shell.pid)
                self.exchange(client)
                os.kill(daemon, signal.SIGUSR1)
                wait_until(lambda: log.read() or "log-dropped=0" in log.text,
                           "the counters")
                self.check_lines(log)
                self.exchange(client)
                client.close()
                os.kill(daemon, signal.SIGTERM)
                self.assertEqual(shell.wait(PATIENCE), 0)


class TimeTest(unittest.TestCase):
    def shown(self, **environment):
        """The time that a line begins with, in seconds."""
        # An address that is of no host (RFC 5737).
        done = subprocess.run(
            [UPCASED, "--config", "none", "--listen",
             "203.0.113.1:0"], text=True,
            stderr=subprocess.PIPE, timeout=PATIENCE,
            env={**os.environ, **environment})
        self.assertRegex(done.stderr, STAMP)
        return calendar.timegm(
            time.strptime(done.stderr[:19], "%Y-%m-%dT%H:%M:%S"))

    def test_zone(self):
        """Each line begins with the time in UTC, whatever TZ says"""
        for zone in ("UTC", "Asia/Kathmandu", "right/UTC", ":/dev/full"):
            with self.subTest(zone):
                before = int(time.time())
                shown = self.shown(TZ=zone)
                self.assertLessEqual(before, shown)
                self.assertLessEqual(shown, time.time())

    @unittest.skipUnless(FAKETIME, "needs faketime")
    @unittest.skipIf(SANITIZED, "sanitizers want to be the first library")
    def test_date(self):
        """Leap years and the ends of months are right"""
        for date in ("1970-01-02 00:00:00", "1999-12-31 23:59:00",
                     "2000-02-29 12:00:00", "2026-07-31 09:08:07",
                     "2028-02-29 23:00:00", "2028-12-31 01:02:03",
                     "2100-02-28 23:00:00", "2100-03-01 00:00:00",
                     "2400-02-29 06:00:00"):
            with self.subTest(date):
                due = calendar.timegm(
                    time.strptime(date, "%Y-%m-%d %H:%M:%S"))
                shown = self.shown(LD_PRELOAD=FAKETIME,
                                   FAKETIME=f"@{date}", TZ="UTC")
                # The clock goes on, and faketime starts a second early.
                self.assertIn(shown - due, range(-1, int(PATIENCE)))


if __name__ == "__main__":
    tap.main()
