# SPDX-License-Identifier: ISC
"""upc with servers that fail and with standard input and output that do."""

import os
import select
import socket
import subprocess
import tempfile
import time
import unittest

import tap
from scripted import BIG, BOUND, Server, honest, receive_line
from stream import receive_all, reset, upper
from upc_case import TACO, UPC, UpcCase, environment, running, upc

HAS_FULL = os.path.exists("/dev/full")


class CutShort(UpcCase):
    def fail_with(self, serve, *parts, text=b"one\ntwo\n", options=(),
                  output=None):
        with Server(serve) as server:
            outcome = upc(*options, server=server.address, text=text)
            self.assert_failed(outcome, 74, server.address, *parts)
        if output is not None:
            self.assertEqual(outcome.stdout, output)

    def test_a_missing_line_is_74(self):
        def serve(peer):
            receive_all(peer)
            peer.sendall(b"ONE\n")

        self.fail_with(serve, "cut short", "left out a part",
                       "8 bytes in 2 lines sent, 4 bytes in 1 lines received",
                       output=b"ONE\n")

    def test_a_missing_character_of_an_unfinished_line_is_74(self):
        def serve(peer):
            peer.sendall(upper(receive_all(peer))[:-4])

        self.fail_with(serve, "cut short", "left out a part",
                       text=TACO.encode(), output=b"I AM HUNGRY FOR ")

    def test_no_answer_at_all_is_74(self):
        self.fail_with(receive_all, "cut short", "left out a part")
        # These bytes continue characters that never began.
        self.fail_with(receive_all, "left out a part", text=b"\x80\x80")

    def test_a_fair_end_before_ours_is_74_and_needs_no_end_of_input(self):
        def serve(peer):
            peer.sendall(upper(receive_line(peer)))
            peer.shutdown(socket.SHUT_WR)
            receive_all(peer)

        with Server(serve) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            # Standard input stays open: the server's end ends the client.
            client.stdin.write(b"one\n")
            client.stdin.flush()
            self.assertEqual(client.wait(BOUND), 74)
            self.assertEqual(client.stdout.read(), b"ONE\n")
            self.assertIn(b"ended the connection before the end of the text",
                          client.stderr.read())

    def test_a_server_that_goes_away_in_the_middle_of_8_mb_is_74(self):
        def serve(peer):
            peer.sendall(upper(receive_line(peer)))

        self.fail_with(serve, "cut short", text=BIG)

    def test_a_reset_is_74_and_what_came_before_is_shown(self):
        def serve(peer):
            peer.sendall(upper(receive_line(peer)))
            receive_line(peer)
            reset(peer)

        self.fail_with(serve, "cut short", "broke: Connection reset by peer",
                       output=b"ONE\n")

    def test_a_reset_while_8_mb_are_sent_is_74(self):
        def serve(peer):
            receive_line(peer)
            reset(peer)

        self.fail_with(serve, "cut short", " broke: ", text=BIG)

    def test_a_server_that_never_answers_is_74_after_the_timeout(self):
        def serve(peer):
            receive_all(peer)
            server.ended.wait(BOUND)

        with Server(serve) as server:
            started = time.monotonic()
            outcome = upc("--timeout", "300ms", "hi", server=server.address)
            took = time.monotonic() - started
        self.assert_failed(outcome, 74, "cut short",
                           "moved nothing for 0.3 seconds", "--timeout")
        self.assertGreaterEqual(took, 0.3)
        self.assertLess(took, BOUND)

    def test_a_server_that_never_reads_is_74_after_the_timeout(self):
        with Server(lambda _: server.ended.wait(BOUND),
                    buffers=16384) as server:
            outcome = upc("--timeout", "500ms", server=server.address,
                          text=BIG)
        self.assert_failed(outcome, 74, "moved nothing for 0.5 seconds")

    def test_an_answer_that_is_owed_for_a_line_is_waited_for(self):
        with Server(lambda _: server.ended.wait(BOUND)) as server, \
                running("--timeout", "300ms", server=server.address,
                        stdin=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(b"one\n")
            client.stdin.flush()
            self.assertEqual(client.wait(BOUND), 74)
            self.assertIn(b"moved nothing", client.stderr.read())

    def test_the_timeout_starts_anew_with_each_byte(self):
        def drip(peer):
            for byte in upper(receive_all(peer)):
                server.ended.wait(0.2)
                peer.sendall(bytes([byte]))

        with Server(drip) as server:
            outcome = upc("--timeout", "1s", "abcdefgh",
                          server=server.address)
        self.assert_answered(outcome, b"ABCDEFGH\n")

    def test_a_slow_input_does_not_count_against_the_server(self):
        with Server(honest) as server, \
                running("--timeout", "3s", server=server.address,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE) as client:
            for line, silence in ((b"one\n", 4), (b"two\n", 0)):
                client.stdin.write(line)
                client.stdin.flush()
                self.assertEqual(client.stdout.readline(), upper(line))
                silent = select.select([client.stdout], [], [], silence)[0]
                self.assertEqual(silent, [])
            client.stdin.close()
            self.assertEqual(client.wait(BOUND), 0)

    def test_a_failed_input_does_not_hide_a_missing_answer(self):
        with Server(receive_all) as server, \
                tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "text")
            with open(path, "wb") as file:
                file.write(b"one\n")
            outcome = upc("--file", path, folder, server=server.address)
        self.assertEqual(outcome.returncode, 74)
        self.assertIn(b"Is a directory", outcome.stderr)
        self.assertIn(b"left out a part of it", outcome.stderr)


