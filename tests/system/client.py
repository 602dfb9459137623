# SPDX-License-Identifier: ISC
"""What a client of the daemon does, and what it may expect."""

import contextlib
import errno
import random
import select
import selectors
import socket
import time
import weakref

from daemon import PATIENCE

# Characters of all lengths, whose capitals are as long, longer, shorter, or
# several, and some without any.
ALPHABET = "abcz AZ09\n" + "äßéıſΐΰŉǰ" + "ﬃﬗᾷ€ⓐნ" + "𐐨𞤢🌮𝔘"

# The errors that flood has met: the kernel tells each only once.
_errors_met = weakref.WeakKeyDictionary()


def mixed_text(size, seed):
    """About size bytes of text in characters of all lengths."""
    choose = random.Random(seed)
    text = "".join(choose.choices(ALPHABET, k=size // 2))
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def receive(client, size):
    """Receives exactly size bytes."""
    answer = b""
    while len(answer) < size:
        more = client.recv(size - len(answer))
        if not more:
            raise AssertionError(f"the answer ends with {answer[-40:]!r}")
        answer += more
    return answer


@contextlib.contextmanager
def may_break():
    """Leaves the block when a connection turns out to be broken in it."""
    try:
        yield
    except OSError as error:
        # After a reset that is what shutdown says.
        if error.errno != errno.ENOTCONN and \
                not isinstance(error, ConnectionError):
            raise


class _Talk:
    """One side of a conversation that sends and receives at once."""

    def __init__(self, client, question, half_close):
        self.client = client
        self.left = memoryview(question)
        self.half_close = half_close
        self.answer = bytearray()

    def send(self):
        """Sends something, and returns False once all has been sent."""
        sent = self.client.send(self.left[:1 << 18])
        self.left = self.left[sent:]
        if not self.left and self.half_close:
            self.client.shutdown(socket.SHUT_WR)
        return bool(self.left)

    def receive(self):
        more = self.client.recv(1 << 18)
        self.answer += more
        return bool(more)


def converse_all(pairs, half_close=True, patience=4 * PATIENCE):
    """Has all conversations at once; returns their answers in order.

    Each pair is a connected socket and the question to ask on it.  An answer
    is what comes up to the end of file.
    """
    talks = [_Talk(*pair, half_close) for pair in pairs]
    deadline = time.monotonic() + patience
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    with selectors.DefaultSelector() as selector:
        for talk in talks:
            talk.client.setblocking(False)
            selector.register(talk.client, both, talk)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready and time.monotonic() >= deadline:
                raise AssertionError(f"no end of file after {patience} s")
            for key, events in ready:
                talk = key.data
                if events & selectors.EVENT_WRITE and not talk.send():
                    selector.modify(talk.client, selectors.EVENT_READ, talk)
                if events & selectors.EVENT_READ and not talk.receive():
                    selector.unregister(talk.client)
    for talk in talks:
        talk.client.settimeout(PATIENCE)
    return [bytes(talk.answer) for talk in talks]


def converse(client, question, **how):
    """Sends and receives at once, and returns all up to the end of file."""
    return converse_all([(client, question)], **how)[0]


def ask(daemon, question, **how):
    """The whole answer to the question, on a connection of its own."""
    with daemon.connect(**how) as client:
        return converse(client, question)


def flood(clients, question, most=64 << 20, pause=0.5):
    """Sends and never reads, until nothing is taken any more.

    The question is repeated as often as it takes.  Returns how many bytes of
    each client were taken.
    """
    taken = {client.fileno(): 0 for client in clients}
    by_fd = {client.fileno(): client for client in clients}
    writable = select.poll()
    for client in clients:
        client.setblocking(False)
        writable.register(client, select.POLLOUT)
    while taken:
        ready = writable.poll(pause * 1000)
        if not ready:
            break
        for fd, events in ready:
            # A broken one is left alone: its error is for wait_for_error.
            if events & (select.POLLERR | select.POLLHUP):
                writable.unregister(fd)
                continue
            try:
                start = taken[fd] % len(question)
                left = most - taken[fd]
                taken[fd] += by_fd[fd].send(question[start:start + left])
            except BlockingIOError:
                pass
            except ConnectionError as error:
                # It broke just after the poll.
                _errors_met[by_fd[fd]] = errno.errorcode[error.errno]
                writable.unregister(fd)
                continue
            if taken[fd] == most:
                writable.unregister(fd)
    for client in clients:
        client.settimeout(PATIENCE)
    return list(taken.values())


def wait_for_error(client, patience=PATIENCE):
    """Waits, without reading, until the connection is broken.

    Returns the name of the error, or "" when it just ended.
    """
    broken = select.poll()
    broken.register(client, 0)
    if not broken.poll(patience * 1000):
        raise AssertionError(f"the connection still stands after {patience} s")
    if client in _errors_met:
        return _errors_met[client]
    error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode[error] if error else ""
