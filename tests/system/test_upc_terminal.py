# SPDX-License-Identifier: ISC
"""upc on a terminal: the dialogue and the progress of a long text."""

import contextlib
import os
import subprocess
import tempfile
import threading
import time

import tap
from scripted import BIG, BIG_UPPER, BOUND, Server, honest, receive_line
from stream import upper
from upc_case import (GREETING, PROMPT, TACO, Terminal, UpcCase, running,
                      upc)


class Dialogue(UpcCase):
    @contextlib.contextmanager
    def dialogue(self, serve, *arguments):
        with Server(serve) as server, Terminal() as terminal, \
                running(*arguments, server=server.address,
                        stdin=terminal.slave, stdout=terminal.slave,
                        stderr=terminal.slave) as client:
            terminal.wait_for(lambda shown: shown == GREETING + PROMPT)
            yield terminal, client

    def test_lines_are_prompted_for_and_answered_until_end_of_file(self):
        with self.dialogue(honest) as (terminal, client):
            shown = GREETING + PROMPT
            for line in ("grüße", TACO, ""):
                terminal.type(line.encode() + b"\n")
                shown += (line + "\r\n" + line.upper() + "\r\n").encode()
                shown += PROMPT
                terminal.wait_for(lambda text: text == shown)
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)
            self.assertEqual(terminal.shown, shown + b"\r\n")

    def test_an_answer_is_whole_before_the_next_prompt(self):
        gate = threading.Event()

        def serve(peer):
            line = upper(receive_line(peer))
            peer.sendall(line[:-1])
            gate.wait(BOUND)
            peer.sendall(line[-1:])
            honest(peer)

        with self.dialogue(serve) as (terminal, client):
            terminal.type(b"slow\n")
            terminal.wait_for(lambda shown: shown.endswith(b"SLOW"))
            # Without the answer's end no prompt and no reading of input.
            terminal.type(b"more\n")
            terminal.wait_for(lambda shown: shown.endswith(b"more\r\n"))
            self.assertFalse(terminal.read(0.3))
            gate.set()
            terminal.wait_for(lambda shown: shown.endswith(PROMPT) and
                              b"MORE" in shown)
            self.assertEqual(
                terminal.shown.split(b"more\r\n")[1],
                b"\r\n" + PROMPT + b"MORE\r\n" + PROMPT)
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)

    def test_an_unfinished_line_is_sent_without_a_second_prompt(self):
        def at_once(peer):
            while part := peer.recv(100):
                peer.sendall(upper(part))

        with self.dialogue(at_once) as (terminal, client):
            terminal.type(b"ab\x04")
            terminal.wait_for(lambda shown: shown == GREETING + PROMPT + b"abAB")
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)
            self.assertEqual(terminal.shown,
                             GREETING + PROMPT + b"abAB\r\n")

    def test_a_server_that_ends_at_the_prompt_is_74(self):
        with self.dialogue(lambda peer: peer.sendall(
                upper(receive_line(peer)))) as (terminal, client):
            terminal.type(b"last\n")
            self.assertEqual(terminal.wait_for_end(client), 74)
            self.assertRegex(
                terminal.shown,
                rb"LAST\r\n(Enter a string: \r\n)?upc: the answer was cut")

    def test_without_a_terminal_for_the_answer_nothing_is_prompted(self):
        with Server(honest) as server, Terminal() as terminal, \
                running(server=server.address, stdin=terminal.slave,
                        stdout=subprocess.PIPE,
                        stderr=terminal.slave) as client:
            terminal.type(b"to a file\n")
            self.assertEqual(client.stdout.readline(), b"TO A FILE\n")
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)
            self.assertEqual(client.stdout.read(), b"")
            self.assertEqual(terminal.shown, b"to a file\r\n")


