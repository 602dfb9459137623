#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The example for haproxy, as it stands, in front of three daemons.

An answer that is cut must not pass for a whole one.  haproxy makes an end of
file of a server's reset, so that the end proves nothing; as upc does, these
clients count lines.
"""

import contextlib
import random
import select
import signal
import socket
import subprocess
import threading
import unittest

import tap
from client import (converse, converse_all, may_break, mixed_text,
                    receive)
from daemon import PATIENCE, Case, Daemon, wait_until
from haproxy import EXAMPLE, HAPROXY, Haproxy, free_port
from stream import has_ipv6, upper
from upc_case import running

SIZES = (0, 1, 2, 3, 1023, 16383, 16384, 16385, 65537, 300_001, 2_000_003)
LINE = "größe ﬃ ΰ €🌮 ein\n".encode()
# No more than a server and haproxy hold for who does not read.
TEXT = mixed_text(60_000, seed=1) + b"\n"


def server(port, *args):
    return Daemon(listen=[f"127.0.0.1:{port},proxy"],
                  args=["--proxy-from", "loopback", *args])


@contextlib.contextmanager
def three():
    """Three daemons by name, and haproxy in front of them."""
    with contextlib.ExitStack() as stack:
        daemons = {name: stack.enter_context(server(free_port()))
                   for name in "abc"}
        balancer = stack.enter_context(
            Haproxy([daemon.port for daemon in daemons.values()]))
        yield daemons, balancer


def connect(balancer):
    client = socket.create_connection(balancer.address, PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def start_answer(client):
    """Asks, and leaves the answer unread that has come."""
    client.sendall(LINE)
    if not select.select([client], [], [], PATIENCE)[0]:
        raise AssertionError("no answer")


def unread(port):
    """Whether a connection of the port has bytes that nobody has read."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    # State 0A is that of a listener, whose queue is another.
    return any(row[1].endswith(f":{port:04X}") and row[3] != "0A" and
               not row[4].endswith(":00000000") for row in rows)


def is_cut(question, answer):
    """Whether the answer lacks its end, and who counts lines can tell."""
    return upper(question).startswith(answer) and \
        answer.count(b"\n") < question.count(b"\n")


def converse_broken(client, question):
    """Like converse, but returns what has come when the connection breaks."""
    answer = bytearray()
    left = memoryview(question)
    client.setblocking(False)
    with may_break():
        while True:
            ready = select.select([client], [client] if left else [], [],
                                  2 * PATIENCE)
            if not any(ready):
                raise AssertionError(f"silence, and {len(left)} bytes left")
            if ready[1]:
                left = left[client.send(left):]
                if not left:
                    client.shutdown(socket.SHUT_WR)
            if ready[0]:
                part = client.recv(1 << 16)
                if not part:
                    break
                answer += part
    return bytes(answer)


class Load:
    """Clients that ask one after the other, as a context manager.

    Each text is another, so that no answer passes for that to another.
    """

    def __init__(self, balancer, clients=6):
        self.balancer = balancer
        self.stop = threading.Event()
        self.whole = 0
        self.cut = set()
        self.wrong = []
        self.threads = [threading.Thread(target=self._ask, args=(number,))
                        for number in range(clients)]

    def _ask(self, number):
        choose = random.Random(number)
        text = mixed_text(200_000, number)
        count = 0
        while not self.stop.is_set() and not self.wrong:
            count += 1
            start = choose.randrange(100_000)
            size = choose.choice((10, 1000, 20_000, 100_000))
            question = b"%d-%d " % (number, count) + \
                text[start:start + size].decode(errors="ignore").encode() + \
                b"\n"
            try:
                with connect(self.balancer) as client:
                    port = client.getsockname()[1]
                    answer = converse_broken(client, question)
            except (OSError, AssertionError) as error:
                self.wrong.append(repr(error))
                break
            if answer == upper(question):
                self.whole += 1
            elif is_cut(question, answer):
                self.cut.add(port)
            else:
                self.wrong.append((question[:60], answer[:60]))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.finish()

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def wait_for_answers(self, more=60):
        """Waits until that many more texts were answered, and none wrongly."""
        goal = self.whole + more
        wait_until(lambda: self.whole >= goal or self.wrong, "answers")
        if self.wrong:
            raise AssertionError(self.wrong)


