#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The line by which upc and upcbench say on a terminal how far they have come.

Each test runs both, against a server that answers nothing before it is told to.
"""

import contextlib
import os
import shlex
import signal
import tempfile
import threading

import tap
from screen import Session
from scripted import BIG, BOUND, Server, honest
from stream import upper
from upc_case import UPC, UpcCase
from upcbench_case import UPCBENCH

NAMES = ("upc", "upcbench")

# Narrower than any line.
NARROW = range(1, 11)

# A line as it is drawn.
DRAWN = rb"\rupc(bench)?: [^\r\n]*/s"

# How a terminal hands a signal to those who are in front.
KEYS = {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c"}


class StatusLine(UpcCase):
    def setUp(self):
        held = contextlib.ExitStack()
        self.addCleanup(held.close)
        self.gate = threading.Event()
        self.server = held.enter_context(Server(self.serve, buffers=16384))
        held.callback(self.gate.set)
        self.folder = held.enter_context(tempfile.TemporaryDirectory())
        self.path = os.path.join(self.folder, "text")
        self.answer = os.path.join(self.folder, "answer")
        with open(self.path, "wb") as file:
            file.write(BIG)
        self.breaks = False
        # The kind of terminal that the others are.
        variables = environment_with(TERM="xterm")
        variables.__enter__()
        self.addCleanup(variables.__exit__, None, None, None)

    def serve(self, peer):
        """Answers one message of upcbench, and else waits for the gate."""
        part = peer.recv(100)
        peer.sendall(upper(part) if len(part) == 64 else b"")
        self.gate.wait(BOUND)
        if not self.breaks:
            if len(part) != 64:
                peer.sendall(upper(part))
            honest(peer)

    def command(self, name, *more):
        """In words of the shell, with the streams besides the terminal."""
        if name == "upc":
            words = [UPC, "--server", self.server.address, *more]
            source = self.path
        else:
            words = [UPCBENCH, "--time", "1h", "--warm-up", "0", *more,
                     self.server.address]
            source = "/dev/null"
        return f"{shlex.join(words)} <{source} >{self.answer}"

    @contextlib.contextmanager
    def started(self, session, name, *more):
        command = ["sh", "-c", f"exec {self.command(name, *more)}"]
        with session.running(command) as process:
            yield process

    def wait_for_frames(self, session, n):
        """Until the line was drawn so many times more."""
        frames = session.shown.count(b"\r") + n
        session.wait_for(lambda shown: shown.count(b"\r") >= frames)


@contextlib.contextmanager
def environment_with(**variables):
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Width(StatusLine):
    def test_it_takes_no_more_than_a_row_on_a_terminal_of_1_to_10_columns(self):
        for name in NAMES:
            with contextlib.ExitStack() as stack:
                sessions, processes = [], []
                for columns in (*NARROW, 40):
                    session = stack.enter_context(Session(columns))
                    sessions.append(session)
                    processes.append(stack.enter_context(
                        self.started(session, name)))
                for session in sessions[1:]:
                    session.wait_for(lambda shown: shown.count(b"\r") > 1)
                for process in processes:
                    process.send_signal(signal.SIGTERM)
                self.gate.set()
                for session, process in zip(sessions, processes):
                    session.wait_for_end(process)
                self.gate.clear()
                for session in sessions:
                    screen = session.screen()
                    with self.subTest(name, columns=session.columns):
                        self.assertEqual(screen.wraps, 0)
                        self.assertEqual(screen.text(), "")
                self.assertEqual(sessions[0].shown, b"")

    def test_it_follows_a_terminal_that_is_resized(self):
        for name in NAMES:
            with Session(80) as session, \
                    self.started(session, name) as process:
                lengths = []
                # Some do not say how wide they are.
                for columns in (80, 12, 0):
                    session.resize(columns)
                    # The first may have been drawn before, and the last is
                    # perhaps not whole.
                    session.shown = b""
                    self.wait_for_frames(session, 3)
                    lengths.append(len(session.shown.split(b"\r")[2]))
                self.assertEqual(lengths[1], 11)
                self.assertGreater(min(lengths[0], lengths[2]), 11)
                session.resize(8)
                session.shown = b""
                process.send_signal(signal.SIGTERM)
                self.gate.set()
                session.wait_for_end(process)
                self.gate.clear()
                # A line from before the change may come first.
                self.assertRegex(session.shown, rb"\r {7}\r\Z")


class Jobs(StatusLine):
    def test_a_job_in_the_background_draws_nothing(self):
        for name in NAMES:
            with Session() as session, session.shell():
                session.enter(f"{self.command(name, '--timeout', '3s')} & "
                              "wait $!; echo status $?", "echo end''ed")
                session.wait_for(lambda shown: b"ended" in shown)
                # In one row each.
                shown = session.screen(10000).text()
                self.assertNotRegex(session.shown, DRAWN)
                # It went on until it gave up.
                self.assertRegex(shown, r"moved nothing for|received nothing")
                self.assertNotIn("Stopped", shown)

    def test_a_stop_of_output_in_the_background_does_not_stop_it(self):
        for name in NAMES:
            with Session() as session, session.shell():
                command = self.command(name)
                session.enter("stty tostop", f"{command} &", "job=$!")
                session.enter("sleep 2.5; ps -o stat= -p $job; echo look''ed")
                session.wait_for(lambda shown: b"looked" in shown)
                self.assertNotRegex(session.shown, DRAWN)
                # T is what ps says of a process that is stopped.
                self.assertRegex(session.screen().text(), r"\A[SR]")
                session.enter("kill $job; wait; echo end''ed")
                self.gate.set()
                session.wait_for(lambda shown: b"ended" in shown)
                self.gate.clear()

    def test_a_stop_erases_it_and_what_goes_on_in_front_draws_it_again(self):
        drawn = r"(?m)^upc(bench)?: .*\S$"
        for name in NAMES:
            with Session() as session, session.shell():
                session.enter(self.command(name))
                self.wait_for_frames(session, 2)
                self.assertRegex(session.screen().text(), drawn)
                session.type(b"\x1a")
                session.enter("echo stop''ped")
                session.wait_for(lambda shown: b"stopped" in shown)
                self.assertNotRegex(session.screen().text(), drawn)
                session.enter("bg; sleep 1.5; echo behind")
                session.wait_for(lambda shown: b"behind" in shown)
                self.assertNotRegex(session.screen().text(), drawn)
                frames = session.shown.count(b"/s")
                session.enter("fg")
                session.wait_for(lambda shown: shown.count(b"/s") > frames + 1)
                self.assertRegex(session.screen().text(), drawn)
                session.type(b"\x03")
                session.enter("echo end''ed")
                self.gate.set()
                session.wait_for(lambda shown: b"ended" in shown)
                self.gate.clear()
                self.assertNotRegex(session.screen().text(), drawn)

    def test_a_terminal_that_is_halted_does_not_halt_it(self):
        for name, more in (("upc", ()), ("upcbench", ("--time", "1500ms"))):
            with Session() as session, \
                    self.started(session, name, *more) as process:
                session.type(b"\x13")
                # It would be drawn in this time.
                self.assertFalse(session.read(1.5))
                self.gate.set()
                self.assertEqual(process.wait(BOUND), 0)
                self.gate.clear()


class Ends(StatusLine):
    def test_a_signal_erases_it_and_ends_the_program_by_itself(self):
        for name in NAMES:
            with contextlib.ExitStack() as stack:
                found = []
                for signo in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM,
                              signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
                    session = stack.enter_context(Session())
                    found.append((signo, session, stack.enter_context(
                        self.started(session, name))))
                for signo, session, process in found:
                    session.wait_for(lambda shown: b"/s" in shown)
                    if signo in KEYS:
                        session.type(KEYS[signo])
                    else:
                        process.send_signal(signo)
                self.gate.set()
                for signo, session, process in found:
                    with self.subTest(f"{name} {signo!r}"):
                        self.assertEqual(session.wait_for_end(process), -signo)
                        self.assertEqual(session.screen().text(), "")
                self.gate.clear()

    def test_a_signal_that_is_ignored_stays_so(self):
        for name in NAMES:
            with Session() as session, session.running(
                    ["sh", "-c", "trap '' HUP USR1; exec "
                     + self.command(name)]) as process:
                self.wait_for_frames(session, 1)
                process.send_signal(signal.SIGHUP)
                process.send_signal(signal.SIGUSR1)
                self.wait_for_frames(session, 1)
                process.send_signal(signal.SIGTERM)
                self.gate.set()
                self.assertEqual(session.wait_for_end(process),
                                 -signal.SIGTERM)
                self.gate.clear()

    def test_a_failure_is_told_in_a_row_of_its_own(self):
        self.breaks = True
        for name in NAMES:
            with Session() as session, \
                    self.started(session, name) as process:
                self.wait_for_frames(session, 2)
                self.gate.set()
                self.assertIn(session.wait_for_end(process), (1, 74))
                self.gate.clear()
                rows = session.screen(10000).text().strip().split("\n")
                self.assertEqual(len(rows), 1, rows)
                self.assertRegex(rows[0], r"\Aupc(bench)?: (the answer was cut "
                                 r"short|connection 1 to )")

    def test_a_report_on_the_same_terminal_stands_where_it_stood(self):
        with Session() as session, session.running(
                [UPCBENCH, "--time", "1h", "--warm-up", "0",
                 self.server.address], stdout=session.slave) as process:
            self.wait_for_frames(session, 2)
            process.send_signal(signal.SIGTERM)
            self.gate.set()
            self.assertEqual(session.wait_for_end(process), -signal.SIGTERM)
            self.assertRegex(session.screen().text(), r"\Amode ")

    def test_an_answer_on_the_same_terminal_has_no_line_beside_it(self):
        with Session() as session, open(self.path, "rb") as text, \
                session.running([UPC, "--server", self.server.address,
                                 "--timeout", "2s"], stdin=text,
                                stdout=session.slave) as process:
            self.assertEqual(session.wait_for_end(process), 74)
            self.assertNotRegex(session.shown, DRAWN)

    def test_a_dumb_terminal_gets_none(self):
        for name in NAMES:
            with environment_with(TERM="dumb"), Session() as session, \
                    self.started(session, name, "--timeout",
                                 "2500ms") as process:
                self.assertIn(session.wait_for_end(process), (1, 74))
                self.assertNotRegex(session.shown, DRAWN)


if __name__ == "__main__":
    tap.main()