class Remarks(UpcCase):
    """What is said on standard error only where that is a terminal."""

    def remarks(self, *arguments, text=b"", cwd=None, server=None):
        """The status, the answer, and what standard error was told."""
        with contextlib.ExitStack() as stack:
            if server is None:
                server = stack.enter_context(Server(honest)).address
            terminal = stack.enter_context(Terminal())
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(text)
            file.seek(0)
            client = stack.enter_context(running(
                *arguments, server=server, stdin=file,
                stdout=subprocess.PIPE, stderr=terminal.slave, cwd=cwd))
            answer = client.stdout.read()
            status = terminal.wait_for_end(client)
            return status, answer, terminal.shown

    def test_a_lone_word_that_is_a_file_is_pointed_out(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "notes.txt"), "wb"):
                pass
            status, answer, said = self.remarks("notes.txt", cwd=folder)
            self.assertEqual((status, answer), (0, b"NOTES.TXT\n"))
            self.assertRegex(said, rb"^upc: .*notes\.txt.*--file[^\n]*\n$")
            for words in (("notes.txt", "too"), ("other.txt",), (".",),
                          ("--file", "notes.txt")):
                self.assertEqual(self.remarks(*words, cwd=folder)[2], b"")
            with Server(honest) as server:
                outcome = upc("notes.txt", server=server.address, cwd=folder)
            self.assert_answered(outcome, b"NOTES.TXT\n")

    def test_bytes_that_are_not_utf8_are_mentioned_once(self):
        for text in (b"a\xff\n" * 50000, b"half of it \xe2\x82"):
            status, answer, said = self.remarks(text=text)
            self.assertEqual((status, answer), (0, upper(text)))
            self.assertEqual(said.count(b"\n"), 1, said)
            self.assertIn(b"not all UTF-8", said)
            self.assertIn(b"--invalid", said)
        said = self.remarks("caf\udce9")[2]
        self.assertEqual(said.count(b"not all UTF-8"), 1, said)

    def test_text_in_utf8_is_not_remarked_on(self):
        for text in (b"", TACO.encode(), BIG[:200000]):
            self.assertEqual(self.remarks(text=text)[2], b"")

    def test_bytes_of_a_dialogue_are_mentioned_before_their_answer(self):
        with Server(honest) as server, Terminal() as terminal, \
                running(server=server.address, stdin=terminal.slave,
                        stdout=terminal.slave,
                        stderr=terminal.slave) as client:
            terminal.wait_for(lambda shown: shown.endswith(PROMPT))
            for _ in range(2):
                terminal.type(b"\xff\n")
                terminal.wait_for(lambda shown: shown.endswith(
                    b"<FF>\r\n" + PROMPT))
                terminal.shown += b"|"
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)
            first, second, _ = terminal.shown.split(b"|")
        self.assertIn(b"not all UTF-8", first)
        self.assertNotIn(b"UTF-8", second)


class Progress(UpcCase):
    @contextlib.contextmanager
    def held_transfer(self, terminal, *arguments, source="file"):
        """A transfer that stands still until the gate opens."""
        gate = threading.Event()

        def serve(peer):
            gate.wait(BOUND)
            honest(peer)

        with Server(serve, buffers=16384) as server, \
                tempfile.TemporaryFile() as file, \
                tempfile.TemporaryFile() as answer:
            file.write(BIG)
            file.seek(0)
            with contextlib.ExitStack() as stack:
                stack.callback(gate.set)
                if source == "pipe":
                    cat = stack.enter_context(subprocess.Popen(
                        ["cat"], stdin=file, stdout=subprocess.PIPE))
                    file = stack.enter_context(cat.stdout)
                client = stack.enter_context(running(
                    *arguments, server=server.address, stdin=file,
                    stdout=answer, stderr=terminal.slave))
                yield gate, client
                self.assertEqual(terminal.wait_for_end(client), 0)
                answer.seek(0)
                self.assertTrue(answer.read() == BIG_UPPER)

    def test_a_long_file_shows_bytes_rate_and_share_and_leaves_no_trace(self):
        with Terminal() as terminal:
            with self.held_transfer(terminal) as (gate, _):
                terminal.wait_for(lambda shown: b"\r" in shown[1:])
                gate.set()
            for frame in terminal.shown.split(b"\r")[1:-2]:
                self.assertRegex(
                    frame, rb"^upc: \d+\.\d [KM]iB sent, "
                    rb"\d+\.\d [KM]?i?B/s, \d+% *$")
            erased = terminal.shown.split(b"\r")[-2]
            self.assertEqual(erased.strip(b" "), b"")
            self.assertGreaterEqual(
                len(erased),
                max(map(len, terminal.shown.split(b"\r")[1:-2])))
            self.assertTrue(terminal.shown.endswith(b"\r"))

    def test_it_comes_after_a_second_and_five_times_a_second(self):
        started = time.monotonic()
        with Terminal() as terminal:
            with self.held_transfer(terminal) as (gate, _):
                terminal.wait_for(lambda shown: shown != b"")
                self.assertGreaterEqual(time.monotonic() - started, 1)
                begun = time.monotonic()
                terminal.wait_for(lambda shown: shown.count(b"\r") >= 6)
                took = time.monotonic() - begun
                gate.set()
            self.assertGreater(took, 0.9)
            self.assertLess(took, BOUND)

    def test_the_share_is_left_out_when_the_size_is_not_known(self):
        with Terminal() as terminal:
            with self.held_transfer(terminal, source="pipe") as (gate, _):
                terminal.wait_for(lambda shown: b"/s" in shown)
                gate.set()
            self.assertNotIn(b"%", terminal.shown)

    def test_it_can_be_turned_off(self):
        with Terminal() as terminal:
            with self.held_transfer(terminal, "--no-progress") as (gate, _):
                self.assertFalse(terminal.read(1.5))
                gate.set()
            self.assertEqual(terminal.shown, b"")

    def test_a_short_transfer_shows_nothing(self):
        with Server(honest) as server, Terminal() as terminal:
            with running("hi", server=server.address,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=terminal.slave) as client:
                self.assertEqual(client.stdout.read(), b"HI\n")
                self.assertEqual(terminal.wait_for_end(client), 0)
            self.assertEqual(terminal.shown, b"")


if __name__ == "__main__":
    tap.main()
