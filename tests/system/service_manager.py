# SPDX-License-Identifier: ISC
"""A stand-in for a service manager: it takes the messages of the daemon, passes
sockets in, and may have a store of descriptors."""

import contextlib
import os
import select
import socket
import sys
import tempfile
import threading

from daemon import PATIENCE, Daemon


class Manager:
    """A socket that takes the messages, as a context manager."""

    def __init__(self, abstract=False):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.name = f"{self.folder.name}/notify"
        if abstract:
            self.name = "@" + self.name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.name.replace("@", "\0"))
        if not abstract:
            # Whoever the daemon becomes may speak.
            os.chmod(self.name, 0o777)
        self.socket.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()
        self.folder.cleanup()

    def receive(self):
        """The fields of the next message."""
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, field):
        """The fields of the next message that has the field."""
        while True:
            fields = self.receive()
            if field in fields:
                return fields

    def waiting(self):
        """The messages that have come so far."""
        messages = []
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self.receive())
        self.socket.settimeout(PATIENCE)
        return messages

    def daemon(self, **arguments):
        env = {"NOTIFY_SOCKET": self.name, **arguments.pop("env", {})}
        return Daemon(env=env, **arguments)


PASS = """
import fcntl, os, sys
fds = [int(word) for word in sys.argv[1].split(",") if word]
fds = [fd if fd == -1 else fcntl.fcntl(fd, fcntl.F_DUPFD, 200) for fd in fds]
for i, fd in enumerate(fds, 3):
    if fd == -1:
        try:
            os.close(i)
        except OSError:
            pass
    else:
        os.dup2(fd, i)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.environ.setdefault("LISTEN_FDS", str(len(fds)))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def passing(*sockets):
    """What to put before a command to which sockets are passed; None is a
    descriptor that is not open."""
    fds = [-1 if one is None else one.fileno() for one in sockets]
    return {"wrapper": [sys.executable, "-S", "-E", "-c", PASS,
                        ",".join(map(str, fds))],
            "pass_fds": [fd for fd in fds if fd != -1]}


class Store(Manager):
    """The same with a store of descriptors, read by a thread of its own."""

    def __init__(self, places=16, said=None):
        super().__init__()
        self.places = places
        # What the daemon is told, if that is something else.
        self.said = places if said is None else said
        self.held = []  # of each: name, descriptor
        self.messages = []
        self.barriers = []
        self.answers = True
        self.news = threading.Condition()
        self.over, self.end = os.pipe()
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        os.close(self.end)
        self.thread.join()
        os.close(self.over)
        for fd in [fd for _, fd in self.held] + self.barriers:
            os.close(fd)
        super().__exit__(*error)

    def _serve(self):
        while True:
            ready, _, _ = select.select([self.socket, self.over], [], [])
            if self.over in ready:
                return
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 8)
            for fd in fds:
                os.set_inheritable(fd, False)
            fields = dict(line.split("=", 1)
                          for line in data.decode().splitlines())
            with self.news:
                self._obey(fields, fds)
                self.messages.append(fields)
                self.news.notify_all()

    def _obey(self, fields, fds):
        if "BARRIER" in fields and not self.answers:
            self.barriers += fds
            fds = []
        if "FDSTORE" in fields:
            fds = self._put(fields["FDNAME"], fds)
        if "FDSTOREREMOVE" in fields:
            name = fields["FDNAME"]
            fds = fds + [fd for own, fd in self.held if own == name]
            self.held = [pair for pair in self.held if pair[0] != name]
        for fd in fds:
            os.close(fd)

    def _put(self, name, fds):
        """Returns those that are not put there, as they are or it is full."""
        def is_there(fd):
            return any(os.path.sameopenfile(fd, own) for _, own in self.held)
        left = []
        for fd in fds:
            if len(self.held) >= self.places or is_there(fd):
                left.append(fd)
            else:
                self.held.append((name, fd))
        return left

    def names(self):
        return sorted(name for name, _ in self.held)

    def wait_until(self, condition):
        """Waits until it holds, after some message or at once."""
        with self.news:
            if not self.news.wait_for(condition, PATIENCE):
                raise AssertionError(f"{self.names()} after {self.messages}")

    def wait_for(self, field):
        """The number of messages up to the first with the field."""
        def index():
            return next((n for n, fields in enumerate(self.messages, 1)
                         if field in fields), 0)
        self.wait_until(index)
        return index()

    def wait_for_names(self, *names):
        self.wait_until(lambda: self.names() == sorted(names))

    def daemon(self, sockets=(), names=(), **arguments):
        """A daemon that gets these sockets and then what the store has."""
        held = list(self.held)
        fds = [one.fileno() for one in sockets] + [fd for _, fd in held]
        names = list(names) + [name for name, _ in held]
        env = {"FDSTORE": str(self.said), "LISTEN_FDNAMES": ":".join(names),
               **arguments.pop("env", {})}
        if not fds:
            del env["LISTEN_FDNAMES"]
        else:
            arguments.update(passing(*map(Held, fds)))
        self.messages = []
        return super().daemon(env=env, **arguments)


class Held:
    """A descriptor as an object."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd
