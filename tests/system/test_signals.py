#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Each signal at each phase of the daemon's life does what the table says,
whatever was inherited, and also as process 1 of a container.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import tap
from client import ask, flood
from daemon import (PATIENCE, SANDBOX_OPTION, SANITIZED, SANITIZERS, UPCASED,
                    Case, Daemon, linux_only, needs, root_only, wait_until,
                    with_mounts)
from first import AS_FIRST, First, child_of
from stream import upper

LINE = "ein Stück\n".encode()

# Ends at once, with status 0.
ENDS = "ends"
# Serves those that are there to their end.
DRAINS = "drains"
# Logs the counters.
COUNTS = "counts"
# Reads the configuration again.
RELOADS = "reloads"
# That is not done in a drain.
REFUSED = "is refused"
# Waits until clients are served, and is obeyed then.
WAITS = "waits"
# Looks for children that have ended.
REAPS = "reaps"
# Does nothing at all.
NOTHING = "nothing"
# Ends the process by that signal; as process 1 it does nothing.
CRASHES = "crashes"
# Stops the process until SIGCONT; as process 1 it does nothing.
STOPS = "stops"

PHASES = ("start", "service", "drain")

# Executes the program anew, or does not in a drain.
HANDS_OVER = "hands over"
KEEPS = "keeps"

# While a name is looked up, while clients are served, and in a drain.
TABLE = {
    "SIGTERM": (ENDS, DRAINS, ENDS),
    "SIGINT": (ENDS, DRAINS, ENDS),
    "SIGQUIT": (ENDS, DRAINS, ENDS),
    "SIGHUP": (WAITS, RELOADS, REFUSED),
    "SIGUSR1": (NOTHING, COUNTS, COUNTS),
    "SIGUSR2": (NOTHING, HANDS_OVER, KEEPS),
    "SIGCHLD": (NOTHING, REAPS, REAPS),
    "SIGTSTP": (STOPS, STOPS, STOPS),
    **{name: (CRASHES, CRASHES, CRASHES) for name in (
        "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS",
        "SIGTRAP")},
    **{name: (NOTHING, NOTHING, NOTHING) for name in (
        "SIGALRM", "SIGCONT", "SIGIO", "SIGPIPE", "SIGPROF",
        "SIGPWR", "SIGSTKFLT", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGVTALRM",
        "SIGWINCH", "SIGXCPU", "SIGXFSZ")},
}
# What nobody can change.
FIXED = {"SIGKILL", "SIGSTOP"}
# What does nothing by default, and is left to it.
UNTOUCHED = {"SIGCHLD", "SIGCONT"}

REAL_TIME = range(signal.SIGRTMIN, signal.SIGRTMAX + 1)

# In a process group of its own, of which a session sees to the stops.
OWN_GROUP = "import os, signal, sys; os.setpgid(0, 0); "
RUN = "os.execvp(sys.argv[1], sys.argv[1:])"
# The worst that can be inherited.
HOSTILE = OWN_GROUP + (
    "all = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}; "
    "[signal.signal(s, signal.SIG_IGN) for s in all]; "
    "signal.pthread_sigmask(signal.SIG_BLOCK, all); ")

# A name server from which nothing comes back, on a wire to nowhere.
SILENCE = """
ip link set lo up
ip link add wire type veth peer name nowhere
ip address add 192.0.2.1/24 dev wire
ip link set wire up
ip link set nowhere up
ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wire
mount --bind "$0" /etc/resolv.conf
mount --bind "$1" /etc/nsswitch.conf
shift
exec "$@"
"""

def inheriting(code):
    """A wrapper that runs the code before the program."""
    return [sys.executable, "-S", "-E", "-c", code + RUN]


def masks(pid, thread):
    """The signals that a thread blocks, ignores and catches."""
    with open(f"/proc/{pid}/task/{thread}/status") as status:
        fields = dict(re.findall(r"^(Sig\w+):\t(\w+)$", status.read(), re.M))
    known = signal.valid_signals()
    return [{s for s in known if int(fields[key], 16) >> (s - 1) & 1}
            for key in ("SigBlk", "SigIgn", "SigCgt")]


