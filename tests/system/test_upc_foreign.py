# SPDX-License-Identifier: ISC
"""upc with services that are not upcased, and that it never takes one for."""

import os
import random
import socket
import subprocess
import unittest

import tap
from daemon import Daemon
from scripted import BIG, BIG_UPPER, BOUND, Server
from stream import receive_all, reset, upper
from upc_case import UpcCase, running, upc

# What a service of another kind may say first.
BANNER = b"220 MAIL.EXAMPLE.NET\r\n"


def echo(peer):
    """RFC 862, at once."""
    while part := peer.recv(65536):
        peer.sendall(part)


def never_ending(peer):
    """200 MB, whatever is asked: RFC 864, in capitals."""
    peer.recv(1)
    for _ in range(200):
        peer.sendall(b"X" * 1000000)


class Foreign(UpcCase):
    def refuse(self, serve, *parts, text=b"one\n", options=(), output=b""):
        with Server(serve) as server:
            outcome = upc(*options, server=server.address, text=text)
            self.assert_failed(outcome, 74, server.address,
                               "this is no answer of upcased", "--server",
                               *parts)
        self.assertEqual(outcome.stdout, output)

    def test_three_bytes_do_not_get_200_mb_printed(self):
        self.refuse(never_ending, "sent more than the text can become",
                    text=b"abc")

    def test_an_echo_is_no_answer(self):
        self.refuse(echo, "letters that are not in upper case")

    def test_an_echo_of_letters_beyond_ascii_is_no_answer(self):
        for word in ("привет", "ÿ", "ﬁ", "ŉ", "ɐ", "𐐨", "ჟ"):
            self.refuse(echo, "letters that are not in upper case",
                        text=word.encode())

    def test_an_echo_byte_by_byte_is_no_answer(self):
        def drip(peer):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in receive_all(peer):
                peer.sendall(bytes([byte]))

        text = "ПРИВЕт".encode()
        with Server(drip) as server:
            outcome = upc(server=server.address, text=text)
        self.assert_failed(outcome, 74, "letters that are not in upper case")
        # The first byte of the last letter tells nothing yet.
        self.assertTrue(text[:-1].startswith(outcome.stdout))

    def test_an_echo_of_8_mb_ends_at_its_first_letter(self):
        self.refuse(echo, "letters that are not in upper case", text=BIG)

    def test_one_letter_in_8_mb_of_an_answer_is_found(self):
        wrong = bytearray(BIG_UPPER)
        wrong[7 * 1024 * 1024:7 * 1024 * 1024 + 2] = "я".encode()
        with Server(lambda peer: receive_all(peer) and
                    peer.sendall(wrong)) as server:
            outcome = upc(server=server.address, text=BIG)
        self.assert_failed(outcome, 74, "letters that are not in upper case")
        self.assertTrue(wrong.startswith(outcome.stdout))
        self.assertLessEqual(len(outcome.stdout), 7 * 1024 * 1024)

    def test_a_banner_ends_it_though_the_input_stays_open(self):
        def greet(peer):
            peer.sendall(BANNER)
            receive_all(peer)

        with Server(greet) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            self.assertEqual(client.wait(BOUND), 74)
            self.assertEqual(client.stdout.read(), b"")
            self.assertIn(b"sent more than the text can become",
                          client.stderr.read())

    def test_more_lines_than_were_sent_end_it_at_once(self):
        def serve(peer):
            peer.recv(100)
            peer.sendall(b"A\nB\n")
            receive_all(peer)

        with Server(serve) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(b"one and two\n")
            client.stdin.flush()
            self.assertEqual(client.wait(BOUND), 74)
            self.assertEqual(client.stdout.read(), b"")
            self.assertIn(b"sent more lines than it got",
                          client.stderr.read())

    def test_the_complaint_of_a_web_server_is_no_answer(self):
        def complain(peer):
            peer.recv(100)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        self.refuse(complain, text=b"a text that is long enough\n" * 9)

    def test_a_foreign_service_that_then_breaks_is_named_as_foreign(self):
        def serve(peer):
            peer.sendall(BANNER)
            peer.recv(1)
            reset(peer)

        # Sending may fail before the banner is read; either is an end.
        with Server(serve) as server:
            outcome = upc(server=server.address, text=b"abc\n" * 100000)
        self.assert_failed(outcome, 74, server.address)

    def test_what_came_before_it_has_been_printed(self):
        def serve(peer):
            line = peer.makefile("rb").readline()
            peer.sendall(upper(line))
            peer.recv(1)
            peer.sendall(b"not in upper case")
            receive_all(peer)

        with Server(serve) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(b"one\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"ONE\n")
            client.stdin.write(b"two, and more than that\n")
            client.stdin.flush()
            self.assertEqual(client.wait(BOUND), 74)
            self.assertEqual(client.stdout.read(), b"")


class NoFalseAlarm(UpcCase):
    """Whatever is sent, an answer of upcased is taken for one."""

    def texts(self):
        rng = random.Random(5220)
        pieces = [b"\xff", b"\x80", b"\xc3", b"\xe1\xbe", b"\xf0\x9f\x8c",
                  b"\xed\xa0\x80", b"\n", b"\0", b"abc",
                  *(word.encode() for word in
                    ("ß", "ΐ", "ΰ", "ŉ", "ᾳ", "ı", "ﬃ", "ჟ", "𐐨", "🌮"))]
        yield bytes(rng.randrange(256) for _ in range(300000))
        yield b"".join(rng.choice(pieces) for _ in range(100000))
        yield b"\xff" * 100000
        yield "ΐ".encode() * 50000
        yield "".join(chr(c) for c in range(0x110000)
                      if not 0xd800 <= c < 0xe000).encode()

    def test_any_text_is_answered_under_each_policy(self):
        for policy in ("pass", "replace"):
            with Daemon(args=("--invalid", policy)) as daemon:
                for text in self.texts():
                    outcome = upc(server=f"127.0.0.1:{daemon.port}",
                                  text=text)
                    self.assertEqual((outcome.returncode, outcome.stderr),
                                     (0, b""))

    def test_a_text_that_is_refused_is_cut_short_but_not_foreign(self):
        with Daemon(args=("--invalid", "close")) as daemon:
            for text in self.texts():
                outcome = upc(server=f"127.0.0.1:{daemon.port}", text=text)
                self.assertIn(outcome.returncode, (0, 74))
                self.assertNotIn(b"no answer of upcased", outcome.stderr)


if __name__ == "__main__":
    tap.main()
