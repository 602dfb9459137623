# SPDX-License-Identifier: ISC
"""A terminal with a screen, on which jobs of a shell or one program run."""

import contextlib
import fcntl
import os
import struct
import subprocess
import termios

from upc_case import Terminal


class Screen:
    """The rows that a terminal shows, which wraps at its last column."""

    def __init__(self, columns=80):
        self.columns = columns
        self.rows = [""]
        self.column = 0
        # How often a row went on in the next one.
        self.wraps = 0

    def write(self, data):
        for char in data.decode("utf-8", "replace"):
            if char == "\r":
                self.column = 0
            elif char == "\n":
                self.rows.append("")
            elif char == "\b":
                self.column = max(0, self.column - 1)
            elif char >= " ":
                self.put(char)
            else:
                raise AssertionError(f"{char!r} is sent to a terminal")

    def put(self, char):
        if self.column >= self.columns:
            self.rows.append("")
            self.column = 0
            self.wraps += 1
        row = self.rows[-1].ljust(self.column)
        self.rows[-1] = row[: self.column] + char + row[self.column + 1 :]
        self.column += 1

    def text(self):
        return "\n".join(row.rstrip() for row in self.rows)


class Session(Terminal):
    """A terminal that controls what is started on it."""

    def __init__(self, columns=80):
        super().__init__()
        self.columns = columns
        self.resize(columns)

    def resize(self, columns):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def screen(self, columns=None):
        """What is seen of all that was written."""
        screen = Screen(columns or self.columns)
        screen.write(self.shown)
        return screen

    def control(self):
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    @contextlib.contextmanager
    def running(self, command, **streams):
        """The command as the leader of the session, ended with the block."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                   "stderr": self.slave, **streams}
        with subprocess.Popen(command, start_new_session=True,
                              preexec_fn=self.control, **streams) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    @contextlib.contextmanager
    def shell(self, **environment):
        """A shell that takes commands from the terminal, and has jobs."""
        variables = {**os.environ, "PS1": "", "TERM": "xterm", **environment}
        variables.pop("ENV", None)
        with self.running(["sh", "-i"], stdin=self.slave, stdout=self.slave,
                          env=variables) as process:
            self.enter("stty -echo", "echo begin''s")
            self.wait_for(lambda shown: b"begins" in shown)
            self.shown = b""
            # At its end the terminal hangs up, which its jobs do not survive.
            yield process

    def enter(self, *lines):
        for line in lines:
            self.type(line.encode() + b"\n")