def state(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def rows(phase, *outcomes):
    """The names and numbers of the signals that have one of the outcomes."""
    at = PHASES.index(phase)
    found = [(name, signal.Signals[name]) for name, row in TABLE.items()
             if row[at] in outcomes]
    if NOTHING in outcomes:
        found += [(f"SIGRTMIN+{s - REAL_TIME[0]}", s) for s in REAL_TIME]
    return found


def numbers(phase, *outcomes):
    return {signo for _, signo in rows(phase, *outcomes)}


class Lookup:
    """A daemon whose start waits for a name, as a context manager."""

    def __init__(self, wrapper, first):
        self.resolver = tempfile.NamedTemporaryFile("w")
        self.resolver.write("nameserver 192.0.2.2\noptions timeout:30\n")
        self.resolver.flush()
        self.services = tempfile.NamedTemporaryFile("w")
        self.services.write("passwd: files\nhosts: files dns\n")
        self.services.flush()
        self.first = first
        self.command = [
            *wrapper, "unshare", "--mount", "--net", "sh", "-ec", SILENCE,
            self.resolver.name, self.services.name,
            *(AS_FIRST if first else ()), *wrapper,
            UPCASED, "--config", "none", "--listen", "slow.test:0"]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        try:
            wait_until(self.asks, "the name server is asked")
        except BaseException:
            self.__exit__()
            raise
        self.pid = child_of(self.process.pid) if self.first \
            else self.process.pid
        return self

    def asks(self):
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read())
        # The port 53 of 192.0.2.2.
        with open(f"/proc/{self.process.pid}/net/udp") as table:
            return "020200C0:0035" in table.read()

    def __exit__(self, *error):
        if self.process.poll() is None:
            pid = child_of(self.process.pid) if self.first else None
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
        self.process.communicate()
        self.resolver.close()
        self.services.close()

    def send(self, signo):
        os.kill(self.pid, signo)


def with_silence(test):
    """Skips a test where no name server can be made to say nothing."""
    return linux_only(root_only(with_mounts(
        needs("unshare", "ip", "mount")(test))))


def each_start(test):
    """Runs a test with all that can be inherited, as process 1 and not."""
    def run(self):
        for first in (False, True):
            for code in (OWN_GROUP, HOSTILE):
                with self.subTest(first=first, hostile=code == HOSTILE):
                    test(self, inheriting(code), first)
    run.__doc__ = test.__doc__
    run.__name__ = test.__name__
    return run


@linux_only
class TableTest(Case):
    def test_complete(self):
        """The table has every signal of the system"""
        known = {signal.Signals(s).name for s in signal.valid_signals()
                 if s not in REAL_TIME}
        self.assertEqual(known, (TABLE.keys() | FIXED) & known)
        self.assertGreater(len(known), 30)
        self.assertGreater(len(REAL_TIME), 20)

    def check_masks(self, pid, phase, caught):
        blocked, ignored, handled = masks(pid, pid)
        self.assertEqual(blocked, numbers(phase, WAITS))
        self.assertEqual(handled, numbers(phase, *caught))
        untouched = {signal.Signals[name] for name in UNTOUCHED}
        self.assertEqual(ignored, numbers(phase, NOTHING, WAITS) - untouched)

    @unittest.skipIf(SANITIZED, "sanitizers and valgrind catch some as well")
    @with_silence
    @each_start
    def test_start_masks(self, wrapper, first):
        """While a name is looked up, signals are caught as the table says"""
        with Lookup(wrapper, first) as daemon:
            self.check_masks(daemon.pid, "start", {ENDS})

    @unittest.skipIf(SANITIZED, "sanitizers and valgrind catch some as well")
    def test_service_masks(self):
        """While clients are served, signals are caught as the table says"""
        for code in (OWN_GROUP, HOSTILE):
            for workers in (1, 2):
                with Daemon(workers=workers, wrapper=inheriting(code)) as it:
                    self.check_masks(it.pid, "service",
                                     {DRAINS, HANDS_OVER, COUNTS,
                                      RELOADS, REAPS})
                    others = {int(name) for name in
                              os.listdir(f"/proc/{it.pid}/task")} - {it.pid}
                    self.assertEqual(len(others), 0 if workers == 1 else 2)
                    for thread in others:
                        self.assertEqual(
                            masks(it.pid, thread)[0], signal.valid_signals()
                            - {signal.SIGKILL, signal.SIGSTOP})