@unittest.skipUnless(HAPROXY, "needs haproxy")
class HaproxyTest(Case):
    def test_valid(self):
        """haproxy takes the example as it stands, without a warning"""
        done = subprocess.run(
            [HAPROXY, "-c", "-f", EXAMPLE], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "Configuration file is valid\n"))

    def test_whole(self):
        """Texts of many sizes, half-closed, are answered whole by all servers
        """
        texts = [mixed_text(size, seed) for seed, size in enumerate(SIZES)]
        with three() as (daemons, balancer):
            with contextlib.ExitStack() as stack:
                answers = converse_all(
                    [(stack.enter_context(connect(balancer)), text)
                     for text in texts])
            for text, answer in zip(texts, answers):
                self.assertTrue(answer == upper(text), len(text))
            for name in daemons:
                self.assertGreater(int(balancer.server(name)["stot"]), 1)
            # An empty text is at its end before there is a server for it.
            self.assertLessEqual({why for _, why in
                                  balancer.logged().values()}, {"CC"})

    @unittest.skipUnless(has_ipv6(), "needs IPv6")
    def test_ipv6(self):
        """It serves by IPv6 too"""
        with three() as (_, balancer):
            address = ("::1", balancer.address[1])
            with socket.create_connection(address, PATIENCE) as client:
                self.assertEqual(converse(client, TEXT), upper(TEXT))

    def test_split(self):
        """A text that comes in two parts, split anywhere, is answered whole"""
        text = LINE.decode()
        with three() as (_, balancer):
            for split in range(len(LINE) + 1):
                with connect(balancer) as client:
                    client.sendall(LINE[:split])
                    complete = LINE[:split].decode(errors="ignore")
                    due = upper(complete.encode())
                    self.assertEqual(receive(client, len(due)), due)
                    rest = text[len(complete):].encode()
                    self.assertEqual(converse(client, LINE[split:]),
                                     upper(rest))
            self.assertEqual(balancer.logged(), {})

    def test_client(self):
        """upcased logs the clients of haproxy, and its checks as its own"""
        with server(free_port(), "--log-connections") as daemon, \
                Haproxy([daemon.port, free_port(), free_port()]) as balancer:
            with connect(balancer) as client:
                own = "{}:{}".format(*client.getsockname())
                self.assertEqual(converse(client, LINE), upper(LINE))
            daemon.wait_for_line(f"connection peer={own} .*reason=ended")
            # What ends a check is up to haproxy.
            found = daemon.wait_for_line(
                r"connection peer=127\.0\.0\.1:(\d+) .* received=9 sent=9 ")
            self.assertNotEqual(f"127.0.0.1:{found[1]}", own)
            self.assertEqual(daemon.counters()["proxy-errors"], 0)

    def test_queue(self):
        """A text that waits, to its end, for a place is answered whole"""
        with three() as (_, balancer), contextlib.ExitStack() as stack:
            for name in "b", "c":
                balancer.set_state(name, "maint")
            balancer.order("set maxconn server upcased/a 1")
            with connect(balancer) as first:
                first.sendall(LINE)
                self.assertEqual(receive(first, len(upper(LINE))), upper(LINE))
                waiting = stack.enter_context(connect(balancer))
                waiting.sendall(LINE)
                waiting.shutdown(socket.SHUT_WR)
                wait_until(lambda: balancer.server("BACKEND")["qcur"] == "1",
                           "the second waits")
            self.assertEqual(converse_broken(waiting, b""), upper(LINE))
            self.assertEqual(balancer.logged(), {})

    def test_reload(self):
        """A reload loses no connection, and refuses none"""
        with three() as (_, balancer), connect(balancer) as held:
            held.sendall(LINE)
            self.assertEqual(receive(held, len(upper(LINE))), upper(LINE))
            with Load(balancer) as load:
                load.wait_for_answers()
                old = balancer.replace()
                load.wait_for_answers()
            self.assertEqual((load.wrong, load.cut), ([], set()))
            self.assertIsNone(old.poll())
            self.assertEqual(converse(held, LINE), upper(LINE))
            self.assertEqual(old.wait(PATIENCE), 0)
            self.assertEqual(balancer.logged(), {})


