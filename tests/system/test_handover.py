# SPDX-License-Identifier: ISC
"""A hand-over in place: the program is executed anew, and nobody notices."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import tap
from client import ask, receive
from crowd import LINE, Crowd, exchange
from daemon import LONG, PATIENCE, SANITIZED, Case, Daemon, each_backend, \
    needs, program, wait_until
from stream import upper

GOES_ON = r"^going on with (\d+) connections"
REFUSED = r"no hand-over: "


def hand_over(daemon):
    """Asks for a hand-over, and returns how many connections took part."""
    since = len(daemon.lines)
    daemon.send_signal(signal.SIGUSR2)
    found = daemon.wait_for_line(f"{GOES_ON}|{REFUSED}", since)
    if found.group(1) is None:
        raise AssertionError("the hand-over was refused")
    # The line that comes last of a start.
    daemon.wait_for_line("^listening on ", since)
    return int(found.group(1))


@contextlib.contextmanager
def installed(how):
    """A copy of the program, which a test may replace."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "upcased")
        shutil.copy2(program(how["backend"]), path)
        yield path


def replace(path, text):
    """Puts a program in the place of another, at once."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(f"{path}.new", 0o755)
    os.rename(f"{path}.new", path)


def daemon_of(path, how, args=()):
    """A daemon whose program is the file of that name."""
    daemon = Daemon(**how, args=args)
    daemon.command[0] = path
    return daemon


class HandoverTest(Case):
    @each_backend(workers=(1, 2))
    def test_unnoticed(self, how):
        """Clients that are busy, rest, sent half a character, or do not read
        notice none of several hand-overs"""
        with Daemon(**how) as daemon, \
                Crowd(daemon, rest=40, half=20) as crowd:
            for _ in range(20 if LONG else 5):
                self.assertEqual(hand_over(daemon), crowd.size)
                crowd.proceed()
            crowd.check(self)
            def balance():
                counters = daemon.counters()
                return counters["accepted"] == crowd.size and \
                    counters["ended"] == 4 and \
                    counters["open"] == crowd.size - 4
            wait_until(balance, "the counters go on")

    @each_backend(workers=(1, 2))
    def test_queue(self, how):
        """A client that waits to be accepted is not lost"""
        with Daemon(**how, args=["--max-connections", "1"]) as daemon:
            with daemon.connect() as first, daemon.connect() as second:
                self.assertTrue(exchange(first))
                second.sendall(LINE)
                hand_over(daemon)
                self.assertTrue(exchange(first))
                first.close()
                self.assertEqual(receive(second, len(upper(LINE))),
                                 upper(LINE))

    @each_backend(workers=(1, 2))
    def test_settings(self, how):
        """The next process has the settings of the file as it is then"""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            path = os.path.join(folder, "upcased.conf")
            def write(text):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            write("workers = 1\n")
            with Daemon(backend=how["backend"],
                        args=["--config", path]) as daemon, \
                    daemon.connect() as client:
                self.assertTrue(exchange(client))
                write("workers = 3\n")
                since = len(daemon.lines)
                hand_over(daemon)
                daemon.wait_for_line("3 workers", since)
                self.assertTrue(exchange(client))
                # The address was on the command line, and is still served.
                self.assertEqual(ask(daemon, LINE), upper(LINE))

    @each_backend(workers=(1, 2))
    def test_refused(self, how):
        """A new program that does not start, is not there, or has a broken
        file ends nothing"""
        with installed(how) as path, tempfile.NamedTemporaryFile("w") as file:
            os.chmod(file.name, 0o644)
            with daemon_of(path, how, ["--config", file.name]) as daemon, \
                    daemon.connect() as client, daemon.connect() as other:
                self.assertTrue(exchange(client) and exchange(other))
                def refuse(why):
                    since = len(daemon.lines)
                    daemon.send_signal(signal.SIGUSR2)
                    daemon.wait_for_line(REFUSED + ".*" + why, since)
                    self.assertTrue(exchange(client) and exchange(other))
                def write(text):
                    file.seek(0)
                    file.truncate()
                    file.write(text)
                    file.flush()
                with open(path, "rb") as good:
                    copy = good.read()
                replace(path, "#!/bin/sh\nexit 3\n")
                refuse("ended with status 3")
                replace(path, "#!/bin/sh\nkill -SEGV $$\n")
                refuse("ended by signal 11")
                replace(path, "no program\n")
                os.chmod(path, 0o644)
                refuse("cannot execute")
                os.unlink(path)
                refuse("cannot execute")
                with open(path, "wb") as good:
                    good.write(copy)
                os.chmod(path, 0o755)
                write("wrokers = 2\n")
                refuse("ended with status 78")
                write("max-connections = 1\n")
                refuse("ended with status 71")
                daemon.wait_for_line("max-connections")
                write(f"memory-limit = {how['workers'] * 64}K\n")
                refuse("ended with status 71")
                daemon.wait_for_line("memory-limit is lower")
                write("")
                hand_over(daemon)
                self.assertTrue(exchange(client) and exchange(other))

    @each_backend(workers=(1, 2))
    @unittest.skipIf(SANITIZED, "sanitizers and valgrind need more memory")
    @needs("prlimit")
    def test_limits(self, how):
        """A new program that has not enough memory or descriptors, and limits
        that were lowered for the old one, end nothing"""
        with installed(how) as path, contextlib.ExitStack() as stack:
            real = os.path.join(os.path.dirname(path), "real")
            shutil.copy2(path, real)
            daemon = stack.enter_context(daemon_of(path, how))
            clients = [stack.enter_context(daemon.connect())
                       for _ in range(30)]
            def check():
                for client in clients:
                    self.assertTrue(exchange(client))
            def refuse(why):
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line(REFUSED, since)
                said = "\n".join(daemon.lines[since:])
                self.assertRegex(said, why)
                check()
            # Only the same account may do that.
            status = os.stat(f"/proc/{daemon.pid}/task")
            identity = {"user": status.st_uid, "group": status.st_gid,
                        "extra_groups": []} if os.geteuid() == 0 else {}
            def limit(name, soft):
                # Not the hard limit, so that it can be raised again.
                command = ["prlimit", f"--pid={daemon.pid}", f"--{name}"]
                shown = subprocess.run(
                    [*command, "--raw", "--noheadings", "--output=SOFT"],
                    check=True, stdout=subprocess.PIPE, text=True, **identity)
                command[-1] += f"={soft}:"
                subprocess.run(command, check=True, **identity)
                return shown.stdout.strip()
            check()
            for limits, why in (
                    ("-v 60000", "(?s)memory.*ended with status 71"),
                    ("-n 30", "(?s)descriptors.*ended with status 71"),
                    ("-n 2", "rehearsal ended with status")):
                replace(path, f'#!/bin/sh\nulimit {limits} && '
                        f'exec {real} "$@"\n')
                refuse(why)
            os.replace(real, path)
            # As many as it has; with less, poll(2) would wait for none.
            before = limit("nofile", len(daemon.fds()))
            refuse("cannot prepare a rehearsal; .*: (Too many open files|"
                   "No file descriptors)")
            limit("nofile", before)
            before = limit("as", 1 << 20)
            refuse("memory")
            limit("as", before)
            self.assertEqual(hand_over(daemon), 30)
            check()

    @each_backend(workers=(2,))
    def test_undone(self, how):
        """A program that is gone after its rehearsal ends nothing"""
        # In the sandbox it could not remove itself.
        args = ["--sandbox", "off"]
        with installed(how) as path:
            with daemon_of(path, how, args) as daemon, \
                    daemon.connect() as client, daemon.connect() as half:
                self.assertTrue(exchange(client))
                half.sendall("ß".encode()[:1])
                replace(path, '#!/bin/sh\nrm "$0"\nexit 0\n')
                # Not whether it may, which the folder says, but who it is.
                os.chmod(os.path.dirname(path), 0o777)
                wait_until(lambda: daemon.counters()["received"] == 9,
                           "half a character is held")
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line(REFUSED + "cannot execute", since)
                self.assertTrue(exchange(client))
                half.sendall("ß".encode()[1:])
                self.assertEqual(receive(half, 2), b"SS")
                self.assertEqual(ask(daemon, LINE), upper(LINE))

    @each_backend(workers=(2,))
    def test_late(self, how):
        """A rehearsal that hangs is ended, and a second request is refused"""
        with installed(how) as path:
            with daemon_of(path, how) as daemon, daemon.connect() as client:
                self.assertTrue(exchange(client))
                replace(path, "#!/bin/sh\nexec sleep 600\n")
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                def is_rehearsed():
                    daemon.send_signal(signal.SIGUSR2)
                    return any("one is being rehearsed already" in line
                               for line in daemon.lines[since:])
                wait_until(is_rehearsed, "a second one is refused")
                self.assertTrue(exchange(client))
                daemon.wait_for_line("took longer than 10 s", since,
                                     patience=10 + PATIENCE)
                self.assertTrue(exchange(client))

    @each_backend(workers=(1, 2))
    def test_not_understood(self, how):
        """What the next process does not understand is reset, and it serves
        the same addresses on"""
        # Stands for a program that the last process did not rehearse.
        script = f"""#!{sys.executable}
