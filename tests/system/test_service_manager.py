#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a service manager is told, and the sockets that it passes in."""

import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

import tap
from client import ask, receive
from daemon import (PATIENCE, UPCASED, Case, Daemon, each_backend, linux_only,
                    not_counted, unstamped)
from injection import injecting, with_strace
from service_manager import Manager, passing
from stream import receive_all, upper

LINE = "ein Stück\n".encode()

USAGE = 64

WORKERS = (1, 2)

# ptrace(2)
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


class NotifyTest(Case):
    @each_backend(workers=WORKERS, abstract=(False, True))
    def test_ready(self, how, abstract):
        """It is ready once it serves, and says so once"""
        if abstract and not sys.platform.startswith("linux"):
            self.skipTest("abstract names are those of Linux")
        with Manager(abstract) as manager, manager.daemon(
                **how, listen=["127.0.0.1:0", "127.0.0.1:0"]) as daemon:
            fields = manager.receive()
            self.assertEqual(fields["READY"], "1")
            self.assertRegex(fields["STATUS"], r"^serving 0 connections; ")
            for address in daemon.addresses:
                with daemon.connect(address) as client:
                    client.sendall(LINE)
                    self.assertEqual(receive(client, len(upper(LINE))),
                                     upper(LINE))
            daemon.counters()
            self.assertEqual(manager.waiting(), [])

    def test_not_ready(self):
        """One that cannot start is never ready"""
        with Manager() as manager, socket.create_server(
                ("127.0.0.1", 0)) as taken:
            address = "%s:%d" % taken.getsockname()
            done = subprocess.run(
                [UPCASED, "--listen", address], stderr=subprocess.PIPE,
                env={**os.environ, "NOTIFY_SOCKET": manager.name},
                timeout=PATIENCE)
            self.assertEqual(done.returncode, 69, done.stderr)
            self.assertEqual(manager.waiting(), [])

    @each_backend(workers=WORKERS)
    def test_drain(self, how):
        """A drain is told when it begins, and asks for patience"""
        with Manager() as manager, manager.daemon(**how) as daemon:
            with daemon.connect() as client:
                client.sendall(LINE)
                self.assertEqual(receive(client, len(upper(LINE))),
                                 upper(LINE))
                daemon.send_signal(signal.SIGTERM)
                fields = manager.wait_for("STOPPING")
                self.assertEqual(fields["STOPPING"], "1")
                self.assertEqual(fields["EXTEND_TIMEOUT_USEC"], "30000000")
                self.assertRegex(fields["STATUS"],
                                 r"^draining 1 connection; accepted 1, ")
                self.assertEqual(receive_all(client), b"")
            daemon.wait()
            self.assertEqual(manager.waiting(), [])

    @each_backend(workers=WORKERS)
    def test_full(self, how):
        """It serves while its messages are not read, and tells its state when
        they are"""
        with Manager() as manager, socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            other.connect(manager.name)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.send(b"OTHER=1\n")
            with manager.daemon(**how) as daemon:
                daemon.wait_for_line("^warning: cannot tell the service man")
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                manager.wait_for("READY")
                # It has said so once.
                self.assertEqual(
                    sum("cannot tell" in line for line in daemon.lines), 1)

    def test_gone(self):
        """It serves where nobody takes its messages"""
        with Manager() as manager:
            name = manager.name
            with self.subTest("there is none"), Daemon(env={
                    "NOTIFY_SOCKET": f"{name}.not"}) as daemon:
                daemon.wait_for_line(r"^warning: NOTIFY_SOCKET: .*notify\.not")
                self.assertEqual(ask(daemon, LINE), upper(LINE))
            with self.subTest("it ends"), manager.daemon() as daemon:
                manager.wait_for("READY")
                manager.socket.close()
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()

    @linux_only
    @not_counted
    @with_strace
    def test_failing_calls(self):
        """It serves when a call fails by which it would tell its state, and
        says so once"""
        for call, error in (("socket", "EMFILE"), ("connect", "EACCES"),
                            ("sendmsg", "EPERM"), ("sendmsg", "ENOBUFS")):
            with self.subTest(call), Manager() as manager, \
                    tempfile.NamedTemporaryFile() as trace, manager.daemon(
                        wrapper=injecting(trace.name, call, error, "1")
                    ) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.wait_for_line("^warning: .*NOTIFY_SOCKET")
                if error == "ENOBUFS":
                    manager.wait_for("READY")
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()
                self.assertEqual(
                    sum("NOTIFY_SOCKET" in line for line in daemon.lines), 1)

    @linux_only
    @each_backend(workers=WORKERS)
    def test_quiet(self, how):
        """Probes that connect and go leave no line in the log"""
        with Daemon(**how) as daemon:
            daemon.counters()
            since = len(daemon.lines)
            for linger in (None, struct.pack("ii", 1, 0)) * 10:
                with daemon.connect() as client:
                    if linger:
                        client.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, linger)
            while daemon.counters()["accepted"] < 20:
                pass
            others = [line for line in daemon.lines[since:]
                      if not line.startswith(("open=", "worker="))]
            self.assertEqual(others, [])


