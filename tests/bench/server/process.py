# SPDX-License-Identifier: ISC
"""A server that runs: started, proven right, watched and ended."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import threading
import time

import whole

# Seconds for a server to come up, to answer, and to end.
PATIENCE = 20

# Seconds that a server has to end when it is asked to.
GRACE = 5

LIBC = ctypes.CDLL(None)

# What a server is asked before it is timed, in pieces of some sizes.
PROOFS = (b"I am hungry!\n", b"The quick brown fox jumps over a dog. " * 1700)


# What upcased begins a line of its log with: the time and its process.
STAMP = re.compile(r"^[-0-9T:.]+Z \[\d+\] ")


class Failure(Exception):
    """What is wrong with a server, in a sentence."""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def children(pid):
    """The processes that a process has started and that still run."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    return found


def family(pid):
    """The process and all that descend from it."""
    found = [pid]
    for child in children(pid):
        found += family(child)
    return found


def alive(pid):
    """Whether the process runs; one that nobody waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processor_time(pid):
    """Seconds of the processor that all threads have had, with those ended."""
    clock = ctypes.c_int()
    error = LIBC.clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def waited_time(pid):
    """The same for the children it has waited for, rounded to ticks."""
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return sum(map(int, words[13:15])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A context manager; the server has been ended when it is left."""

    def __init__(self, peer, folder, core=None, wrapper=()):
        self.peer = peer
        self.port = free_port()
        self.lines = []
        names = {"port": self.port, "user": os.getuid(),
                 "config": os.path.join(folder, f"{peer.base}.conf")}
        if peer.config:
            with whole.written(names["config"], "w",
                               encoding="utf-8") as file:
                file.write(peer.config.format(**names))
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        self.command = [*pinned, *wrapper,
                        *(word.format(**names) for word in peer.command)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self.news = threading.Condition()
        self.at_end = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *error):
        self.end()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                text = line.decode("utf-8", "replace").rstrip()
                self.lines.append(STAMP.sub("", text))
                # A server that talks on and on is not remembered in full.
                del self.lines[100:-100]
                self.news.notify_all()
        with self.news:
            self.at_end = True
            self.news.notify_all()

    def _wait_until_ready(self):
        ready = self.peer.ready
        with self.news:
            if ready and not self.news.wait_for(
                    lambda: self.at_end or self._line(ready), PATIENCE):
                raise Failure(f"was not ready after {PATIENCE} s")
            if ready and not self._line(ready):
                raise Failure(f"did not start: {' '.join(self.lines[-1:])}")
        if ready == "ready ":
            self.peer.version = self._line(ready).removeprefix(ready)
        if not ready:
            self._wait_for_port()

    def _line(self, start):
        return next((s for s in self.lines if s.startswith(start)), None)

    def _wait_for_port(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(ConnectionRefusedError):
                self.connect().close()
                return
            time.sleep(0.01)
        raise Failure("does not listen")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def check(self):
        """Fails if the server has ended by itself."""
        status = self.process.poll()
        if status is not None:
            last = " ".join(self.lines[-1:])
            raise Failure(f"ended by itself with status {status} {last}")

    def prove(self):
        """Fails unless the server answers what it has to."""
        for proof in PROOFS:
            upper = self.peer.answer == "upper"
            self._ask(proof, proof.upper() if upper else proof)
        self.check()

    def _ask(self, question, want):
        try:
            with self.connect() as client:
                client.sendall(question)
                got = self._receive(client, len(want))
                client.shutdown(socket.SHUT_WR)
                got += client.recv(100)
        except OSError as error:
            self.check()
            raise Failure(f"does not answer: {error}") from error
        if got != want:
            raise Failure(f"answers wrongly: {got[:40]!r}... of {len(got)} "
                          f"bytes for {want[:40]!r}... of {len(want)} bytes")

    @staticmethod
    def _receive(client, size):
        got = b""
        while len(got) < size and (more := client.recv(size - len(got))):
            got += more
        return got

    def cpu_time(self):
        """Seconds of the processor for all its threads and processes."""
        if not self.peer.forks:
            try:
                return processor_time(self.pid)
            except OSError:
                self.check()
                raise
        total = 0
        for pid in family(self.pid):
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                total += processor_time(pid) + waited_time(pid)
        return total

    def memory(self):
        """Bytes of memory; a page that several share counts in part."""
        total = 0
        for pid in family(self.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    found = re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)
                total += int(found.group(1)) * 1024
        return total

    def end(self):
        """Ends the processes that were started, and waits for that."""
        pids = family(self.pid) if self.process.poll() is None else []
        for signo, patience in ((signal.SIGTERM, GRACE),
                                (signal.SIGKILL, PATIENCE)):
            for pid in filter(alive, pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signo)
            deadline = time.monotonic() + patience
            while any(map(alive, pids)) and time.monotonic() < deadline:
                time.sleep(0.005)
        self.process.wait(PATIENCE)
        self.reader.join(GRACE)
        # One that has escaped holds the other end of the pipe.
        if not self.reader.is_alive():
            self.process.stdout.close()