# Its handlers wait for the end of the call that they interrupt.
@unittest.skipIf("thread" in SANITIZERS, "ThreadSanitizer defers signals")
@with_silence
class StartTest(Case):
    @each_start
    def test_ends(self, wrapper, first):
        """While a name is looked up, a request to end is obeyed at once"""
        for name, signo in rows("start", ENDS):
            with self.subTest(name), Lookup(wrapper, first) as daemon:
                daemon.send(signo)
                self.assertEqual(daemon.process.wait(PATIENCE), 0)
                self.assertEqual(daemon.process.stderr.read(), "")

    @each_start
    def test_nothing(self, wrapper, first):
        """While a name is looked up, no signal ends it by accident"""
        with Lookup(wrapper, first) as daemon:
            for name, signo in rows("start", NOTHING, WAITS):
                daemon.send(signo)
            self.assertIn(state(daemon.pid), "SRD")
            # The first one that ends it decides how it has ended.
            daemon.send(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(PATIENCE), 0)

    def test_first_crash(self):
        """As process 1, it is not ended by crash signals of others"""
        with Lookup((), True) as daemon:
            for name, signo in rows("start", CRASHES, STOPS):
                daemon.send(signo)
            self.assertIn(state(daemon.pid), "SRD")
            daemon.send(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(PATIENCE), 0)


@linux_only
class EarlyTest(Case):
    @root_only
    @with_mounts
    @needs("unshare")
    def test_pending(self):
        """A request to end that was pending at exec is obeyed, no other is"""
        # What is ignored is not kept, so here it is not.
        code = HOSTILE.replace("SIG_IGN", "SIG_DFL") + \
            "os.kill(os.getpid(), signal.NAME); "
        for first in (False, True):
            for name in ("SIGTERM", "SIGINT", "SIGQUIT"):
                pending = inheriting(code.replace("NAME", name))
                done = subprocess.run(
                    [*(AS_FIRST if first else ()), *pending, UPCASED,
                     "--config", "none", "--listen", "127.0.0.1:0",
                     *SANDBOX_OPTION],
                    stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                    text=True, timeout=PATIENCE)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGALRM", "SIGRTMAX"):
            pending = inheriting(code.replace("NAME", name))
            with Daemon(wrapper=pending) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                self.assertFalse([s for s in daemon.lines if "SIG" in s])