@unittest.skipUnless(HAPROXY, "needs haproxy")
class FailureTest(Case):
    def test_upc(self):
        """When a server is killed, its upc says that the answer is cut short"""
        with three() as (daemons, balancer), contextlib.ExitStack() as stack:
            clients = [stack.enter_context(running(
                server="{}:{}".format(*balancer.address),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)) for _ in daemons]
            for client in clients:
                client.stdin.write(LINE)
                client.stdin.flush()
                self.assertEqual(client.stdout.read(len(upper(LINE))),
                                 upper(LINE))
            self.assertEqual([balancer.connections(name) for name in daemons],
                             [1, 1, 1])
            daemons["a"].kill()
            outcomes = [(*client.communicate(TEXT, PATIENCE),
                         client.returncode) for client in clients]
            outcomes.sort(key=lambda outcome: outcome[2])
            self.assertEqual(outcomes[:2], [(upper(TEXT), b"", 0)] * 2)
            self.assertEqual(outcomes[2][2], 74)
            self.assertIn(b"cut short", outcomes[2][1])

    def test_half_closed(self):
        """An answer cut by a kill lacks lines, and haproxy logs the cut"""
        with three() as (daemons, balancer), connect(balancer) as client:
            for name in "b", "c":
                balancer.set_state(name, "maint")
            start_answer(client)
            daemons["a"].send_signal(signal.SIGSTOP)
            client.sendall(TEXT)
            client.shutdown(socket.SHUT_WR)
            wait_until(lambda: unread(daemons["a"].port), "the text is there")
            daemons["a"].kill()
            answer = converse_broken(client, b"")
            self.assertTrue(is_cut(LINE + TEXT, answer))
            wait_until(lambda: balancer.logged() == {
                client.getsockname()[1]: ("a", "SD")}, "the cut is logged")

    def test_under_load(self):
        """A kill, a drain and a hang under load lose what the kill cut alone"""
        with three() as (daemons, balancer), Load(balancer) as load:
            load.wait_for_answers()
            cut = self.check_killed(daemons, balancer)
            load.wait_for_answers()
            with server(daemons["a"].port):
                self.check_return(balancer, load, "a")
                cut |= load.cut
                # Each client had no more than one text in flight.
                self.assertLessEqual(len(load.cut), len(load.threads))
                self.check_drained(daemons, balancer, load)
                with server(daemons["b"].port):
                    balancer.set_state("b", "ready")
                    self.check_return(balancer, load, "b")
                    self.check_hung(daemons, balancer, load)
                    load.finish()
                    self.assertEqual(load.wrong, [])
                    # The kernel ends a connection in order when a process
                    # dies that had read all: that is not logged.
                    self.assertLessEqual(set(balancer.logged()), cut)
                    self.assertLessEqual(load.cut, cut)

    def check_killed(self, daemons, balancer):
        """Cuts what a server has in flight, and returns the clients' ports"""
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(connect(balancer)) for _ in range(6)]
            for client in held:
                start_answer(client)
            daemons["a"].send_signal(signal.SIGSTOP)
            for client in held:
                client.sendall(TEXT)
                client.shutdown(socket.SHUT_WR)
            daemons["a"].kill()
            answers = [converse_broken(client, b"") for client in held]
            cut = {client.getsockname()[1]
                   for client, answer in zip(held, answers)
                   if answer != upper(LINE + TEXT)}
        self.assertTrue(0 < len(cut) < len(held), cut)
        for answer in answers:
            self.assertTrue(answer == upper(LINE + TEXT) or
                            is_cut(LINE + TEXT, answer))
        balancer.wait_for_state("a", "DOWN")
        # No connection failed: for that, another server was tried.
        self.assertLessEqual(set(balancer.logged().values()), {("a", "SD")})
        return cut

    def check_return(self, balancer, load, name):
        """A server that comes back is used again."""
        balancer.wait_for_state(name, "UP")
        balancer.wait_for_use(name)
        load.wait_for_answers()

    def check_unused(self, balancer, load, name):
        """The clients are answered, and none of them by this server."""
        before = balancer.server(name)["stot"]
        load.wait_for_answers()
        self.assertEqual(balancer.server(name)["stot"], before)

    def check_drained(self, daemons, balancer, load):
        """A server that is drained is left by its clients, and then ends."""
        balancer.set_state("b", "drain")
        self.check_unused(balancer, load, "b")
        wait_until(lambda: balancer.connections("b") == 0, "all have left b")
        self.assertEqual(daemons["b"].stop(), 0)

    def check_hung(self, daemons, balancer, load):
        """A server that hangs is taken out, and its clients wait for it."""
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(connect(balancer)) for _ in range(6)]
            for client in held:
                start_answer(client)
            daemons["c"].send_signal(signal.SIGSTOP)
            balancer.wait_for_state("c", "DOWN")
            self.assertGreater(balancer.connections("c"), 0)
            self.check_unused(balancer, load, "c")
            for client in held:
                client.sendall(TEXT)
                client.shutdown(socket.SHUT_WR)
            daemons["c"].send_signal(signal.SIGCONT)
            for client in held:
                self.assertTrue(converse_broken(client, b"") ==
                                upper(LINE + TEXT))
        self.check_return(balancer, load, "c")


if __name__ == "__main__":
    tap.main()
