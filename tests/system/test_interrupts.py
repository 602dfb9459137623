#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""upcbench and upc that are interrupted: what they leave, and how they end."""

import contextlib
import json
import os
import queue
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import threading
import time

import tap
from daemon import Daemon, wait_until
from screen import Session
from scripted import BOUND, Server, honest
from stream import receive_all
from upc_case import GREETING, PROMPT, UPC
from upcbench_case import UPCBENCH, SIZE, BenchCase, address_of, running

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))

class Interrupts(BenchCase):
    def test_an_interrupt_ends_a_run_with_what_was_measured(self):
        for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with Daemon() as daemon, \
                    running("--time", "1m", "--warm-up", "0",
                            address_of(daemon)) as tool:
                # The second message comes when the first is answered.
                wait_until(lambda: daemon.counters()["received"] > 64,
                           "something was measured")
                tool.send_signal(signo)
                report, sentence = tool.communicate(timeout=BOUND)
            # And then the program, so that whoever waits for it knows.
            self.assertEqual((tool.returncode, sentence), (-signo, ""))
            self.assertFalse(json.loads(report)["complete"])
            self.assertGreater(json.loads(report)["messages"], 0)

    def test_a_second_interrupt_waits_for_no_answer(self):
        begun = threading.Event()

        def serve(peer):
            peer.recv(SIZE)
            begun.set()
            receive_all(peer)
        with Server(serve) as server, \
                running("--time", "1m", server.address) as tool:
            self.assertTrue(begun.wait(BOUND))

            def interrupted():
                tool.send_signal(signal.SIGINT)
                return tool.poll() is not None
            wait_until(interrupted, "the run has ended")
            self.assertEqual(tool.returncode, -signal.SIGINT)
            json.loads(tool.stdout.read())

    def test_an_interrupt_ends_the_loop_of_a_shell_with_the_run(self):
        for shell in ("sh", "bash"):
            path = shutil.which(shell)
            if path is None:
                continue
            begun = queue.SimpleQueue()

            def serve(peer):
                part = peer.recv(SIZE)
                begun.put(part)
                peer.sendall(part.upper())
                honest(peer)
            with Server(serve) as server, subprocess.Popen(
                    [path, "-c", 'while :; do "$@"; done', shell, UPCBENCH,
                     "--time", "1m", server.address],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    start_new_session=True) as loop:
                begun.get(timeout=BOUND)
                # As a terminal does it: to all of the job.
                os.killpg(loop.pid, signal.SIGINT)
                try:
                    self.assertEqual(loop.wait(BOUND), -signal.SIGINT, shell)
                finally:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(loop.pid, signal.SIGKILL)

    def test_an_interrupted_run_with_errors_ends_by_the_signal_as_well(self):
        begun = threading.Event()

        def serve(peer):
            peer.recv(SIZE)
            begun.set()
            receive_all(peer)
        with Server(serve) as server, \
                running("--time", "1m", "--timeout", "1s",
                        server.address) as tool:
            self.assertTrue(begun.wait(BOUND))
            tool.send_signal(signal.SIGTERM)
            report, sentence = tool.communicate(timeout=BOUND)
        self.assertEqual(tool.returncode, -signal.SIGTERM)
        self.assertIn("the answer does not come", sentence)
        self.assertEqual(json.loads(report)["errors"]["timeout"], 1)

    def test_signals_while_the_report_is_written_leave_it_whole(self):
        reading, writing = os.pipe()
        # The pipe is full before, so that the report has to wait.
        os.set_blocking(writing, False)
        filled = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                filled += os.write(writing, bytes(1024))
        os.set_blocking(writing, True)
        ended = threading.Event()

        def serve(peer):
            honest(peer)
            ended.set()
        with Server(serve) as server, subprocess.Popen(
                [UPCBENCH, "--format", "json", "--count", "100",
                 server.address], stdin=subprocess.DEVNULL, stdout=writing,
                stderr=subprocess.PIPE) as tool:
            os.close(writing)
            # It has ended its connection, and so has nothing left but that.
            self.assertTrue(ended.wait(BOUND))
            for _ in range(50):
                tool.send_signal(signal.SIGINT)
                tool.send_signal(signal.SIGTERM)
                time.sleep(0.01)
            self.assertIsNone(tool.poll())
            with open(reading, "rb") as file:
                report = file.read()[filled:]
            self.assertIn(tool.wait(BOUND), (-signal.SIGINT, -signal.SIGTERM))
            self.assertEqual(tool.stderr.read(), b"")
        self.assertEqual(json.loads(report)["messages"], 100)

    def test_a_signal_that_is_ignored_interrupts_nothing(self):
        begun = threading.Event()

        def serve(peer):
            part = peer.recv(SIZE)
            begun.set()
            peer.sendall(part.upper())
            honest(peer)
        for signo in ("HUP", "INT", "TERM"):
            begun.clear()
            with Server(serve) as server, subprocess.Popen(
                    ["sh", "-c", f"trap '' {signo}; exec \"$@\"", "sh",
                     UPCBENCH, "--format", "json", "--time", "1s",
                     server.address], stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, text=True) as tool:
                self.assertTrue(begun.wait(BOUND))
                tool.send_signal(getattr(signal, f"SIG{signo}"))
                report, _ = tool.communicate(timeout=BOUND)
                self.assertEqual(tool.returncode, 0)
                self.assertTrue(json.loads(report)["complete"])


