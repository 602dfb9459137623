#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients of all kinds get the right answers."""

import socket
import threading
import time

import tap
from client import ask, converse, converse_all, mixed_text, receive
from daemon import (SANITIZED, SHIM, SLOWNESS, Case, Daemon, each_backend,
                    wait_until, with_shim)
from stream import has_ipv6, receive_all, upper

TACO = "I am hungry for 🌮".encode()

# A peer may put an acknowledgement off for 40 ms: what waits for one shows.
DELAYED_ACK = 0.040


def least_usual(times):
    """What most take longer than, a busy machine or not, once the kernel no
    longer acknowledges at once, as it does at the start of a connection.

    Of two messages some come as one.
    """
    later = sorted(times[len(times) // 2:])
    return later[len(later) // 4]


class LectureTest(Case):
    @each_backend(workers=(1, 2))
    def test_lecture(self, how):
        """The client of the lecture, written anew, gets its answer"""
        with Daemon(**how) as daemon:
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.connect(daemon.address)
            client.sendall(b"I am hungry for tacos")
            answer = client.recv(1024)
            client.close()
            self.assertEqual(answer, b"I AM HUNGRY FOR TACOS")

    @each_backend()
    def test_lecture_with_10_mb(self, how):
        """A client that sends 40 MB before it reads is ended as stalled,
        while others are answered"""
        args = ["--stall-timeout", f"{2 * SLOWNESS}s"]
        outcome = []
        def send_all(client):
            try:
                client.sendall(b"x" * 40_000_000)
                outcome.append("all was taken")
            except ConnectionError:
                outcome.append("ended")
            except TimeoutError:
                outcome.append("neither taken nor ended")
        with Daemon(**how, args=args) as daemon, daemon.connect() as client:
            sender = threading.Thread(target=send_all, args=(client,))
            sender.start()
            nmeanwhile = 0
            while sender.is_alive():
                self.assertEqual(ask(daemon, TACO), upper(TACO))
                nmeanwhile += sender.is_alive()
                sender.join(0.05)
            self.assertEqual(outcome, ["ended"])
            # If they had to wait for the end of it, there would be one.
            self.assertGreater(nmeanwhile, 2)
            wait_until(lambda: daemon.counters()["stalled"] == 1,
                       "it is counted")


class StreamTest(Case):
    @each_backend()
    def test_one_byte_at_a_time(self, how):
        """Each character is answered when its last byte has come"""
        with Daemon(**how) as daemon, daemon.connect() as client:
            answered = 0
            for end in range(1, len(TACO) + 1):
                client.sendall(TACO[end - 1:end])
                complete = TACO[:end].decode("utf-8", "ignore").encode()
                new = upper(complete)[answered:]
                self.assertEqual(receive(client, len(new)), new)
                answered += len(new)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(client), b"")
            self.assertEqual(answered, len(upper(TACO)))

    @each_backend(workers=(1, 2))
    def test_64_mib(self, how):
        """64 MiB go through one connection, both ways at once, unharmed"""
        block = mixed_text(1_000_003, seed=1)
        times = (8 if SANITIZED else 64) * 1_048_576 // len(block) + 1
        with Daemon(**how) as daemon:
            answer = ask(daemon, block * times)
            # Not assertEqual, which would describe the difference for hours.
            self.assertTrue(answer == upper(block) * times)

    @each_backend()
    def test_late_reader(self, how):
        """1 MB and a half-close are answered whole to a client that reads
        2 s later"""
        text = mixed_text(1_000_000, seed=2)
        with Daemon(**how) as daemon, daemon.connect() as client:
            sender = threading.Thread(target=lambda: (
                client.sendall(text), client.shutdown(socket.SHUT_WR)))
            sender.start()
            daemon.watch(2)
            answer = receive_all(client)
            sender.join()
            self.assertTrue(answer == upper(text))

    @each_backend(workers=(1, 2))
    def test_killed(self, how):
        """A client whose daemon is killed in the midst of its answer, with
        nothing left to read for it, sees a reset and no end"""
        text = "ΐ".encode() * 2048
        with Daemon(**how, args=["--log-level", "debug"]) as daemon, \
                daemon.connect(receive_buffer=4096) as client:
            total = 0

            def is_stored():
                return any("receiving -> sending" in line
                           for line in daemon.lines)

            while not is_stored():
                client.sendall(text)
                total += len(text)
                wait_until(lambda: is_stored() or
                           daemon.counters()["sent"] == 3 * total,
                           "the text is answered, as far as will go")
            self.assertEqual(daemon.counters()["received"], total)
            client.shutdown(socket.SHUT_WR)
            daemon.kill()
            with self.assertRaises(ConnectionResetError):
                receive_all(client)

    @each_backend(workers=(1, 2))
    def test_200_clients(self, how):
        """200 clients at once each get the answer to their own text"""
        texts = [mixed_text(1 + i * i, seed=i) for i in range(200)]
        with Daemon(**how) as daemon:
            clients = [daemon.connect() for _ in texts]
            answers = converse_all(zip(clients, texts))
            for client in clients:
                client.close()
            self.assertTrue(answers == [upper(text) for text in texts])
            wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
            counters = daemon.counters()
            self.assertEqual(counters["ended"], 200)
            self.assertEqual(counters["received"], sum(map(len, texts)))
            self.assertEqual(counters["sent"], sum(map(len, answers)))

    @each_backend()
    def test_interactive(self, how):
        """Each line, and what has no line end, is answered before the end of
        the file"""
        with Daemon(**how) as daemon, daemon.connect() as client:
            for text in (b"first\n", "zweite größe\n".encode(), b"prompt: "):
                client.sendall(text)
                self.assertEqual(receive(client, len(upper(text))),
                                 upper(text))


class DelayTest(Case):
    @staticmethod
    def time_of(client, *messages):
        """Seconds until all messages, sent one by one, are answered."""
        start = time.monotonic()
        for message in messages:
            client.sendall(message)
        receive(client, sum(map(len, messages)))
        return time.monotonic() - start

    @each_backend()
    def test_two_messages(self, how):
        """Two messages in a row are both answered without a pause"""
        with Daemon(**how) as daemon, daemon.connect() as client:
            times = [self.time_of(client, b"one", b"two") for _ in range(50)]
        self.assertLess(least_usual(times), DELAYED_ACK / 2)

    @with_shim
    @each_backend()
    def test_two_answers(self, how):
        """The second of two answers does not wait until the first has been
        acknowledged"""
        # With short writes an answer certainly leaves in several segments.
        with Daemon(**how, preload=SHIM) as daemon, \
                daemon.connect() as client:
            times = [self.time_of(client, b"x" * 50) for _ in range(50)]
        self.assertLess(least_usual(times), DELAYED_ACK / 2)


class InvalidTest(Case):
    QUESTION = b"caf\xe9 \xf0\x9f\x8c \xc0\xaf \xed\xa0\x80 end"

    def check(self, how, policy, answer):
        args = ["--invalid", policy] if policy else []
        with Daemon(**how, args=args) as daemon:
            self.assertEqual(ask(daemon, self.QUESTION), answer)

    @each_backend()
    def test_pass(self, how):
        """Bytes that are not UTF-8 pass unchanged, which is the default"""
        for policy in ("pass", None):
            self.check(how, policy, upper(self.QUESTION))

    @each_backend()
    def test_replace(self, how):
        """Bytes that are not UTF-8 are replaced when asked"""
        text = self.QUESTION.decode("utf-8", "replace")
        self.check(how, "replace", text.upper().encode())

    @each_backend(workers=(1, 2))
    def test_close(self, how):
        """Bytes that are not UTF-8 end the connection when asked, after the
        answer to what came before"""
        with Daemon(**how, args=["--invalid", "close"]) as daemon:
            with daemon.connect() as client:
                client.sendall(self.QUESTION)
                # The end comes although this side is still open.
                self.assertEqual(receive_all(client), b"CAF")
            daemon.wait_for_line("(?i)utf-8")
            self.assertEqual(ask(daemon, TACO), upper(TACO))
            wait_until(lambda: daemon.counters()["refused"] == 1,
                       "it is counted")

    @each_backend()
    def test_cut_character(self, how):
        """A character cut short by the end of the file is not UTF-8"""
        cut = b"ab\xf0\x9f\x8c"
        for policy, answer in (("pass", b"AB\xf0\x9f\x8c"),
                               ("replace", b"AB\xef\xbf\xbd"),
                               ("close", b"AB")):
            with self.subTest(policy), \
                    Daemon(**how, args=["--invalid", policy]) as daemon:
                self.assertEqual(ask(daemon, cut), answer)


class AddressTest(Case):
    @each_backend(workers=(1, 2))
    def test_several_listeners(self, how):
        """Several listeners, IPv4 and IPv6, each have a port of their own and
        answer"""
        if not has_ipv6():
            self.skipTest("needs IPv6 on the loopback")
        listen = ("127.0.0.1:0", "[::1]:0", "127.0.0.1:0", "127.0.0.2:0")
        with Daemon(**how, listen=listen) as daemon:
            hosts = [host for host, _ in daemon.addresses]
            self.assertEqual(hosts,
                             ["127.0.0.1", "::1", "127.0.0.1", "127.0.0.2"])
            self.assertEqual(len(set(daemon.addresses)), 4)
            for address in daemon.addresses:
                with daemon.connect(address) as client:
                    self.assertEqual(converse(client, TACO), upper(TACO))


if __name__ == "__main__":
    tap.main()
