# SPDX-License-Identifier: ISC
"""Starts the real daemon for a test, watches it, and ends it.

The environment, set by make, names the programs:
  UPCASED         the daemon
  UPCASED_KQUEUE  the daemon with the stand-in for kqueue; may be missing
  SHIM            the library of short reads and writes; may be missing
  FAILING_MALLOC  the library of calls for memory that fail; may be missing
  SANITIZERS      "no", or what the programs were built with
  UPCASED_SANDBOX the sandbox of daemons that are given none; may be missing
  UPCASED_LONG    1 for the extent of the tests that take longer
"""

import datetime
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

UPCASED = os.environ.get("UPCASED") or sys.exit("UPCASED must name the daemon")
UPCASED_KQUEUE = os.environ.get("UPCASED_KQUEUE")
SHIM = os.environ.get("SHIM")
FAILING_MALLOC = os.environ.get("FAILING_MALLOC")
SANITIZERS = os.environ.get("SANITIZERS", "no")
SANITIZED = SANITIZERS != "no"
LONG = os.environ.get("UPCASED_LONG") == "1"

# Programs that count their lines write the counts at their end, with calls and
# descriptors of their own, and with a complaint when they get none.
COUNTED = "GCOV_PREFIX" in os.environ

# In a sandbox no counts can be written, and a sanitizer cannot stop its threads
# to look for leaks.  The tests of the sandbox ask for one all the same.
SANDBOX = os.environ.get("UPCASED_SANDBOX") or (
    "off" if COUNTED or SANITIZED else None)
# For those that are started by hand.
SANDBOX_OPTION = ["--sandbox", SANDBOX] if SANDBOX else []

# How many times as long a bound has to be under sanitizers or valgrind.
SLOWNESS = 3 if SANITIZED else 1

# Seconds after which something that should be there at once is missing: no
# machine is so busy.
PATIENCE = 60 * SLOWNESS

# How much later than due something may come on a busy machine, in seconds.
LATE = 30 * SLOWNESS

# What a line of the log begins with in a file or a pipe: time and process.
STAMP = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[\d+\] ", re.M)

# How a reload ends.
RELOADED = re.compile(r"^(?:upcased: |warning: )?(?:not )?reloaded: ")

SANITIZER_REPORT = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:")


def unstamped(text):
    """Lines of the log without the time and the process."""
    return STAMP.sub("", text)


def _backends():
    version = subprocess.run([UPCASED, "--version"], stdout=subprocess.PIPE,
                             timeout=PATIENCE, check=True, text=True).stdout
    names = re.search(r"^back ends: (.*)$", version, re.M).group(1).split()
    # The stand-in finds out which descriptors are closed by asking for them;
    # ThreadSanitizer takes that for a race with the thread that closes them.
    if UPCASED_KQUEUE and "kqueue" not in names and "thread" not in SANITIZERS:
        names.append("kqueue")
    return names


BACKENDS = _backends()


def program(backend):
    """The daemon that has the back end."""
    if backend == "kqueue" and UPCASED_KQUEUE:
        return UPCASED_KQUEUE
    return UPCASED


def each_backend(workers=(1,), **others):
    """Makes a test run once for each back end and number of workers.

    The test gets these as a dictionary of arguments for Daemon.  The lists of
    others are varied in the same way, and are arguments of the test.
    """
    def mark(test):
        variants = [({"backend": name, "workers": n}, {})
                    for name in BACKENDS for n in workers]
        for key, values in others.items():
            variants = [(how, {**more, key: value}) for how, more in variants
                        for value in values]
        test.variants = variants
        return test
    return mark


def _describe(how, more, several):
    words = [how["backend"]]
    if several:
        words.append("1 worker" if how["workers"] == 1
                     else f"{how['workers']} workers")
    words += [f"{key} {value}" for key, value in more.items()]
    return ", ".join(words)


class Case(unittest.TestCase):
    """A test case whose tests may be marked with each_backend."""

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, test in list(vars(cls).items()):
            variants = getattr(test, "variants", None)
            if variants is None:
                continue
            delattr(cls, name)
            several = len({how["workers"] for how, _ in variants}) > 1
            for i, (how, more) in enumerate(variants):
                cls._add(f"{name}_{i}", test, how, more,
                         _describe(how, more, several))

    @classmethod
    def _add(cls, name, test, how, more, variant):
        def run(self):
            test(self, how, **more)
        functools.update_wrapper(run, test)
        run.__name__ = name
        sentence = test.__doc__ or test.__name__.removeprefix("test_")
        sentence = " ".join(sentence.split())
        run.__doc__ = f"{sentence} ({variant})"
        setattr(cls, name, run)