class OtherPrograms(BenchCase):
    def test_an_interrupt_ends_the_loop_of_a_shell_with_upc(self):
        begun = threading.Event()

        def serve(peer):
            begun.set()
            receive_all(peer)
            peer.recv(1)
        for words in (["x"], []):
            begun.clear()
            with Server(serve) as server, subprocess.Popen(
                    ["sh", "-c", 'while :; do "$@"; done', "sh", UPC,
                     "--server", server.address, *words],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    start_new_session=True) as loop:
                self.assertTrue(begun.wait(BOUND))
                os.killpg(loop.pid, signal.SIGINT)
                self.assertEqual(loop.wait(BOUND), -signal.SIGINT)

    def test_a_dialogue_leaves_the_terminal_as_it_was(self):
        for signo, key in ((signal.SIGINT, b"\x03"), (signal.SIGQUIT, b"\x1c"),
                           (signal.SIGTERM, None), (signal.SIGHUP, None)):
            with Server(honest) as server, Session() as session:
                before = termios.tcgetattr(session.slave)
                with session.running([UPC, "--server", server.address],
                                     stdin=session.slave,
                                     stdout=session.slave) as client:
                    session.wait_for(lambda shown: shown == GREETING + PROMPT)
                    if key:
                        session.type(key)
                    else:
                        client.send_signal(signo)
                    self.assertEqual(session.wait_for_end(client), -signo)
                    self.assertEqual(termios.tcgetattr(session.slave), before)

    def test_bootstrap_ends_by_the_signal_and_leaves_nothing(self):
        for command in ("run", "check", "bench"):
            for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self.interrupt_bootstrap(command, signo)

    def interrupt_bootstrap(self, command, signo):
        """While it looks for packages."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(SOURCE, "bootstrap"), folder)
            shutil.copytree(os.path.join(SOURCE, "contrib/bootstrap"),
                            f"{folder}/contrib/bootstrap")
            os.makedirs(f"{folder}/bin")
            os.makedirs(f"{folder}/tmp")
            os.mkfifo(f"{folder}/begun")
            # To open it otherwise would wait, and for ever for a script that
            # does not come so far.
            begun = os.open(f"{folder}/begun", os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, begun)
            with open(f"{folder}/bin/dpkg-query", "w") as script:
                script.write(f"#!/bin/sh\necho >'{folder}/begun'\n"
                             "exec sleep 60\n")
            os.chmod(f"{folder}/bin/dpkg-query", 0o755)
            variables = {**os.environ, "TMPDIR": f"{folder}/tmp",
                         "PATH": f"{folder}/bin:{os.environ['PATH']}"}
            with subprocess.Popen(
                    [f"{folder}/bootstrap", command], env=variables,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True) as bootstrap:
                try:
                    self.assertTrue(
                        select.select([begun], [], [], BOUND)[0],
                        f"./bootstrap {command} looks for no package")
                    self.assertEqual(len(os.listdir(f"{folder}/tmp")), 1)
                    os.killpg(bootstrap.pid, signo)
                    self.assertEqual(bootstrap.wait(BOUND), -signo, command)
                finally:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(bootstrap.pid, signal.SIGKILL)
            self.assertEqual(os.listdir(f"{folder}/tmp"), [])


if __name__ == "__main__":
    tap.main()
