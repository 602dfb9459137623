# SPDX-License-Identifier: ISC
"""upc from its command line to a whole answer, with servers and upcased."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tap
from scripted import BIG, BIG_UPPER, BOUND, Server, free_port, honest
from stream import has_ipv6, receive_all, upper
from upc_case import (GREETING, PROMPT, TACO, UPC, Terminal, UpcCase, environment,
                      running, upc)

UPCASED = os.environ.get("UPCASED", "")
SHIM = os.environ.get("SHIM", "")
# A preloaded library and the sanitizers' own do not go together.
HAS_SHIM = os.path.exists(SHIM) and os.environ.get("SANITIZERS") == "no"
HAS_FULL = os.path.exists("/dev/full")

# Runs a command with other lines in /etc/hosts, in a mount name space.
WITH_HOSTS = ["unshare", "-rm", "sh", "-c",
              'mount --bind "$0" /etc/hosts && exec "$@"']


class CommandLine(UpcCase):
    def test_words_are_joined_by_blanks_and_ended_by_a_newline(self):
        received = []

        def serve(peer):
            received.append(receive_all(peer))
            peer.sendall(upper(received[0]))

        with Server(serve) as server:
            outcome = upc("Hello,", "wide", " world", server=server.address)
        self.assert_answered(outcome, b"HELLO, WIDE  WORLD\n")
        self.assertEqual(received, [b"Hello, wide  world\n"])

    def test_a_taco_stays_a_taco(self):
        with Server(honest) as server:
            outcome = upc(TACO, server=server.address)
        self.assert_answered(outcome, "I AM HUNGRY FOR 🌮\n".encode())

    def test_words_after_two_dashes_are_text(self):
        with Server(honest) as server:
            outcome = upc("--", "--help", server=server.address)
        self.assert_answered(outcome, b"--HELP\n")

    def test_with_words_standard_input_is_left_alone(self):
        with Server(honest) as server, tempfile.TemporaryFile() as file:
            file.write(b"for the next program")
            file.seek(0)
            outcome = upc("words", server=server.address, stdin=file)
            self.assertEqual(file.read(), b"for the next program")
        self.assert_answered(outcome, b"WORDS\n")

    def test_the_option_goes_before_the_environment(self):
        with Server(honest) as server:
            outcome = upc("--server", server.address, "hi",
                          server=f"127.0.0.1:{free_port()}")
        self.assert_answered(outcome, b"HI\n")

    def test_an_address_without_a_host_means_this_host(self):
        with Server(honest) as server:
            outcome = upc("-4", "--server", f":{server.port}", "hi")
        self.assert_answered(outcome, b"HI\n")
        port = free_port()
        self.assert_failed(upc("-4", "--server", f":{port}", "hi"), 69,
                           f"127.0.0.1:{port}: Connection refused")

    def test_help_names_every_option_on_standard_output(self):
        outcome = upc("--help")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
        for name in ("--server ADDRESS", "-4", "-6", "--connect-timeout T",
                     "--timeout T", "--no-progress", "--help", "--version",
                     "UPC_SERVER", "localhost:5220"):
            self.assertIn(name, outcome.stdout.decode())

    def test_version_is_one_line_on_standard_output(self):
        outcome = upc("--version")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
        self.assertRegex(outcome.stdout.decode(), r"\Aupc \d+\.\d+\.\d+\n\Z")

    @unittest.skipUnless(HAS_FULL, "/dev/full is missing")
    def test_help_and_version_that_do_not_arrive_fail(self):
        for option in ("--help", "--version"):
            with open("/dev/full", "wb") as full:
                outcome = upc(option, stdout=full)
            self.assert_failed(outcome, 74, "No space left")

    def test_bad_usage_is_64_with_one_sentence(self):
        for arguments, part in (
                (["--frobnicate"], "unknown option '--frobnicate'"),
                (["-x"], "unknown option '-x'"),
                (["--server"], "missing after '--server'"),
                (["--server", "[::1"], "'[::1' is not an address"),
                (["--server", "::1:5220"], "'::1:5220' is not an address"),
                (["--timeout", "5"], "'5' is not a time"),
                (["--connect-timeout", "-1s"], "'-1s' is not a time")):
            outcome = upc(*arguments)
            self.assert_failed(outcome, 64, part)
            self.assertEqual(outcome.stdout, b"")

    def test_a_bad_address_in_the_environment_is_64(self):
        self.assert_failed(upc("text", server="no sense"), 64,
                           "UPC_SERVER: 'no sense' is not an address")


class Connecting(UpcCase):
    def test_no_server_is_69_and_the_address_is_named(self):
        address = f"127.0.0.1:{free_port()}"
        self.assert_failed(upc("text", server=address), 69,
                           f"{address}: Connection refused", "--server")

    def test_a_name_that_does_not_resolve_is_69(self):
        self.assert_failed(upc("text", server="nowhere.invalid:5220"), 69,
                           "'nowhere.invalid'", "--server")

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_ipv6_is_spoken(self):
        with Server(honest, socket.AF_INET6) as server:
            outcome = upc("-6", "hi", server=server.address)
        self.assert_answered(outcome, b"HI\n")

    def test_the_family_that_was_asked_for_is_kept(self):
        with Server(honest) as server:
            self.assert_failed(upc("-6", "hi", server=server.address), 69,
                               "'127.0.0.1'")
            outcome = upc("-6", "-4", "hi", server=server.address)
        self.assert_answered(outcome, b"HI\n")

    def test_a_server_that_does_not_accept_is_69_after_the_timeout(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            self.fill_backlog(stack, listener.getsockname())
            started = time.monotonic()
            outcome = upc("--connect-timeout", "300ms", "text",
                          server="127.0.0.1:%d" % listener.getsockname()[1])
            took = time.monotonic() - started
        self.assert_failed(outcome, 69, "Connection timed out")
        self.assertGreaterEqual(took, 0.3)
        self.assertLess(took, BOUND)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare") and
                         shutil.which("ip"), "needs root, unshare and ip")
    def test_a_connection_to_itself_is_no_server(self):
        # Where there is but one local port, the client gets the server's.
        outcome = subprocess.run(
            ["unshare", "-n", "sh", "-c", "ip link set lo up && "
             "echo 5220 5220 >/proc/sys/net/ipv4/ip_local_port_range && "
             'exec "$0" --server 127.0.0.1:5220 hi', UPC],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=BOUND)
        self.assert_failed(outcome, 69, "127.0.0.1:5220: Connection refused")

    def fill_backlog(self, stack, address):
        for _ in range(16):
            client = stack.enter_context(socket.socket())
            client.settimeout(0.2)
            try:
                client.connect(address)
            except TimeoutError:
                return
        self.skipTest("the backlog has no end here")


@unittest.skipUnless(has_ipv6(), "no IPv6 here")
class TwoAddresses(UpcCase):
    """A name with two addresses, of which either or none has a server."""

    def setUp(self):
        self.hosts = tempfile.NamedTemporaryFile()
        self.addCleanup(self.hosts.close)
        self.hosts.write(b"::1 two.test\n127.0.0.1 two.test\n")
        self.hosts.flush()
        if self.with_hosts("true").returncode != 0:
            self.skipTest("no mount name spaces here")

    def with_hosts(self, *command):
        try:
            return subprocess.run(
                [*WITH_HOSTS, self.hosts.name, *command], env=environment(),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=BOUND)
        except FileNotFoundError as error:
            raise unittest.SkipTest(str(error))

    def ask(self, port):
        return self.with_hosts(
            UPC, "--server", f"two.test:{port}", "hi")

    def test_a_refused_address_is_followed_by_the_next_one(self):
        # Whichever comes first, it is refused in one of the two.
        for family in (socket.AF_INET, socket.AF_INET6):
            with Server(honest, family) as server:
                self.assert_answered(self.ask(server.port), b"HI\n")

    def test_when_all_are_refused_all_are_named(self):
        port = free_port()
        self.assert_failed(self.ask(port), 69,
                           f"127.0.0.1:{port}: Connection refused",
                           f"[::1]:{port}: Connection refused")


class Streaming(UpcCase):
    def test_an_empty_input_has_an_empty_answer(self):
        with Server(honest) as server:
            self.assert_answered(upc(server=server.address), b"")

    def test_a_text_without_a_newline_is_sent_as_it_is(self):
        with Server(honest) as server:
            outcome = upc(server=server.address, text="straße".encode())
        self.assert_answered(outcome, b"STRASSE")

    def test_bytes_that_are_not_utf8_and_nuls_come_through(self):
        text = b"a\0b\xff\xc3(\xe2\x82\n\x80end\xf0"
        with Server(honest) as server:
            outcome = upc(server=server.address, text=text)
        self.assert_answered(outcome, upper(text))

    def test_a_file_of_8_mb_is_byte_exact(self):
        with Server(honest) as server, tempfile.TemporaryFile() as file, \
                tempfile.TemporaryFile() as answer:
            file.write(BIG)
            file.seek(0)
            outcome = upc(server=server.address, stdin=file, stdout=answer)
            self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
            answer.seek(0)
            self.assertTrue(answer.read() == BIG_UPPER)

    def test_8_mb_go_both_ways_at_once_through_small_buffers(self):
        with Server(honest, buffers=16384) as server:
            outcome = upc(server=server.address, text=BIG)
        self.assert_answered(outcome, BIG_UPPER)

    def test_an_answer_may_come_only_after_the_end_of_8_mb(self):
        with Server(lambda peer: peer.sendall(upper(receive_all(peer)))) as s:
            self.assert_answered(upc(server=s.address, text=BIG), BIG_UPPER)

    def test_a_server_that_reads_late_holds_the_input_back(self):
        gate = threading.Event()

        def serve(peer):
            gate.wait(BOUND)
            honest(peer)

        with Server(serve, buffers=16384) as server, \
                tempfile.TemporaryFile() as answer, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=answer) as client:
            taken = self.write_until_stopped(client.stdin.fileno(), BIG)
            self.assertLess(taken, len(BIG))
            gate.set()
            os.set_blocking(client.stdin.fileno(), True)
            client.stdin.write(BIG[taken:])
            client.stdin.close()
            self.assertEqual(client.wait(BOUND), 0)
            answer.seek(0)
            self.assertTrue(answer.read() == BIG_UPPER)

    def write_until_stopped(self, fd, text):
        """Writes until nothing was taken for half a second."""
        os.set_blocking(fd, False)
        taken = 0
        while taken < len(text) and select.select([], [fd], [], 0.5)[1]:
            taken += os.write(fd, text[taken:taken + 65536])
        return taken

    def test_a_line_of_a_pipe_is_answered_before_the_end(self):
        with Server(honest) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE) as client:
            for line in (b"one\n", b"two\n"):
                client.stdin.write(line)
                client.stdin.flush()
                ready, _, _ = select.select([client.stdout], [], [], BOUND)
                self.assertTrue(ready)
                self.assertEqual(os.read(client.stdout.fileno(), 99),
                                 upper(line))
            client.stdin.close()
            self.assertEqual(client.wait(BOUND), 0)

    def test_an_answer_byte_by_byte_is_put_together(self):
        def drip(peer):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in upper(receive_all(peer)):
                peer.sendall(bytes([byte]))

        with Server(drip) as server:
            outcome = upc(TACO, server=server.address)
        self.assert_answered(outcome, upper(TACO.encode()) + b"\n")

    @unittest.skipUnless(HAS_SHIM, "no short-I/O library, or sanitizers")
    def test_calls_that_move_1_to_7_bytes_or_fail_for_now_lose_nothing(self):
        text = BIG[:20000]
        for seed in ("1", "2", "3"):
            with Server(honest) as server:
                outcome = upc(server=server.address, text=text,
                              extra={"LD_PRELOAD": SHIM,
                                     "SHORT_IO_SEED": seed})
            self.assert_answered(outcome, upper(text))

    def test_a_slow_reader_of_a_non_blocking_pipe_loses_nothing(self):
        with Server(honest) as server, tempfile.TemporaryFile() as file:
            file.write(BIG)
            file.seek(0)
            end, output = os.pipe()
            os.set_blocking(output, False)
            with running(server=server.address, stdin=file,
                         stdout=output) as client:
                os.close(output)
                with open(end, "rb", buffering=0) as answer:
                    # Nothing is read before the pipe is full.
                    self.assertTrue(select.select([answer], [], [], BOUND)[0])
                    parts = []
                    while part := answer.read(50000):
                        parts.append(part)
                self.assertTrue(b"".join(parts) == BIG_UPPER)
                self.assertEqual(client.wait(BOUND), 0)

    def test_standard_descriptors_keep_their_flags(self):
        with Server(honest) as server, \
                running(server=server.address, stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE) as client:
            client.stdin.write(b"in the middle\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"IN THE MIDDLE\n")
            # Both ends of a pipe have flags of their own: ask for upc's.
            for fd in range(3):
                with open(f"/proc/{client.pid}/fdinfo/{fd}") as lines:
                    flags = int(lines.read().split("flags:")[1].split()[0], 8)
                self.assertFalse(flags & os.O_NONBLOCK)
            client.stdin.close()
            self.assertEqual(client.wait(BOUND), 0)


@unittest.skipUnless(os.path.exists(UPCASED), "upcased is not built")
class RealDaemon(UpcCase):
    def start(self, *arguments):
        daemon = subprocess.Popen(
            [UPCASED, "--config", "none", "--listen", "127.0.0.1:0",
             "--sandbox", "off", *arguments],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(self.stop, daemon)
        for line in daemon.stderr:
            if b"listening on " in line:
                return line.decode().split()[-1]
        self.fail("upcased does not listen")

    def stop(self, daemon):
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.communicate(timeout=BOUND)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.communicate()
            raise

    def test_it_answers_words(self):
        self.assert_answered(upc(TACO, server=self.start()),
                             "I AM HUNGRY FOR 🌮\n".encode())

    def test_it_answers_8_mb_byte_exact(self):
        self.assert_answered(upc(server=self.start(), text=BIG), BIG_UPPER)

    def test_it_answers_lines_of_a_dialogue(self):
        with Terminal() as terminal, \
                running(server=self.start(), stdin=terminal.slave,
                        stdout=terminal.slave,
                        stderr=terminal.slave) as client:
            terminal.wait_for(lambda shown: shown == GREETING + PROMPT)
            terminal.type(b"stra\xc3\x9fe\n")
            terminal.wait_for(lambda shown: shown.endswith(
                b"\r\nSTRASSE\r\n" + PROMPT))
            terminal.type(b"\x04")
            self.assertEqual(terminal.wait_for_end(client), 0)

    def test_an_answer_that_it_closes_for_bad_bytes_is_cut_short(self):
        server = self.start("--invalid", "close")
        outcome = upc(server=server, text=b"good\nb\xffd\nmore\n")
        self.assert_failed(outcome, 74, "cut short")
        self.assertEqual(outcome.stdout, b"GOOD\nB")

    def test_a_client_that_sends_nothing_is_told_of_the_idle_end(self):
        server = self.start("--idle-timeout", "200ms")
        with running(server=server, stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE) as client:
            self.assertEqual(client.wait(BOUND), 74)
            self.assertIn(b"ended the connection", client.stderr.read())


if __name__ == "__main__":
    tap.main()
