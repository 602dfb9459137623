# SPDX-License-Identifier: ISC
"""upcbench: what it notices of bad servers, and of none at all."""

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tap
from daemon import PATIENCE, Daemon, needs, root_only, with_mounts
from scripted import BOUND, Server, free_port, honest
from stream import has_ipv6, receive_all, reset
from upcbench_case import (IMPATIENT, MODES, SHORT, SIZE, TALKING, UPCBENCH,
                           BenchCase, address_of, bench)


def faulty(fault, at):
    """Answers in upper case, but for what the fault makes of the given byte.

    A fault returns the bytes to go on with, or None to end the connection.
    """
    def serve(peer):
        seen = 0
        while part := peer.recv(65536):
            answer = part.upper()
            if seen <= at < seen + len(answer):
                answer = fault(peer, answer, at - seen)
                if answer is None:
                    return
            seen += len(part)
            peer.sendall(answer)
    return serve


def change(_, answer, i):
    return answer[:i] + bytes([answer[i] ^ 1]) + answer[i + 1:]


def lose(_, answer, i):
    return answer[:i] + answer[i + 1:]


def double(_, answer, i):
    return answer[:i + 1] + answer[i:]


def swap(_, answer, i):
    return answer[:i] + answer[i:][::-1]


def end(peer, answer, i):
    peer.sendall(answer[:i])
    peer.shutdown(socket.SHUT_WR)
    # A close with input unread would be a reset.
    receive_all(peer)


def break_off(peer, answer, i):
    peer.sendall(answer[:i])
    reset(peer)


def say_more(peer):
    """Answers as it should, and at the end has one byte more."""
    while part := peer.recv(65536):
        peer.sendall(part.upper())
    peer.sendall(b"!")