import os, sys
text = os.environ["UPCASED_HANDOVER"]
if text.startswith("serve:"):
    _, file, passage = text.split(":")
    size = os.fstat(int(file)).st_size
    data = bytearray(os.pread(int(file), size, 0))
    WHAT
    other = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(other, data)
    import fcntl
    fcntl.fcntl(other, 1033, 15)
    os.dup2(other, int(file))
os.execv("REAL", sys.argv)
"""
        cases = {
            "data[12:16] = bytes([99, 0, 0, 0])": "does not understand",
            "data[32:36] = bytes([255] * 4)": "damaged",
            "data = data[:40]": "damaged",
            "data[:4] = b'what'": "no inventory",
            "os.close(int(passage))": "cannot receive their sockets",
        }
        for what, why in cases.items():
            with self.subTest(what), installed(how) as path:
                real = os.path.join(os.path.dirname(path), "real")
                shutil.copy2(path, real)
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    port = probe.getsockname()[1]
                how_at = {**how, "listen": [f"127.0.0.1:{port}"]}
                with daemon_of(path, how_at) as daemon, \
                        daemon.connect() as client:
                    self.assertTrue(exchange(client))
                    replace(path, script.replace("WHAT", what)
                            .replace("REAL", real))
                    since = len(daemon.lines)
                    daemon.send_signal(signal.SIGUSR2)
                    daemon.wait_for_line("are lost: .*" + why, since)
                    daemon.wait_for_line("^listening", since)
                    with self.assertRaises(ConnectionError):
                        if not client.recv(1):
                            raise ConnectionResetError
                    self.assertEqual(ask(daemon, LINE), upper(LINE))

    @each_backend(workers=(1, 2))
    def test_signals(self, how):
        """Signals that come in between wait, and a drain is not handed over"""
        for _ in range(10 if LONG else 3):
            with Daemon(**how) as daemon, daemon.connect() as client:
                self.assertTrue(exchange(client))
                daemon.send_signal(signal.SIGUSR2)
                for _ in range(50):
                    daemon.send_signal(signal.SIGUSR1)
                    daemon.send_signal(signal.SIGHUP)
                daemon.send_signal(signal.SIGTERM)
                daemon.wait_for_line("^draining")
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line(REFUSED + "upcased is about to end")
                self.assertTrue(exchange(client))
                client.close()
                self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1,))
    def test_relative(self, how):
        """Names that were relative at the start are found again"""
        with installed(how) as path, tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            shutil.copy2(path, os.path.join(folder, "upcased"))
            with open(os.path.join(folder, "c"), "w") as file:
                file.write("invalid = replace\n")
            daemon = Daemon(**how, args=["--config", "c"],
                            wrapper=["env", "-C", folder])
            daemon.command[3] = "./upcased"
            with daemon, daemon.connect() as client:
                for _ in range(3):
                    hand_over(daemon)
                    client.sendall(b"a\xffb")
                    self.assertEqual(receive(client, 5), "A\ufffdB".encode())
                with open(f"/proc/{daemon.pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                # However often that was.
                self.assertEqual(
                    words.count(os.path.join(folder, "c").encode()), 1)


if __name__ == "__main__":
    tap.main()