@contextlib.contextmanager
def stopped_thread(thread):
    """Stops one thread of another process, which no signal can."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        arguments = (ctypes.c_long(request), ctypes.c_long(thread),
                     ctypes.c_void_p(), ctypes.c_void_p())
        if libc.ptrace(*arguments) == -1:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(SEIZE)
    ptrace(INTERRUPT)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        ptrace(DETACH)


class WatchdogTest(Case):
    ENV = {"WATCHDOG_USEC": "300000"}

    @each_backend(workers=WORKERS)
    def test_fed(self, how):
        """The watchdog is fed again and again while nothing hangs"""
        with Manager() as manager, manager.daemon(
                **how, env=self.ENV) as daemon:
            for _ in range(5):
                self.assertEqual(manager.wait_for("WATCHDOG")["WATCHDOG"],
                                 "1")
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @linux_only
    @each_backend(workers=(2, 3))
    def test_hangs(self, how):
        """It is not fed while one worker hangs, though all else turns"""
        with Manager() as manager, manager.daemon(
                **how, env=self.ENV) as daemon:
            manager.wait_for("WATCHDOG")
            threads = os.listdir(f"/proc/{daemon.pid}/task")
            threads.remove(str(daemon.pid))
            # A sanitizer may have one of its own, which it starts first.
            self.assertGreaterEqual(len(threads), how["workers"])
            try:
                stopped = stopped_thread(int(threads[-1]))
                stopped.__enter__()
            except PermissionError:
                self.skipTest("needs the right to trace")
            try:
                said = "^warning: 1 worker has not turned for 100 ms"
                daemon.wait_for_line(said)
                manager.waiting()
                for _ in range(4):
                    daemon.wait_for_line(said, since=len(daemon.lines))
                fed = [m for m in manager.waiting() if "WATCHDOG" in m]
            finally:
                stopped.__exit__(None, None, None)
            self.assertEqual(fed, [])
            manager.wait_for("WATCHDOG")

    def test_of_another(self):
        """A watchdog that is not ours is not fed, nor one that is no number"""
        for env, warned in (
                ({**self.ENV, "WATCHDOG_PID": "1"}, False),
                ({"WATCHDOG_USEC": "soon"}, True)):
            with Manager() as manager, manager.daemon(
                    env=env, args=["--drain-timeout", "1s"]) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()
                told = [set(m) - {"STATUS"} for m in manager.waiting()]
                self.assertEqual(
                    told, [{"READY"}, {"STOPPING", "EXTEND_TIMEOUT_USEC"}])
                warning = [line for line in daemon.lines
                           if "WATCHDOG_USEC: 'soon'" in line]
                self.assertEqual(len(warning), int(warned))


def listening(host="127.0.0.1", **how):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, **how)


def spell(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ActivationTest(Case):
    def served(self, sockets, **arguments):
        """A daemon that serves the sockets, and what else it has to."""
        served = arguments.pop("served", len(sockets))
        daemon = Daemon(**{"listen": (), **arguments, **passing(*sockets)})
        daemon.nlisteners = served
        return daemon

    def check(self, daemon, one):
        with daemon.connect(one.getsockname()[:2]) as client:
            client.sendall(LINE)
            self.assertEqual(receive(client, len(upper(LINE))), upper(LINE))

    @each_backend(workers=WORKERS)
    def test_served(self, how):
        """What is passed in is served, and then no default address"""
        with listening() as one, listening() as two, self.served(
                [one, two], **how,
                env={"LISTEN_FDNAMES": "first:se\ncond"}) as daemon:
            for one_of in one, two:
                self.check(daemon, one_of)
            text = "\n".join(daemon.lines)
            self.assertIn(f"{spell(one.getsockname())} is passed in as "
                          "descriptor 3 (first)", text)
            # Nothing in a name can forge a line.
            self.assertRegex(text, r"descriptor 4 \(se\\x0acond\)")
            self.assertEqual(
                sum("listening on" in line for line in daemon.lines), 2)
            self.assertNotIn("5220", text)

    @linux_only
    def test_flags(self):
        """It is close-on-exec and does not block from then on"""
        with listening() as one:
            one.setblocking(True)
            with self.served([one]) as daemon:
                with open(f"/proc/{daemon.pid}/fdinfo/3") as text:
                    flags = int(text.read().split("flags:\t")[1].split()[0], 8)
                self.assertTrue(flags & os.O_NONBLOCK)
                self.assertTrue(flags & os.O_CLOEXEC)
                self.check(daemon, one)

    @each_backend(workers=WORKERS)
    def test_kept(self, how):
        """Its clients wait while it is started again"""
        with listening() as one:
            with self.served([one], **how) as daemon:
                self.check(daemon, one)
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()
            with socket.create_connection(one.getsockname(), PATIENCE) as late:
                late.sendall(LINE)
                with self.served([one], **how):
                    self.assertEqual(receive(late, len(upper(LINE))),
                                     upper(LINE))

    def test_listen(self):
        """Of the addresses of --listen, only those that are not passed in are
        bound"""
        with listening() as one, listening() as two, self.served(
                [one, two], served=3,
                listen=[spell(one.getsockname()), "127.0.0.1:0"]) as daemon:
            for one_of in one, two:
                self.check(daemon, one_of)
            ports = {port for _, port in daemon.addresses}
            self.assertEqual(len(ports), 3)
            for address in daemon.addresses:
                with daemon.connect(address) as client:
                    client.sendall(LINE)
                    self.assertEqual(receive(client, len(upper(LINE))),
                                     upper(LINE))

    def test_proxied(self):
        """One that is passed in has the attribute of its address"""
        with listening() as one:
            address = spell(one.getsockname())
            with self.served([one], listen=[f"{address},proxy"],
                             args=["--proxy-from", "loopback"]) as daemon:
                daemon.wait_for_line(f"^listening on {address} for PROXY$")
                with daemon.connect() as client:
                    client.sendall(b"PROXY UNKNOWN\r\nx")
                    self.assertEqual(client.recv(2), b"X")

    def test_both_families(self):
        """A socket for all addresses of both families is served for both"""
        if not socket.has_dualstack_ipv6():
            self.skipTest("needs both families")
        with listening("::", dualstack_ipv6=True) as one:
            port = one.getsockname()[1]
            with self.served([one], listen=[f":{port}"]) as daemon:
                for host in "127.0.0.1", "::1":
                    with daemon.connect((host, port)) as client:
                        client.sendall(LINE)
                        self.assertEqual(receive(client, len(upper(LINE))),
                                         upper(LINE))

    def refusal(self, sockets, *arguments, **env):
        how = passing(*sockets)
        done = subprocess.run(
            [*how["wrapper"], UPCASED, *arguments], pass_fds=how["pass_fds"],
            env={**os.environ, **env}, stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        sentence = unstamped(done.stderr).splitlines()[-1]
        self.assertRegex(sentence, "^upcased: ")
        return sentence

    def test_refused(self):
        """What cannot be served is named, with the remedy"""
        with contextlib.ExitStack() as stack:
            def keep(one):
                return stack.enter_context(one)
            good = keep(listening())
            datagram = keep(socket.socket(type=socket.SOCK_DGRAM))
            silent = keep(socket.socket())
            silent.bind(("127.0.0.1", 0))
            client = keep(socket.create_connection(good.getsockname()))
            local = keep(socket.socket(socket.AF_UNIX))
            local.bind(keep(tempfile.TemporaryDirectory()) + "/listener")
            local.listen()
            file = keep(tempfile.TemporaryFile())
            for one, words in (
                    (datagram, "ListenStream= in place of ListenDatagram="),
                    (silent, "does not listen; .*Accept=yes"),
                    (client, "does not listen; .*Accept=yes"),
                    (local, "Unix socket, .*127.0.0.1:5220"),
                    (file, "is not a socket; .*ListenStream="),
                    (None, "is not open; let LISTEN_FDS say")):
                sentence = self.refusal([good, one], LISTEN_FDNAMES="a:that")
                self.assertRegex(
                    sentence, rf"descriptor 4 \(that\) .* {words}")
                # Another open one does not take its place.
                sentence = self.refusal([one, good])
                self.assertRegex(
                    sentence, rf"descriptor 3 \(unnamed\) .* {words}")

    def test_numbers(self):
        """A number of sockets that is none, or too many, is refused"""
        with listening() as one:
            for number in ("", "x", "-1", "1x", "257", "18446744073709551617"):
                sentence = self.refusal([one], LISTEN_FDS=number)
                self.assertIn(f"LISTEN_FDS: '{number}'", sentence)

    def test_overlap(self):
        """An address that a passed socket keeps from being bound is named"""
        with listening("0.0.0.0") as one:
            port = one.getsockname()[1]
            sentence = self.refusal(
                [one], "--listen", f"127.0.0.1:{port}")
            self.assertRegex(sentence, rf"127\.0\.0\.1:{port} is in use, as "
                             rf"0\.0\.0\.0:{port} is passed in")
        if not socket.has_dualstack_ipv6():
            return
        with listening("::", dualstack_ipv6=True) as one:
            port = one.getsockname()[1]
            sentence = self.refusal(
                [one], "--listen", f"127.0.0.1:{port}")
            self.assertRegex(sentence, rf"127\.0\.0\.1:{port} is in use, as "
                             rf"\[::\]:{port} is passed in")

    @linux_only
    def test_not_ours(self):
        """What is passed to another process is closed"""
        with listening() as one:
            for env in ({"LISTEN_PID": "1"}, {"LISTEN_PID": "x"},
                        {"LISTEN_FDS": "0"}):
                with self.served([one], listen=["127.0.0.1:0"],
                                 env=env) as daemon:
                    self.assertEqual(ask(daemon, LINE), upper(LINE))
                    self.assertEqual(len(daemon.addresses), 1)
                    self.assertNotIn(one.getsockname(), daemon.addresses)
                    ours = os.readlink(f"/proc/self/fd/{one.fileno()}")
                    self.assertNotIn(ours, daemon.fds().values())
                    told = any("LISTEN_PID names another" in line
                               for line in daemon.lines)
                    self.assertEqual(told, "LISTEN_PID" in env)


if __name__ == "__main__":
    tap.main()