class ServiceTest(Case):
    def each(self, test):
        """Runs the function with each kind of daemon that there is."""
        for code in (OWN_GROUP, HOSTILE):
            for workers in (1, 2):
                how = {"workers": workers, "wrapper": inheriting(code)}
                with self.subTest(workers=workers, hostile=code == HOSTILE):
                    test(Daemon, how)
        if os.geteuid() == 0 and sys.platform == "linux":
            with self.subTest("as process 1"):
                test(First, {"workers": 2, "wrapper": inheriting(HOSTILE)})

    def check_notes(self, daemon, phase):
        for outcome, line in ((HANDS_OVER, "^going on with "),
                              (KEEPS, "no hand-over: upcased is about to end")):
            for name, signo in rows(phase, outcome):
                since = len(daemon.lines)
                daemon.send_signal(signo)
                daemon.wait_for_line(line, since)
        for name, signo in rows(phase, RELOADS):
            self.assertIn("reloaded: there is no configuration file",
                          daemon.reload())
        for name, signo in rows(phase, REFUSED):
            self.assertIn("warning: not reloaded: upcased is draining, and "
                          "ends after that", daemon.reload())
        for name, signo in rows(phase, COUNTS):
            since = len(daemon.lines)
            daemon.send_signal(signo)
            daemon.wait_for_line(r"\baccepted=", since)

    def test_nothing(self):
        """While clients are served, no signal ends or stops it by accident"""
        def check(kind, how):
            with kind(**how) as daemon:
                for name, signo in rows("service", NOTHING, REAPS):
                    daemon.send_signal(signo)
                    self.assertEqual(ask(daemon, LINE), upper(LINE), name)
                self.check_notes(daemon, "service")
        self.each(check)

    def test_drains(self):
        """While clients are served, a request to end starts a drain"""
        def check(kind, how):
            for name, signo in rows("service", DRAINS):
                with kind(**how) as daemon, daemon.connect() as client:
                    client.sendall(LINE)
                    self.assertEqual(client.recv(1024), upper(LINE))
                    daemon.send_signal(signo)
                    daemon.wait_for_line("^draining")
                    # It is still served.
                    client.sendall(LINE)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(client.recv(1024), upper(LINE), name)
                    self.assertEqual(client.recv(1024), b"", name)
                    self.assertEqual(daemon.wait(), 0)
        self.each(check)

    def test_drain(self):
        """In a drain, no signal ends it but a second request to end"""
        def check(kind, how):
            for name, signo in rows("drain", ENDS):
                with kind(args=["--drain-timeout", "0", "--stall-timeout",
                                "0"], **how) as daemon, \
                        daemon.connect() as stalled:
                    flood([stalled], LINE * 10_000, pause=0.2)
                    daemon.send_signal(signal.SIGTERM)
                    daemon.wait_for_line("^draining")
                    for _, other in rows("drain", NOTHING, REAPS):
                        daemon.send_signal(other)
                    self.check_notes(daemon, "drain")
                    daemon.send_signal(signo)
                    self.assertEqual(daemon.wait(), 0)
        self.each(check)

    @unittest.skipIf(SANITIZED, "sanitizers and valgrind report some of them")
    def test_crashes(self):
        """A crash remains one, also when its signal was ignored and blocked"""
        for name, signo in rows("service", CRASHES):
            with self.subTest(name), \
                    Daemon(wrapper=inheriting(HOSTILE)) as daemon:
                daemon.status_due = -signo
                daemon.send_signal(signo)
                self.assertEqual(daemon.wait(), -signo)

    @linux_only
    def test_stops(self):
        """A user may stop it on a terminal, and have it continue"""
        for name, signo in rows("service", STOPS):
            with Daemon(wrapper=inheriting(HOSTILE)) as daemon:
                daemon.send_signal(signo)
                wait_until(lambda: state(daemon.pid) == "T", "it is stopped")
                daemon.send_signal(signal.SIGCONT)
                self.assertEqual(ask(daemon, LINE), upper(LINE))


class TerminalTest(Case):
    @linux_only
    def test_background(self):
        """In the background of a terminal with tostop it serves and logs"""
        # A job of a session whose foreground is another.
        code = ("import os, signal, sys, termios; os.setsid(); "
                "fd = os.open(sys.argv[1], os.O_RDWR); "
                "mode = termios.tcgetattr(fd); mode[3] |= termios.TOSTOP; "
                "termios.tcsetattr(fd, termios.TCSANOW, mode); "
                "pid = os.fork(); "
                "pid == 0 and (os.setpgid(0, 0), os.dup2(fd, 2), "
                "os.execvp(sys.argv[2], sys.argv[2:])); "
                "signal.signal(signal.SIGTERM, "
                "lambda *_: os.kill(pid, signal.SIGTERM)); "
                "print(pid, flush=True); "
                "sys.exit(os.waitstatus_to_exitcode("
                "os.waitpid(pid, os.WUNTRACED)[1]))")
        master, slave = os.openpty()
        with open(master, "rb", buffering=0) as terminal:
            name = os.ttyname(slave)
            process = subprocess.Popen(
                [sys.executable, "-c", code, name, UPCASED, "--config",
                 "none", "--listen", "127.0.0.1:0", *SANDBOX_OPTION],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE)
            try:
                text = b""
                while not (found := re.search(rb"on 127.0.0.1:(\d+)\r", text)):
                    text += terminal.read(1024)
                with socket.create_connection(
                        ("127.0.0.1", int(found[1])), PATIENCE) as client:
                    client.sendall(LINE)
                    self.assertEqual(client.recv(1024), upper(LINE))
                # By then it passes a request to end on.
                process.stdout.readline()
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)
            finally:
                process.kill()
                process.communicate()
                os.close(slave)


if __name__ == "__main__":
    tap.main()