def wait_until(condition, what, patience=PATIENCE):
    """Waits until the condition holds, and returns what it returned."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.01)


class Daemon:
    """One daemon, as a context manager.

    Leaving the context ends the daemon.  The test fails when the daemon ended
    without having been asked, does not end, ends with another status than 0,
    or when a sanitizer wrote a report.
    """

    def __init__(self, backend=None, workers=None, args=(),
                 listen=("127.0.0.1:0",), nofile=None, preload=None, env=None,
                 wrapper=(), pass_fds=(), config="none"):
        # The file of this machine is no matter of the tests.
        self.command = [program(backend), "--config", config]
        for address in listen:
            self.command += ["--listen", address]
        if backend:
            self.command += ["--backend", backend]
        if workers:
            self.command += ["--workers", str(workers)]
        if "--sandbox" not in args:
            self.command += SANDBOX_OPTION
        self.command += list(args)
        if nofile:
            self.command = ["sh", "-c", 'ulimit -n "$0" && exec "$@"',
                            str(nofile)] + self.command
        self.command = list(wrapper) + self.command
        self.environment = {**os.environ, **(env or {})}
        if preload:
            self.environment["LD_PRELOAD"] = preload
            # The sanitizer wants to come first, but bears not to.
            self.environment["ASAN_OPTIONS"] = ":".join(filter(None, (
                os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        self.pass_fds = pass_fds
        # Those of a configuration file are not known here.
        self.nlisteners = len(listen) or 1
        self.lines = []
        self.log = []
        self.news = threading.Condition()
        self.at_end = False
        self.asked_to_end = False
        self.status_due = 0

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=self.environment,
            pass_fds=self.pass_fds)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self._learn_addresses()
        except BaseException as error:
            self.process.kill()
            self._clean_up()
            self._show(error)
            raise
        return self

    def _learn_addresses(self):
        pattern = re.compile(r"^listening on \[?([^\]]*)\]?:(\d+)(?: for PROXY)?$")
        def found():
            matches = [pattern.match(line) for line in self.lines]
            return [(m.group(1), int(m.group(2))) for m in matches if m]
        with self.news:
            self.news.wait_for(
                lambda: self.at_end or len(found()) >= self.nlisteners,
                PATIENCE)
        self.addresses = found()
        if len(self.addresses) < self.nlisteners:
            raise AssertionError("the daemon does not listen")
        self.address = self.addresses[0]
        self.port = self.address[1]

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self.log.append(text)
                self.lines.append(unstamped(text))
                self.news.notify_all()
        with self.news:
            self.at_end = True
            self.news.notify_all()

    def _clean_up(self):
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def _show(self, error):
        """Lets an error that fails the test tell the end of the log."""
        if hasattr(error, "add_note"):  # from Python 3.11 on
            error.add_note("\n".join(self.log[-40:]))
            error.add_note("ended by the test at {:%H:%M:%S}Z".format(
                datetime.datetime.utcnow()))

    def __exit__(self, kind, value, traceback):
        problems = self._end()
        self._clean_up()
        problems += filter(SANITIZER_REPORT.search, self.lines)
        if kind:
            self._show(value)
        elif problems:
            error = AssertionError(f"the daemon {problems[0]}")
            self._show(error)
            raise error

    def _end(self):
        status = self.process.poll()
        if status is not None and not self.asked_to_end:
            return [f"ended by itself with status {status}"]
        for patience in (0.5, PATIENCE):
            if status is None:
                self.send_signal(signal.SIGTERM)
                self._wait_for_drain()
                status = self._wait(patience)
        if status is None:
            self.process.kill()
            return ["did not end after two SIGTERM"]
        if status != self.status_due:
            return [f"ended with status {status}"]
        return []

    def _wait_for_drain(self):
        """Waits until a request to end was taken.

        A second one that came before would be one with the first.
        """
        with self.news:
            self.news.wait_for(self._drains, PATIENCE)

    def _drains(self):
        return self.at_end or any(s.startswith("draining") for s in self.lines)

    def _loses_signals(self):
        """Whether a signal may be sent that never reaches a handler.

        ThreadSanitizer has handlers of its own, which put off what comes
        outside of a call that waits, and about one in a thousand is lost
        there: the daemon rests, with no signal pending and none counted.
        """
        return "thread" in SANITIZERS

    def _wait(self, patience):
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, signo):
        self.process.send_signal(signo)

    def stop(self, signo=signal.SIGTERM):
        """Asks the daemon to end and returns its status."""
        self.send_signal(signo)
        return self.wait()

    def kill(self):
        """Ends the daemon at once, as a crash would."""
        self.status_due = -signal.SIGKILL
        self.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self, patience=PATIENCE):
        """Waits for the end that the test has asked for."""
        self.asked_to_end = True
        status = self._wait(patience)
        if status is None and self._loses_signals() and not self._drains():
            self.send_signal(signal.SIGTERM)
            status = self._wait(patience)
        if status is None:
            raise AssertionError(f"the daemon still runs after {patience} s")
        return status

    def watch(self, seconds):
        """Lets time pass, in which the daemon must not end."""
        status = self._wait(seconds)
        if status is not None:
            raise AssertionError(f"the daemon ended with status {status}")

    def wait_for_line(self, pattern, since=0, patience=PATIENCE):
        """Waits for a line of the log, from the given number on."""
        def search():
            matches = (re.search(pattern, s) for s in self.lines[since:])
            return next(filter(None, matches), None)
        with self.news:
            match = self.news.wait_for(search, patience)
        if not match:
            raise AssertionError(f"no line with {pattern!r}")
        return match

    def counters(self):
        """Asks for the counters and returns them by name."""
        since = len(self.lines)
        self.send_signal(signal.SIGUSR1)
        try:
            match = self.wait_for_line(r".*\baccepted\b.*", since)
        except AssertionError:
            if not self._loses_signals():
                raise
            self.send_signal(signal.SIGUSR1)
            match = self.wait_for_line(r".*\baccepted\b.*", since)
        line = match.group(0)
        found = re.findall(r"([a-z][a-z-]*)[ =:]+(\d+)", line)
        return {name: int(value) for name, value in found}

    def reload(self):
        """Asks for a reload, waits for its end, and returns its lines.

        The last of them says how it ended.
        """
        def ends():
            return [n for n, line in enumerate(self.lines)
                    if n >= since and RELOADED.match(line)]
        since = len(self.lines)
        self.send_signal(signal.SIGHUP)
        with self.news:
            found = self.news.wait_for(ends, PATIENCE)
            if not found and self._loses_signals():
                self.send_signal(signal.SIGHUP)
                found = self.news.wait_for(ends, PATIENCE)
        if not found:
            raise AssertionError("the reload does not end")
        return self.lines[since:found[0] + 1]

    def cpu_time(self):
        """Seconds of processor time used so far, by all threads."""
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            # Its first number is exact, and in nanoseconds.
            with open(f"/proc/{self.pid}/task/{thread}/schedstat") as stat:
                total += int(stat.read().split()[0])
        return total / 1e9

    def rss(self):
        """Bytes of memory in use."""
        return min(self._read_rss() for _ in range(3))

    def _read_rss(self):
        # While the kernel moves pages from one of its counts to another, their
        # sum has been seen 4 GiB too large.
        with open(f"/proc/{self.pid}/status") as status:
            text = status.read()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024

    def fds(self):
        """What each open descriptor is, by number."""
        folder = f"/proc/{self.pid}/fd"
        found = {}
        for name in os.listdir(folder):
            try:
                found[int(name)] = os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                pass
        return found

    def connect(self, address=None, receive_buffer=None, timeout=PATIENCE):
        """A connection; a receive buffer is set before, so that it counts."""
        host, port = address or self.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        client = socket.socket(family, socket.SOCK_STREAM)
        try:
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                  receive_buffer)
            client.settimeout(timeout)
            client.connect((host, port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            client.close()
            raise
        return client


def listening_port(pid):
    """The port that the process listens on, or None."""
    folder = f"/proc/{pid}/fd"
    sockets = set()
    for name in os.listdir(folder):
        try:
            sockets.add(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    with open("/proc/net/tcp") as table:
        for row in table.readlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
    return None


linux_only = unittest.skipUnless(
    os.path.exists("/proc/self/stat"), "needs the /proc of Linux")
root_only = unittest.skipUnless(os.geteuid() == 0, "needs root")
not_counted = unittest.skipIf(
    COUNTED, "the counts of lines are written by calls of their own")
with_shim = unittest.skipUnless(
    SHIM, "needs the library of short reads and writes")


def can_mount():
    """Whether a program can have file systems of its own."""
    try:
        return subprocess.run(["unshare", "-m", "true"], timeout=PATIENCE,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


with_mounts = unittest.skipUnless(
    can_mount(), "needs mount name spaces, and the right to them")


def needs(*programs):
    """Skips a test when a program is missing."""
    missing = [name for name in programs if shutil.which(name) is None]
    return unittest.skipIf(missing, f"needs {' and '.join(missing)}")