class Wrong(BenchCase):
    """Servers that answer wrongly, in each mode in which they can."""

    def each_mode(self, fault, kind, words, at=40):
        for mode in MODES:
            with self.subTest(mode), Server(faulty(fault, at)) as server:
                sentence = self.bad(kind, "--mode", mode, "--connections", 2,
                                    "--size", SIZE, *IMPATIENT,
                                    server.address)
                self.assertIn(words, sentence)

    def test_a_byte_that_was_changed_is_wrong(self):
        self.each_mode(change, "wrong", "the answer is wrong at byte 40: ")

    def test_a_byte_that_was_lost_is_noticed(self):
        self.each_mode(lose, "wrong", "the answer is wrong at byte 40: ")

    def test_a_byte_that_was_doubled_is_noticed(self):
        self.each_mode(double, "wrong", "the answer is wrong at byte 41: ")

    def test_bytes_in_another_order_are_noticed(self):
        self.each_mode(swap, "wrong", "the answer is wrong at byte 40: ")

    def test_an_end_before_the_end_of_the_answer_is_a_loss(self):
        self.each_mode(end, "lost", "the answer is cut short at byte 40: ")

    def test_a_reset_is_noticed(self):
        for mode in MODES:
            with self.subTest(mode), \
                    Server(faulty(break_off, 40)) as server:
                self.assertIn("the connection broke at byte ", self.bad(
                    "closed", "--mode", mode, *IMPATIENT, server.address))

    def test_the_last_byte_lost_is_a_timeout(self):
        for mode in ("ping-pong", "churn", "idle"):
            with self.subTest(mode), \
                    Server(faulty(lose, SIZE - 1)) as server:
                sentence = self.bad("timeout", "--mode", mode, "--timeout",
                                    "300ms", "--time", "500ms", "--warm-up",
                                    "0", server.address)
                self.assertIn("the answer does not come at byte 63: "
                              "expected 0a, received nothing for 0.3 seconds",
                              sentence)

    def test_the_last_byte_doubled_is_extra(self):
        for mode in ("ping-pong", "churn", "idle"):
            with self.subTest(mode), \
                    Server(faulty(double, SIZE - 1)) as server:
                self.assertIn("more than the answer at byte 64: expected "
                              "nothing more, received 0a\n",
                              self.bad("extra", "--mode", mode, *IMPATIENT,
                                       server.address))

    def test_a_byte_after_the_end_is_extra(self):
        for mode in MODES:
            with self.subTest(mode), Server(say_more) as server:
                self.assertIn("expected nothing more, received 21\n",
                              self.bad("extra", "--mode", mode, *SHORT,
                                       server.address))

    def test_a_byte_that_nobody_asked_for_is_extra(self):
        def serve(peer):
            peer.sendall(b"220 hello\n")
            receive_all(peer)
        with Server(serve) as server:
            self.assertIn("received 32 32 30 20 68 65 6c 6c 6f 0a\n",
                          self.bad("extra", "--mode", "idle", *IMPATIENT,
                                   server.address))

    def test_an_idle_connection_that_is_closed_is_noticed(self):
        with Server(lambda peer: None) as server:
            self.assertIn("received the end of the connection\n",
                          self.bad("closed", "--mode", "idle", *IMPATIENT,
                                   server.address))

    def test_a_later_message_is_looked_at_as_well(self):
        for at in (5 * SIZE, 1000 * SIZE + 7, 5000 * SIZE - 2):
            with Server(faulty(change, at)) as server:
                sentence = self.bad("wrong", "--count", 10000, "--depth", 16,
                                    "--timeout", "10s", server.address)
                self.assertIn(f"the answer is wrong at byte {at}: ", sentence)

    def test_the_sentence_shows_both_sides_in_hex(self):
        asked = []

        def keep(_, answer, i):
            asked.append(answer)
            return change(_, answer, i)
        with Server(faulty(keep, 40)) as server:
            sentence = self.bad("wrong", *IMPATIENT, server.address)
        due, came = asked[0][40:56], change(None, asked[0], 40)[40:56]
        self.assertEqual(
            sentence, f"upcbench: connection 1 to {server.address}: "
            f"the answer is wrong at byte 40: expected {due.hex(' ')} ... "
            f"(24 bytes), received {came.hex(' ')} ... (24 bytes)\n")

    def test_answers_that_two_connections_exchanged_are_wrong(self):
        peers, both = [], threading.Barrier(2)

        def serve(peer):
            peers.append(peer)
            question = peer.recv(SIZE)
            both.wait(BOUND)
            other = peers[peers[0] is peer]
            other.sendall(question.upper())
            receive_all(peer)
        for mode in ("ping-pong", "churn"):
            peers.clear()
            with self.subTest(mode), Server(serve) as server:
                self.bad("wrong", "--mode", mode, "--connections", 2,
                         *IMPATIENT, server.address)

    def test_messages_that_were_answered_in_another_order_are_wrong(self):
        def serve(peer):
            question = b""
            while len(question) < 2 * SIZE:
                question += peer.recv(2 * SIZE - len(question))
            peer.sendall((question[SIZE:] + question[:SIZE]).upper())
            receive_all(peer)
        with Server(serve) as server:
            self.assertIn("is wrong at byte 0: ", self.bad(
                "wrong", "--depth", 2, *IMPATIENT, server.address))

    def silent(self, serve, *arguments):
        for mode in MODES:
            done = threading.Event()
            with self.subTest(mode), \
                    Server(lambda peer: serve(peer, done)) as server:
                try:
                    started = time.monotonic()
                    sentence = self.bad(
                        "timeout", "--mode", mode, "--timeout", "300ms",
                        "--time", "500ms", "--warm-up", "0", *arguments,
                        server.address)
                    self.assertIn("received nothing for 0.3 seconds",
                                  sentence)
                    self.assertLess(time.monotonic() - started, PATIENCE)
                finally:
                    done.set()

    def test_an_answer_that_never_comes_is_a_timeout(self):
        def serve(peer, done):
            receive_all(peer)
            done.wait(BOUND)
        self.silent(serve)

    def test_a_server_that_reads_nothing_is_a_timeout(self):
        self.silent(lambda peer, done: done.wait(BOUND))

    def test_an_end_of_file_that_never_comes_is_a_timeout(self):
        def serve(peer, done):
            while part := peer.recv(65536):
                peer.sendall(part.upper())
            done.wait(BOUND)
        self.silent(serve)

    def test_messages_that_become_due_do_not_put_a_timeout_off(self):
        def serve(peer):
            receive_all(peer)
        with Server(serve) as server:
            started = time.monotonic()
            self.bad("timeout", "--rate", 100, "--time", "1m", "--timeout",
                     "500ms", server.address)
            self.assertLess(time.monotonic() - started, PATIENCE)

    def test_a_server_that_drips_does_not_hold_up_the_end(self):
        done = threading.Event()

        def serve(peer):
            peer.recv(65536)
            while not done.wait(0.1):
                peer.sendall(b"A")
        with tempfile.NamedTemporaryFile() as file, Server(serve) as server:
            file.write(b"a" * 100000)
            file.flush()
            started = time.monotonic()
            self.bad("timeout", "--text", file.name, "--time", "300ms",
                     "--warm-up", "0", "--timeout", "1s", server.address)
            self.assertLess(time.monotonic() - started, PATIENCE)
            done.set()