class Full(UpcCase):
    """Where nothing at all has come, the server may be full."""

    def test_a_server_that_does_not_move_may_be_full(self):
        with Server(lambda _: server.ended.wait(BOUND)) as server:
            outcome = upc("--timeout", "300ms", "hi", server=server.address)
        self.assert_failed(outcome, 74, "moved nothing", "may be full")

    def test_a_server_that_ends_at_once_may_be_full(self):
        with Server(lambda peer: None) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            self.assertEqual(client.wait(BOUND), 74)
            sentence = client.stderr.read()
        self.assertIn(b"ended the connection", sentence)
        self.assertIn(b"may be full", sentence)

    def test_a_server_that_resets_at_once_may_be_full(self):
        def serve(peer):
            peer.recv(1)
            reset(peer)

        with Server(serve) as server:
            outcome = upc("hi", server=server.address)
        self.assert_failed(outcome, 74, " broke: ", "may be full")

    def test_one_that_has_answered_before_is_not_called_full(self):
        def serve(peer):
            peer.sendall(upper(receive_line(peer)))
            receive_line(peer)
            reset(peer)

        with Server(serve) as server:
            outcome = upc(server=server.address, text=b"one\ntwo\n")
        self.assert_failed(outcome, 74, " broke: ")
        self.assertNotIn(b"may be full", outcome.stderr)


class Descriptors(UpcCase):
    """Standard input and output that fail."""

    def test_a_directory_as_input_is_66(self):
        with Server(honest) as server:
            fd = os.open("/", os.O_RDONLY)
            try:
                outcome = upc(server=server.address, stdin=fd)
            finally:
                os.close(fd)
        self.assert_failed(outcome, 66, "standard input", "Is a directory")

    @unittest.skipUnless(HAS_FULL, "/dev/full is missing")
    def test_a_full_disk_is_74(self):
        with Server(honest) as server, open("/dev/full", "wb") as full:
            outcome = upc("hi", server=server.address, stdout=full)
        self.assert_failed(outcome, 74, "standard output", "No space left")

    def redirected(self, redirection, server, *arguments):
        command = f'exec "$0" "$@" {redirection}'
        return subprocess.run(["sh", "-c", command, UPC, *arguments],
                              env=environment(server.address),
                              stdout=subprocess.PIPE, timeout=BOUND,
                              stderr=subprocess.PIPE)

    def test_a_closed_output_never_becomes_the_socket(self):
        received = []
        with Server(lambda peer: received.append(receive_all(peer)) or
                    peer.sendall(upper(received[-1]))) as server:
            outcome = self.redirected(">&-", server, "hi")
        self.assert_failed(outcome, 74, "standard output", "Bad file")
        self.assertEqual(received, [b"hi\n"])

    @unittest.skipIf(os.environ.get("SANITIZERS", "no") != "no",
                     "sanitizers need descriptors to start")
    def test_without_descriptors_for_the_standard_ones_it_is_71(self):
        outcome = subprocess.run(
            ["sh", "-c", 'exec <&- >&- 2>&-; ulimit -n 1; exec "$0" hi', UPC],
            timeout=BOUND)
        self.assertEqual(outcome.returncode, 71)

    def test_a_closed_input_never_becomes_the_socket(self):
        with Server(honest) as server:
            outcome = self.redirected("<&-", server)
            self.assert_failed(outcome, 66, "standard input", "Bad file")
            outcome = self.redirected("<&-", server, "hi")
        self.assert_answered(outcome, b"HI\n")


if __name__ == "__main__":
    tap.main()
