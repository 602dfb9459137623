# SPDX-License-Identifier: ISC
"""Clients in every state that lasts, which must not notice a hand-over."""

import contextlib
import socket
import threading

from client import mixed_text, receive
from daemon import SANITIZED, wait_until
from stream import receive_all, upper

LINE = "straße\n".encode()
HALF = "x🌮".encode()[:3]
LATE = LINE * 3000

# More than all buffers on the way hold, so a part waits in the daemon.
FLOOD = mixed_text(1 << 20, seed=4) * (4 if SANITIZED else 16)


def exchange(client):
    client.sendall(LINE)
    return receive(client, len(upper(LINE))) == upper(LINE)


class Busy(threading.Thread):
    """A client that sends and checks until it is told to end."""

    def __init__(self, daemon, seed):
        super().__init__()
        self.client = daemon.connect()
        self.text = mixed_text(5003, seed)
        self.rounds = 0
        self.fault = None
        self.over = threading.Event()
        self.start()

    def run(self):
        answer = upper(self.text)
        try:
            with self.client:
                while not self.over.is_set():
                    self.client.sendall(self.text)
                    if receive(self.client, len(answer)) != answer:
                        raise AssertionError("a wrong answer")
                    self.rounds += 1
        except BaseException as error:
            self.fault = error

    def end(self):
        self.over.set()
        self.join()
        if self.fault:
            raise self.fault


class Crowd:
    """A crowd of them, as a context manager."""

    def __init__(self, daemon, rest=10, half=5):
        self.daemon = daemon
        # Two are busy, and two do not read.
        self.size = 2 + rest + half + 2
        self.sizes = rest, half

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        def connect(**how):
            return self.stack.enter_context(self.daemon.connect(**how))
        nrest, nhalf = self.sizes
        self.busy = [Busy(self.daemon, seed) for seed in (1, 2)]
        self.rest = [connect() for _ in range(nrest)]
        for client in self.rest:
            assert exchange(client)
        self.half = [connect() for _ in range(nhalf)]
        for client in self.half:
            client.sendall(HALF)
            assert receive(client, 1) == b"X"
        # A part of its answer waits in the daemon.
        self.slow = connect()
        self.sender = threading.Thread(target=self.send)
        self.sender.start()
        # All of its answer waits in the kernel.
        self.late = connect(receive_buffer=4096)
        self.late.sendall(LATE)
        self.late.shutdown(socket.SHUT_WR)
        wait_until(lambda: self.daemon.counters()["open"] == self.size,
                   "all are accepted")
        return self

    def send(self):
        with contextlib.suppress(OSError):
            self.slow.sendall(FLOOD)
            self.slow.shutdown(socket.SHUT_WR)

    def __exit__(self, *error):
        # If something failed, the daemon may not be there any longer.
        if error[0]:
            with contextlib.suppress(OSError):
                self.slow.shutdown(socket.SHUT_RDWR)
        self.sender.join()
        self.stack.close()
        for client in self.busy:
            client.over.set()
            client.join()

    def proceed(self):
        """The busy ones have been served since the call."""
        rounds = [client.rounds for client in self.busy]
        wait_until(lambda: all(
            client.rounds > before + 1 or client.fault
            for client, before in zip(self.busy, rounds)),
            "the busy ones go on")

    def check(self, case, without=()):
        """All but those are served to their ends, which four then have."""
        for client in self.busy:
            client.end()
        case.assertTrue(receive_all(self.slow) == upper(FLOOD))
        case.assertTrue(receive_all(self.late) == upper(LATE))
        for client in self.half:
            if client not in without:
                client.sendall("🌮é".encode()[2:])
                case.assertEqual(receive(client, 6), "🌮É".encode())
        for client in self.rest:
            case.assertTrue(exchange(client))