class Connecting(BenchCase):
    def test_a_port_without_a_server_is_69_in_each_mode(self):
        for mode in MODES:
            for connections in (1, 300):
                self.refuse(mode, connections)

    def refuse(self, mode, connections):
        address = f"127.0.0.1:{free_port()}"
        started = time.monotonic()
        sentence = self.bad("refused", "--mode", mode, *SHORT,
                            "--connections", connections, address, status=69)
        self.assertLess(time.monotonic() - started, PATIENCE)
        self.assertIn(f"cannot connect to {address}: Connection refused",
                      sentence)

    def test_an_address_that_cannot_be_had_is_69(self):
        self.bad("refused", "255.255.255.255:1", status=69)

    def test_a_server_that_does_not_accept_is_69_after_the_timeout(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            # One that is in the queue, and perhaps another.
            for _ in range(2):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(address)
            self.assertIn("Connection timed out", self.bad(
                "refused", "--connections", 8, "--timeout", "500ms",
                f"127.0.0.1:{address[1]}", status=69))

    def test_a_refusal_in_the_middle_of_churn_is_69(self):
        def serve(peer):
            honest(peer)
            server.listener.shutdown(socket.SHUT_RDWR)
        with Server(serve) as server:
            self.bad("refused", "--mode", "churn", "--time", "10s",
                     server.address, status=69)

    def test_an_address_without_a_host_means_this_host(self):
        with Server(honest) as server:
            self.good("--count", 1, f":{server.port}")

    @root_only
    @needs("unshare", "ip")
    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_a_connection_to_itself_is_no_server(self):
        # Where there is but one local port, the client gets the server's.
        done = subprocess.run(
            ["unshare", "-n", "sh", "-c", "ip link set lo up && "
             "echo 5220 5220 >/proc/sys/net/ipv4/ip_local_port_range && "
             'exec "$0" --answer same [::1]:5220', UPCBENCH],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=BOUND)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn("[::1]:5220: Connection refused", done.stderr)

    def test_more_connections_than_are_made_at_once_are_made(self):
        with Daemon() as daemon:
            report = self.good("--mode", "idle", "--connections", 300,
                               "--time", "50ms", address_of(daemon))
        self.assertEqual(report["established"], 300)
        self.assertEqual(report["messages"], 300)

    def test_a_name_that_does_not_resolve_is_69(self):
        done = bench("nowhere.invalid:5220")
        self.assertEqual(done.returncode, 69)
        self.assertRegex(done.stderr, r"\Aupcbench: .*'nowhere.invalid'.*\n\Z")

    @with_mounts
    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_the_address_of_a_name_that_answers_is_used(self):
        with tempfile.NamedTemporaryFile() as hosts:
            hosts.write(b"::1 two.test\n127.0.0.1 two.test\n")
            hosts.flush()
            # Whichever comes first, it is refused in one of the two.
            for family in (socket.AF_INET, socket.AF_INET6):
                with Server(honest, family) as server:
                    for mode in TALKING:
                        self.good("--mode", mode, *SHORT,
                                  f"two.test:{server.port}", hosts=hosts.name)

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_ipv6_is_spoken(self):
        with Daemon(listen=["[::1]:0"]) as daemon:
            for mode in MODES:
                self.good("--mode", mode, *SHORT, f"[::1]:{daemon.port}")

    def test_connections_to_loopback_come_from_many_addresses(self):
        sources = set()

        def serve(peer):
            sources.add(peer.getpeername()[0])
            honest(peer)
        with Server(serve) as server:
            self.good("--mode", "churn", "--count", 100, server.address)
        self.assertEqual(len(sources), 100)

    def test_more_connections_than_descriptors_are_refused_before(self):
        done = subprocess.run(
            ["sh", "-c", 'ulimit -n 64 && exec "$0" "$@"', UPCBENCH,
             "--connections", "60", f"127.0.0.1:{free_port()}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=BOUND)
        self.assertEqual(done.returncode, 71)
        self.assertRegex(done.stderr, r"\Aupcbench: --connections: \d+ "
                         r"descriptors .* ulimit -n\n\Z")


if __name__ == "__main__":
    tap.main()
