#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""System calls fail while the daemon serves many, and while it drains.

An error costs at most the connection whose call it was; all others get their
answers byte for byte, and what ended and why is counted.
"""

import re
import signal
import tempfile
import threading

import tap
from client import (ask, converse, flood, may_break, mixed_text,
                    receive)
from daemon import (LONG, Case, Daemon, each_backend, linux_only, root_only,
                    wait_until)
from injection import Injection, with_strace, wrapper
from stream import reset, upper

PING = "ping größe".encode()

# Clients at once, of which every other one has a small buffer, so that
# answers have to wait.
N = 6

# What may be lost for each call that failed.
NOTHING, ONE = 0, 1

# The one that there is, in strace's form.
ACCEPT = "/^accept4?$"

# (call, error, when, what is lost, the counter that tells of it)
SERVING = [
    (ACCEPT, "ECONNABORTED", "1+2", NOTHING, None),
    (ACCEPT, "EMFILE", "1+3", NOTHING, "accept-failures"),
    (ACCEPT, "ENFILE", "2", NOTHING, "accept-failures"),
    (ACCEPT, "ENOBUFS", "1..3", NOTHING, "accept-failures"),
    (ACCEPT, "ENOMEM", "3", NOTHING, "accept-failures"),
    (ACCEPT, "EPERM", "1", NOTHING, "accept-failures"),
    (ACCEPT, "EINTR", "1+2", NOTHING, None),
    (ACCEPT, "EAGAIN", "1+2", NOTHING, None),
    (ACCEPT, "ENETDOWN", "1+2", NOTHING, None),
    ("recvfrom", "EINTR", "1+2", NOTHING, None),
    ("recvfrom", "EAGAIN", "1+2", NOTHING, None),
    ("recvfrom", "ECONNRESET", "3..4", ONE, "failed"),
    ("recvfrom", "ENOMEM", "5", ONE, "failed"),
    ("recvfrom", "EHOSTUNREACH", "2", ONE, "failed"),
    ("recvfrom", "ETIMEDOUT", "2+9", ONE, "stalled"),
    ("sendto", "EINTR", "1+2", NOTHING, None),
    ("sendto", "EAGAIN", "1+2", NOTHING, None),
    ("sendto", "EPIPE", "2..3", ONE, "failed"),
    ("sendto", "ENOBUFS", "4", ONE, "failed"),
    ("sendto", "ENOMEM", "3", ONE, "failed"),
    ("sendto", "ETIMEDOUT", "2", ONE, "stalled"),
    ("setsockopt", "ENOBUFS", "1+", NOTHING, None),
    ("shutdown", "ENOTCONN", "1+", NOTHING, None),
    ("read", "EINTR", "1+2", NOTHING, None),
    ("read", "EIO", "1", NOTHING, None),
]

SERVING_BACKEND = {
    "epoll": [("epoll_ctl", "ENOMEM", "2", ONE, "failed"),
              ("epoll_ctl", "ENOSPC", "3+5", ONE, "failed"),
              ("epoll_wait", "EINTR", "1+2", NOTHING, None),
              ("epoll_wait", "ENOMEM", "2", NOTHING, "wait-failures")],
    "poll": [("poll", "EINTR", "1+2", NOTHING, None),
             ("poll", "ENOMEM", "2", NOTHING, None)],
    "kqueue": [],
}


# (call, error, when, what is lost) while clients still get their answers.
DRAINING = [
    ("recvfrom", "ECONNRESET", "2", ONE),
    ("recvfrom", "EINTR", "1+2", NOTHING),
    ("sendto", "EPIPE", "3", ONE),
    ("sendto", "EAGAIN", "1+2", NOTHING),
    (ACCEPT, "EMFILE", "1", NOTHING),
    (ACCEPT, "ECONNABORTED", "1", NOTHING),
]

DRAINING_BACKEND = {
    "epoll": [("epoll_wait", "ENOMEM", "2", NOTHING)],
    "poll": [("poll", "ENOMEM", "2", NOTHING)],
    "kqueue": [],
}


def rows(table, how):
    """The rows for the back end; the short extent has one for each call and
    what comes of it."""
    chosen = table[0] + table[1][how["backend"]]
    if LONG:
        return chosen
    return {(row[0], *row[3:]): row for row in reversed(chosen)}.values()


def exchange(client, text):
    """Sends a text and receives the answer to it."""
    client.sendall(text)
    answer = receive(client, len(upper(text)))
    assert answer == upper(text), answer


class Client(threading.Thread):
    """Calls what asks; the attribute answer is None if the connection broke."""

    def __init__(self, request):
        super().__init__()
        self.request = request
        self.answer = None
        self.start()

    def run(self):
        with may_break():
            self.answer = self.request()


def endings(counters):
    """How many connections have ended, for all causes."""
    return sum(counters[cause] for cause in (
        "ended", "idle", "quiet", "refused", "stalled", "evicted", "cut",
        "failed"))


@linux_only
@with_strace
class ServingTest(Case):
    @staticmethod
    def vanish(daemon):
        """A client that resets its connection, whatever became of it."""
        with may_break():
            client = daemon.connect()
            client.sendall(PING)
            client.recv(1)
            reset(client)

    def exercise(self, daemon):
        """Has many clients at once; returns how many were lost."""
        good = [mixed_text(60_000 + i, seed=i) for i in range(N)]
        # What follows the byte that is not UTF-8 gets no answer.
        questions = [(text, upper(text)) for text in good]
        questions.append((b"ok\xff" + good[0], b"OK"))
        clients = [Client(lambda text=text, small=i % 2: ask(
                       daemon, text, receive_buffer=4096 if small else None))
                   for i, (text, _) in enumerate(questions)]
        daemon.send_signal(signal.SIGHUP)
        for client in clients:
            client.join()
        for client, (_, answer) in zip(clients, questions):
            self.assertIn(client.answer, (None, answer))
        return sum(client.answer is None for client in clients)

    def settled(self, daemon):
        """The counters once no connection but the steady one is open."""
        return wait_until(lambda: (counters := daemon.counters())["open"] == 1
                          and counters, "the others have ended")

    def check_row(self, daemon, call, error, when, loss, counter):
        before, nfds = self.settled(daemon), len(daemon.fds())
        with Injection(daemon, call, error, when) as injection:
            lost = self.exercise(daemon)
            if loss == NOTHING:
                self.vanish(daemon)
            wait_until(lambda: len(daemon.fds()) == nfds,
                       "no descriptor is left")
        after = self.settled(daemon)
        self.assertGreater(injection.injected, 0, call)
        # One client is refused: an error while it lingers costs nothing.
        if loss == ONE:
            self.assertIn(injection.injected - lost, (0, 1), (call, error))
        else:
            self.assertEqual(lost, 0, (call, error))
        if counter:
            self.assertEqual(after[counter] - before[counter],
                             lost if loss == ONE else injection.injected,
                             (call, error))
        self.assertEqual(after["accepted"] - 1, endings(after))

    @each_backend(workers=(1, 2) if LONG else (2,))
    def test_serving(self, how):
        """A call that fails costs no more than its own connection"""
        with Daemon(**how, args=["--invalid", "close"]) as daemon, \
                daemon.connect() as steady:
            for row in rows((SERVING, SERVING_BACKEND), how):
                self.check_row(daemon, *row)
                exchange(steady, PING)
            used = daemon.cpu_time()
            daemon.watch(0.5)
            self.assertLess(daemon.cpu_time() - used, 0.03)


@linux_only
@with_strace
class DrainTest(Case):
    N = 4

    def drain(self, daemon, call, error, when):
        """Stops the daemon while it answers; returns what failed, and how
        many clients were lost."""
        text = mixed_text(400_000, seed=7) * 8
        sockets = [daemon.connect(receive_buffer=4096 if i % 2 else None)
                   for i in range(self.N)]
        # No answer comes to its end while nobody reads.
        taken = flood(sockets, text, most=len(text))
        daemon.send_signal(signal.SIGSTOP)
        with Injection(daemon, call, error, when) as injection:
            daemon.send_signal(signal.SIGTERM)
            daemon.send_signal(signal.SIGCONT)
            clients = [Client(lambda client=client, n=n:
                              converse(client, text[n:]))
                       for client, n in zip(sockets, taken)]
            status = daemon.wait()
            for client in clients:
                client.join()
        for client in sockets:
            client.close()
        whole = upper(text)
        short = [client.answer for client in clients
                 if client.answer not in (None, whole)]
        # On a busy machine one may pause for so long that it counts as quiet.
        quiet = re.search(r" quiet=(\d+)", daemon.lines[-1])
        self.assertLessEqual(len(short), int(quiet[1]) if quiet else 0)
        for answer in short:
            # The beginning of a character may be its end.
            self.assertTrue(whole.startswith(answer[:-3]))
        self.assertEqual(status, 0)
        lost = sum(client.answer is None for client in clients)
        return injection.injected, lost

    @each_backend(workers=(1, 2) if LONG else (1,))
    def test_draining(self, how):
        """A call that fails in a drain costs no more than its own
        connection, and the drain ends"""
        for call, error, when, loss in rows((DRAINING, DRAINING_BACKEND), how):
            with Daemon(**how, args=["--drain-timeout", "1m"]) as daemon:
                injected, lost = self.drain(daemon, call, error, when)
            self.assertGreater(injected, 0, call)
            self.assertEqual(lost, loss * injected, (call, error))


@linux_only
@root_only
@with_strace
class EarlySignalTest(Case):
    def test_early_signals(self):
        """SIGHUP and SIGUSR1 during the start do not end it"""
        with tempfile.NamedTemporaryFile() as trace:
            slow = [*wrapper(trace.name, "trace=setgroups",
                             "inject=setgroups:delay_enter=500ms"),
                    "--seccomp-bpf"]
            daemon = Daemon(wrapper=slow)
            def is_bound():
                return hasattr(daemon, "pid") and any(
                    "socket" in name for name in daemon.fds().values())
            def send():
                wait_until(is_bound, "the daemon has a socket")
                for signo in (signal.SIGHUP, signal.SIGUSR1):
                    daemon.send_signal(signo)
            sender = threading.Thread(target=send)
            sender.start()
            with daemon:
                sender.join()
                self.assertEqual(ask(daemon, PING), upper(PING))
                # What was asked for early is done.
                daemon.wait_for_line("^reloaded: ")


if __name__ == "__main__":
    tap.main()
