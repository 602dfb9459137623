# SPDX-License-Identifier: ISC
"""upc with servers that mean harm to the terminal, or want to keep it."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import unittest

import tap
from daemon import LONG, SANITIZED, linux_only
from scripted import BIG, BOUND, Server, receive_line
from stream import receive_all, upper
from upc_case import (PROMPT, UPC, Terminal, UpcCase, environment,
                      least_memory, running, upc, with_memory)

GB = 10 ** 9

# What terminals obey, all of it in upper case: a cleared screen, a title, an
# answer that the terminal types, one in C1, an order turned round, a line
# begun again, and bytes that are no UTF-8.
HARM = (b"\x1b[2J\x1b[H\x1b]0;TITLE\x07\x1b[6N\xc2\x9b31N\xe2\x80\xaeCBA"
        b"\xe2\x81\xa6\rROOT\x08\x7f\x00\x9b31N")
SEEN = (b"^[[2J^[[H^[]0;TITLE^G^[[6N<U+009B>31N<U+202E>CBA"
        b"<U+2066>^MROOT^H^?^@<9B>31N")
# All of that may be the answer to this: it has more characters, and fewer than
# three times as many bytes.
ASKED = b"a" * (len(HARM) // 2) + b"\n"


def says(answer):
    """A server with this answer, cut after each byte."""
    def serve(peer):
        receive_line(peer)
        for byte in answer:
            peer.sendall(bytes([byte]))
        receive_all(peer)
    return serve


class Control(UpcCase):
    """Control characters in an answer."""

    def assert_shown(self, expected, *arguments, answer=HARM + b"\n",
                     text=ASKED):
        """What a terminal gets of an answer to standard input."""
        with Server(says(answer)) as server, Terminal() as terminal, \
                running(*arguments, server=server.address,
                        stdin=subprocess.PIPE, stdout=terminal.slave,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(text)
            client.stdin.close()
            terminal.wait_for(lambda shown: len(shown) >= len(expected))
            status = terminal.wait_for_end(client)
            self.assertEqual(client.stderr.read(), b"")
        self.assertEqual(status, 0)
        self.assertTrue(terminal.shown == expected, terminal.shown[:200])

    def test_a_terminal_gets_them_visible(self):
        self.assert_shown(SEEN + b"\r\n")

    def test_raw_leaves_them_on_a_terminal(self):
        self.assert_shown(HARM + b"\r\n", "--raw")

    def test_a_pipe_and_a_file_get_every_byte(self):
        with Server(says(HARM + b"\n")) as server, \
                tempfile.TemporaryFile() as file:
            outcome = upc(server=server.address, text=ASKED)
            self.assert_answered(outcome, HARM + b"\n")
            outcome = upc(server=server.address, text=ASKED, stdout=file)
            self.assertEqual(outcome.returncode, 0)
            file.seek(0)
            self.assertEqual(file.read(), HARM + b"\n")

    def test_words_of_the_command_line_are_answered_visibly(self):
        with Server(says(HARM + b"\n")) as server, Terminal() as terminal, \
                running(ASKED[:-1], server=server.address,
                        stdin=subprocess.DEVNULL, stdout=terminal.slave,
                        stderr=subprocess.PIPE) as client:
            self.assertEqual(terminal.wait_for_end(client), 0)
            self.assertEqual(terminal.shown, SEEN + b"\r\n")

    def test_a_dialogue_shows_them_and_goes_on(self):
        def serve(peer):
            while line := receive_line(peer):
                peer.sendall(HARM + b"\n" if len(line) > 9 else line.upper())

        with Server(serve) as server, Terminal() as terminal, \
                running(server=server.address, stdin=terminal.slave,
                        stdout=terminal.slave,
                        stderr=terminal.slave) as client:
            terminal.wait_for(lambda shown: shown.endswith(PROMPT))
            terminal.type(ASKED)
            terminal.wait_for(lambda shown: shown.endswith(
                b"a\r\n" + SEEN + b"\r\n" + PROMPT))
            terminal.type(b"more\n")
            terminal.wait_for(lambda shown: shown.endswith(
                b"more\r\nMORE\r\n" + PROMPT))
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)

    def test_characters_that_come_in_parts_are_shown_whole(self):
        text = "GRÜẞE, 🌮 ΑΒΓ\t\u200d\u3000"
        self.assert_shown((text + "\r\r\n").encode(),
                          answer=(text + "\r\n").encode(),
                          text=b"a" * len(text) + b"\n")

    def test_half_a_character_at_the_end_is_shown(self):
        for half, seen in ((b"\xf0\x9f\x8c", b"<F0><9F><8C>"),
                           (b"\r", b"^M"), (b"\xc2", b"<C2>")):
            self.assert_shown(b"A\r\n" + seen, answer=b"A\n" + half,
                              text=b"a\n" + half)

    def test_a_long_answer_is_shown_whole(self):
        self.assert_shown((SEEN + b"\r\n") * 500,
                          answer=(HARM + b"\n") * 500, text=ASKED * 500)


class Endless(UpcCase):
    """Servers from which no end comes, though little is expected of them."""

    def trickle(self, peer, first=b""):
        """Goes on until the client is gone."""
        peer.sendall(first)
        while not self.server.ended.wait(0.02):
            peer.sendall(b"A")

    def fail_with(self, serve, *parts, options=(), text=b"", **more):
        with Server(serve, **more) as self.server:
            outcome = upc(*options, server=self.server.address, text=text)
            self.assert_failed(outcome, 74, self.server.address, *parts)
        return outcome

    def test_a_trickle_after_the_end_of_the_text_is_74(self):
        def serve(peer):
            receive_all(peer)
            self.trickle(peer)

        started = time.monotonic()
        outcome = self.fail_with(
            serve, "the answer was cut short: ",
            "did not come to its end in 1 seconds after the last byte",
            "--answer-timeout", options=("--answer-timeout", "1s"),
            text=b"a" * 100000)
        self.assertGreaterEqual(time.monotonic() - started, 1)
        # What came until then was printed.
        self.assertRegex(outcome.stdout, rb"\AA+\Z")

    def test_a_trickle_after_a_whole_answer_is_74(self):
        def serve(peer):
            self.trickle(peer, upper(receive_all(peer)))

        self.fail_with(serve, "the answer may not be whole: ",
                       "did not come to its end in 1 seconds",
                       options=("--answer-timeout", "1s"),
                       text=b"a" * 100000)

    def test_a_trickle_while_the_input_stays_open_is_74(self):
        def serve(peer):
            receive_line(peer)
            self.trickle(peer)

        with Server(serve) as self.server, \
                running("--answer-timeout", "1s", server=self.server.address,
                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(b"a" * 9999 + b"\n")
            client.stdin.flush()
            self.assertEqual(client.wait(BOUND), 74)
            self.assertIn(b"did not come to its end", client.stderr.read())

    @unittest.skipUnless(LONG, "takes over 30 s")
    def test_each_line_has_the_time_of_its_own(self):
        def serve(peer):
            while line := receive_line(peer):
                self.server.ended.wait(1)
                peer.sendall(upper(line))

        with Server(serve) as self.server, \
                running("--answer-timeout", "30s",
                        server=self.server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE) as client:
            for _ in range(32):
                client.stdin.write(b"a\n")
                client.stdin.flush()
                self.assertEqual(client.stdout.readline(), b"A\n")
            client.stdin.close()
            self.assertEqual(client.wait(BOUND), 0)

    @unittest.skipUnless(LONG, "takes over 30 s")
    def test_an_output_that_is_not_read_does_not_count(self):
        text = b"a\n" * 200000
        with Server(lambda peer: peer.sendall(upper(receive_all(peer)))) as \
                server, tempfile.TemporaryFile() as file:
            file.write(text)
            file.seek(0)
            with running("--answer-timeout", "30s", server=server.address,
                         stdin=file, stdout=subprocess.PIPE) as client:
                self.assertEqual(client.stdout.read(2), b"A\n")
                with self.assertRaises(subprocess.TimeoutExpired):
                    client.wait(31)
                self.assertTrue(client.stdout.read() == upper(text[2:]))
                self.assertEqual(client.wait(BOUND), 0)

    def test_a_whole_answer_without_the_end_of_the_connection_is_74(self):
        def serve(peer):
            peer.sendall(upper(receive_all(peer)))
            self.server.ended.wait(BOUND)

        outcome = self.fail_with(
            serve, "the answer may not be whole: ",
            "did not end the connection and moved nothing for 0.5 seconds",
            "--timeout", options=("--timeout", "500ms"), text=b"one\n")
        self.assertEqual(outcome.stdout, b"ONE\n")

    def test_a_text_that_is_not_taken_to_its_end_is_cut_short(self):
        def serve(peer):
            receive_line(peer)
            peer.sendall(b"ONE\n")
            self.server.ended.wait(BOUND)

        self.fail_with(serve, "the answer was cut short: ",
                       "moved nothing for 0.5 seconds", buffers=16384,
                       options=("--timeout", "500ms"), text=b"one\n" + BIG)

    def test_a_server_that_does_not_accept_is_69(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            # One that is in the queue, and perhaps another.
            for _ in range(2):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            outcome = upc("--connect-timeout", "500ms", "hi", server="{}:{}"
                          .format(*listener.getsockname()))
        self.assert_failed(outcome, 69, "Connection timed out")


@linux_only
@unittest.skipIf(SANITIZED, "memory is not what it is under sanitizers")
class Memory(UpcCase):
    """What a server sends costs no memory, however much it is."""

    def answered(self, kib, size, serve):
        """How upc ended that had so much memory for a text of that size."""
        with Server(serve) as server, tempfile.TemporaryFile() as text:
            text.truncate(size)
            done = subprocess.run(
                with_memory(kib, UPC), env=environment(server.address),
                stdin=text, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, timeout=BOUND)
        return done.returncode, done.stderr

    def test_a_gigabyte_of_an_answer_takes_what_three_bytes_take(self):
        received = []

        def triple(peer):
            """The most that may be an answer."""
            part = bytearray(1 << 20)
            third = b"A" * len(part)
            received.append(0)
            while n := peer.recv_into(part):
                for _ in range(3):
                    peer.sendall(third[:n])
                received[-1] += 3 * n

        least = least_memory(
            lambda kib: self.answered(kib, 1, triple) == (0, b""))
        # Parts of the stack are used only by longer answers.
        self.assertEqual(self.answered(least + 256, GB // 3, triple),
                         (0, b""))
        self.assertEqual(received[-1], GB // 3 * 3)


if __name__ == "__main__":
    tap.main()
