# SPDX-License-Identifier: ISC
"""upc as a filter: an output whose reader is gone ends it, in silence."""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import tempfile
import unittest

import tap
from scripted import BIG, BOUND, Server, honest
from stream import receive_all, upper
from upc_case import UPC, UpcCase, environment, running, upc

GONE = -signal.SIGPIPE


class IdleCase(UpcCase):
    @contextlib.contextmanager
    def idle(self, output, serve=honest, **more):
        """A upc that writes there, has answered a line, and has no more."""
        with Server(serve) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=output, stderr=subprocess.PIPE,
                        **more) as client:
            yield client

    def ask(self, client, read, line=b"one\n"):
        client.stdin.write(line)
        client.stdin.flush()
        answer = b""
        while len(answer) < len(line):
            answer += read()
        self.assertEqual(answer.replace(b"\r", b""), upper(line))


class OutputGone(IdleCase):
    """Nothing is there to write when the reader goes away."""

    def assert_gone(self, client):
        self.assertEqual(client.wait(BOUND), GONE)
        self.assertEqual(client.stderr.read(), b"")

    def test_a_pipe_that_is_closed_ends_it_without_another_line(self):
        with self.idle(subprocess.PIPE) as client:
            self.ask(client, lambda: os.read(client.stdout.fileno(), 99))
            client.stdout.close()
            self.assert_gone(client)

    def test_a_socket_that_is_closed_ends_it_without_another_line(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, self.idle(theirs) as client:
            theirs.close()
            self.ask(client, lambda: ours.recv(99))
            ours.close()
            self.assert_gone(client)

    def test_a_terminal_that_is_closed_ends_it_without_another_line(self):
        ours, theirs = pty.openpty()
        with self.idle(theirs) as client:
            os.close(theirs)
            self.ask(client, lambda: os.read(ours, 99))
            os.close(ours)
            self.assert_gone(client)

    def test_a_connection_that_is_reset_ends_it_without_another_line(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours = listener.accept()[0]
        with ours, theirs, self.idle(theirs) as client:
            theirs.close()
            self.ask(client, lambda: ours.recv(99))
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
            ours.close()
            self.assert_gone(client)

    def test_a_grep_that_has_found_its_line_ends_the_chain(self):
        with Server(honest) as server, \
                tempfile.NamedTemporaryFile() as log:
            log.write(b"one\nx\n")
            log.flush()
            outcome = subprocess.run(
                ["sh", "-c", 'tail -f "$1" | "$0" | grep -m1 X', UPC,
                 log.name], env=environment(server.address),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                timeout=BOUND)
        self.assertEqual((outcome.stdout, outcome.stderr), (b"X\n", b""))

    def test_a_server_that_owes_an_answer_does_not_hold_it(self):
        with self.idle(subprocess.PIPE, serve=receive_all) as client:
            client.stdin.write(b"one\n")
            client.stdin.flush()
            client.stdout.close()
            self.assert_gone(client)

    def test_a_server_that_reads_nothing_does_not_hold_it(self):
        with tempfile.TemporaryFile() as file:
            file.write(BIG)
            file.seek(0)
            with Server(lambda _: server.ended.wait(BOUND),
                        buffers=16384) as server, \
                    running(server=server.address, stdin=file,
                            stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE) as client:
                client.stdout.close()
                self.assert_gone(client)

    def test_a_reader_that_ends_in_the_middle_of_8_mb_ends_it(self):
        with Server(honest) as server, tempfile.TemporaryFile() as file:
            file.write(BIG)
            file.seek(0)
            outcome = subprocess.run(
                ["bash", "-c", '"$0" | head -n 1; echo ${PIPESTATUS[0]}',
                 UPC], env=environment(server.address), stdin=file,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                timeout=BOUND)
        first = upper(BIG[:BIG.index(b"\n") + 1])
        self.assertEqual(outcome.stdout,
                         first + b"%d\n" % (128 + signal.SIGPIPE))
        self.assertEqual(outcome.stderr, b"")

    def test_who_has_sigpipe_ignored_is_told(self):
        end, output = os.pipe()
        os.close(end)
        with Server(honest) as server:
            try:
                outcome = upc("hi", server=server.address, stdout=output,
                              restore_signals=False)
            finally:
                os.close(output)
        self.assert_failed(outcome, 74, "standard output", "Broken pipe")

    def test_help_that_nobody_reads_ends_in_silence(self):
        end, output = os.pipe()
        os.close(end)
        try:
            outcome = upc("--help", stdout=output)
        finally:
            os.close(output)
        self.assertEqual((outcome.returncode, outcome.stderr), (GONE, b""))


class OutputThere(IdleCase):
    """What looks like the end of a reader, and is none."""

    def finish(self, client):
        client.stdin.close()
        self.assertEqual(client.wait(BOUND), 0)
        self.assertEqual(client.stderr.read(), b"")

    def test_a_named_pipe_that_it_could_read_itself_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pipe")
            os.mkfifo(path)
            both = os.open(path, os.O_RDWR)
            with self.idle(both) as client:
                for _ in range(3):
                    self.ask(client, lambda: os.read(both, 99))
                self.finish(client)
            os.close(both)

    def test_a_connection_that_sends_nothing_more_still_reads(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours = listener.accept()[0]
        ours.shutdown(socket.SHUT_WR)
        with ours, theirs, self.idle(theirs) as client:
            for _ in range(3):
                self.ask(client, lambda: ours.recv(99))
            self.finish(client)

    def test_a_socket_with_a_byte_to_read_still_reads(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, self.idle(theirs) as client:
            ours.sendall(b"?")
            for _ in range(3):
                self.ask(client, lambda: ours.recv(99))
            self.finish(client)

    def test_a_file_and_a_null_device_have_no_reader_to_go(self):
        for output in (tempfile.TemporaryFile(), open("/dev/null", "wb")):
            with output, self.idle(output) as client:
                client.stdin.write(b"one\n")
                self.finish(client)


if __name__ == "__main__":
    tap.main()
