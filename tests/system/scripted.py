# SPDX-License-Identifier: ISC
"""Small servers for the tests of upc, honest and broken, and their texts."""

import contextlib
import socket
import threading

from stream import upper

# How long anything may take that is expected to happen.
BOUND = 60


def big_text():
    """Some more than 8 MB of lines with characters of one to four bytes."""
    lines = [f"line {i} grüße ŉ ǰ ΐ 🌮 {'abc' * (i % 40)}\n"
             for i in range(1000)]
    text = "".join(lines).encode()
    return text * (8 * 1024 * 1024 // len(text) + 1)


BIG = big_text()
BIG_UPPER = upper(BIG)


def receive_line(peer):
    line = b""
    while not line.endswith(b"\n"):
        part = peer.recv(1)
        if not part:
            break
        line += part
    return line


def honest(peer):
    """Answers each part at once and reads no more before it is sent."""
    held = b""
    while part := peer.recv(65536):
        held += part
        # Whole lines have only whole characters.
        end = held.rfind(b"\n") + 1
        peer.sendall(upper(held[:end]))
        held = held[end:]
    peer.sendall(upper(held))


class Server:
    """Serves each connection with a function in a thread of its own."""

    def __init__(self, serve, family=socket.AF_INET, port=0, buffers=0):
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self.serve = serve
        self.ended = threading.Event()
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if buffers:
            self.listener.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            self.listener.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        self.listener.bind((host, port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.address = f"{'[::1]' if ':' in host else host}:{self.port}"
        self.peers = []
        self.threads = [threading.Thread(target=self.accept)]

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.settimeout(BOUND)
            self.peers.append(peer)
            thread = threading.Thread(target=self.run, args=(peer,))
            self.threads.append(thread)
            thread.start()

    def run(self, peer):
        # A client that is gone is for the test to notice.
        with contextlib.suppress(OSError), peer:
            self.serve(peer)

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self.threads[1:]:
            thread.join()
        self.listener.close()


def free_port():
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
