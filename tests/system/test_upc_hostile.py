# SPDX-License-Identifier: ISC
"""upc with servers that mean harm to the terminal, or want to keep it."""

import subprocess
import tempfile

import tap
from scripted import Server, receive_line
from stream import receive_all
from upc_case import PROMPT, Terminal, UpcCase, running, upc

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


if __name__ == "__main__":
    tap.main()
