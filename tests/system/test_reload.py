#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Reloads: all of a file comes into force or nothing, while clients are
served, and whatever the rest of the machine does."""

import contextlib
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

import tap
from client import ask, flood, mixed_text, receive
from config_file import BROKEN, ConfigFile, taken_port
from daemon import (BACKENDS, LONG, PATIENCE, SANITIZED, SANITIZERS, Daemon,
                    each_backend, linux_only, needs, root_only, wait_until,
                    with_mounts)
from injection import with_strace, wrapper
from ports import free_ports
from refusal import RefusalCase, run
from stream import upper

LINE = "ein Stück\n".encode()

IN_FORCE = "reloaded: the settings of the file are in force"
# A line of a connection with --log-level debug.
CONN = r"^conn \d+: "
REFUSED = ("upcased: not reloaded: the lines above say why; all is served as "
           "before")


def exchange(client, text=LINE):
    client.sendall(text)
    assert receive(client, len(upper(text))) == upper(text)


class ReloadCase(RefusalCase):
    @contextlib.contextmanager
    def daemon(self, text, listen="listen = 127.0.0.1:0\n", **how):
        """A daemon with a file, both of which the test gets."""
        with ConfigFile(listen + text) as file:
            file.listen = listen
            with Daemon(listen=(), config=file.path, **how) as daemon:
                yield daemon, file

    def change(self, daemon, file, text):
        """Another file comes into force; returns what the log says of it."""
        file.write(file.listen + text)
        lines = daemon.reload()
        self.assertEqual(lines[-1], IN_FORCE)
        return lines[:-1]

    def refuse(self, daemon, *patterns):
        lines = daemon.reload()
        self.assertEqual(lines[-1], REFUSED)
        for pattern in patterns:
            self.assertTrue(any(re.search(pattern, line) for line in lines),
                            (pattern, lines))
        return lines

    def expect_end(self, client, least, since):
        """The daemon ends the connection, not before the time is over."""
        client.settimeout(least + 60)
        try:
            self.assertEqual(client.recv(1), b"")
        except ConnectionResetError:
            pass
        self.assertGreater(time.monotonic() - since, least - 0.05)


class RowTest(ReloadCase):
    """Each row of the option table, changed while there is a connection."""

    RESTART = {
        "workers": "workers = 3", "backend": "backend = poll",
        "max-connections": "max-connections = 7",
        "memory-limit": "memory-limit = 1M", "congestion": "congestion = reno",
        "user": "user = nobody", "log": "log = syslog",
        "log-connections": "log-connections = yes",
        "metrics": "metrics = 9522",
    }
    # What a file cannot say.
    ARGUMENTS = {"config", "check", "version", "help"}

    def test_complete(self):
        """Each option has a test of what a reload does with it"""
        names = set(re.findall(r"(?m)^ .{5}--([a-z-]+)", run("--help").stdout))
        changed = {name[len("change_"):].replace("_", "-")
                   for name in dir(self) if name.startswith("change_")}
        self.assertEqual(names, changed | set(self.RESTART) | self.ARGUMENTS)
        self.assertFalse(changed & set(self.RESTART))

    @each_backend(workers=(1, 2) if LONG else (2,))
    def test_changes(self, how):
        """What a reload may change holds for old and for new connections"""
        for name in dir(self):
            if name.startswith("change_"):
                with self.subTest(name):
                    getattr(self, name)(how)

    @each_backend(workers=(1, 2))
    def test_restart(self, how):
        """What takes a restart is refused by its name, and all else of the
        file with it"""
        how = {**how, "args": ["--backend", how["backend"], "--workers",
                               str(how["workers"])]}
        fixed = {"workers", "backend"}
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as client:
            for name, line in self.RESTART.items():
                text = f"invalid = replace\n{line}\n"
                file.write(file.listen + text)
                if name in fixed:
                    # The command line wins, so nothing changes.
                    self.assertEqual(daemon.reload()[-1], IN_FORCE)
                    file.write(file.listen)
                    self.assertEqual(daemon.reload()[-1], IN_FORCE)
                    continue
                value = line.partition(" = ")[2]
                self.refuse(
                    daemon, rf"upcased\.conf:3: {name} cannot change from "
                    rf"'.+' to '{value}' in a reload; restart upcased, or set")
                self.assertEqual(ask(daemon, b"\xff"), b"\xff")
                exchange(client)

    def test_fixed(self):
        """So are the workers and the back end"""
        with self.daemon("workers = 2\n") as (daemon, file):
            for text, pattern in (
                    ("workers = 1\n", "workers cannot change from '2' to '1'"),
                    ("", "workers cannot change from '2' to '1'"),
                    ("workers = auto", "workers cannot .* from '2' to 'auto'"),
                    ("workers = 2\nbackend = poll\n",
                     "backend cannot change from 'the first' to 'poll'")):
                file.write(file.listen + text)
                self.refuse(daemon, pattern)
            self.change(daemon, file, "workers = 2\n")

    def change_listen(self, how):
        one, other = free_ports(2)
        with self.daemon("", f"listen = 127.0.0.1:{one}\n",
                         **how) as (daemon, file), daemon.connect() as old:
            exchange(old)
            file.listen = f"listen = 127.0.0.1:{other}\n"
            self.assertEqual(self.change(daemon, file, ""), [
                f"no longer listening on 127.0.0.1:{one}",
                f"listening on 127.0.0.1:{other}"])
            exchange(old)
            with daemon.connect(("127.0.0.1", other)) as new:
                exchange(new)
            with self.assertRaises(ConnectionRefusedError):
                daemon.connect(("127.0.0.1", one))

    def change_invalid(self, how):
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as old:
            exchange(old)
            self.change(daemon, file, "invalid = replace\n")
            old.sendall(b"\xff")
            self.assertEqual(old.recv(10), b"\xff")
            self.assertEqual(ask(daemon, b"\xff"), b"\xef\xbf\xbd")
            self.change(daemon, file, "invalid = close\n")
            self.assertEqual(ask(daemon, b"a\xffb"), b"A")
            old.sendall(b"\xff")
            self.assertEqual(old.recv(10), b"\xff")
            self.change(daemon, file, "")
            self.assertEqual(ask(daemon, b"\xff"), b"\xff")

    def change_idle_timeout(self, how):
        with self.daemon("idle-timeout = 1h\n", **how) as (daemon, file), \
                daemon.connect() as old, daemon.connect() as older:
            since = time.monotonic()
            exchange(old)
            exchange(older)
            time.sleep(0.2)
            # What has passed counts.
            self.change(daemon, file, "idle-timeout = 100ms\n")
            self.expect_end(old, 0.2, since)
            self.expect_end(older, 0.2, since)
            since = time.monotonic()
            with daemon.connect() as new:
                self.expect_end(new, 0.1, since)
            # And longer again.
            self.change(daemon, file, "idle-timeout = 5m\n")
            with daemon.connect() as new:
                exchange(new)
                self.change(daemon, file, "idle-timeout = 0\n")
                daemon.watch(0.3)
                exchange(new)
                since = time.monotonic()
                self.change(daemon, file, "idle-timeout = 400ms\n")
                self.expect_end(new, 0.4, since)
            wait_until(lambda: daemon.counters()["idle"] == 4, "all ended")

    def change_stall_timeout(self, how):
        with self.daemon("stall-timeout = 1h\n", **how) as (daemon, file), \
                daemon.connect(receive_buffer=4096) as old:
            flood([old], LINE * 10_000, pause=0.2)
            self.change(daemon, file, "stall-timeout = 1s\n")
            wait_until(lambda: daemon.counters()["stalled"] == 1, "it ends",
                       60)
            with daemon.connect(receive_buffer=4096) as new:
                flood([new], LINE * 10_000, pause=0.2)
                wait_until(lambda: daemon.counters()["stalled"] == 2,
                           "it ends", 60)
            self.change(daemon, file, "stall-timeout = 0\n")
            with daemon.connect(receive_buffer=4096) as new:
                flood([new], LINE * 10_000, pause=0.2)
                daemon.watch(1.5)
                self.assertEqual(daemon.counters()["stalled"], 2)
                self.change(daemon, file, "stall-timeout = 200ms\n")
                wait_until(lambda: daemon.counters()["stalled"] == 3,
                           "it ends", 60)

    def change_drain_timeout(self, how):
        with self.daemon("drain-timeout = 1h\nstall-timeout = 0\n",
                         **how) as (daemon, file), \
                daemon.connect(receive_buffer=4096) as old:
            flood([old], LINE * 10_000, pause=0.2)
            self.change(daemon, file,
                        "drain-timeout = 300ms\nstall-timeout = 0\n")
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line(
                "^draining: open=1, served on for at most 300 ms")
            self.assertEqual(daemon.wait(60), 0)
            daemon.wait_for_line(r"\bcut=1\b")

    def change_busy_poll(self, how):
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as old:
            self.assertLess(self.effort(daemon, old), 0.08)
            self.change(daemon, file, "busy-poll = 10ms\n")
            with daemon.connect() as new:
                for client in (old, new):
                    # As soon as the machine lets it.
                    wait_until(lambda: self.effort(daemon, client) > 0.1,
                               "it stays awake", 120)
            self.change(daemon, file, "")
            exchange(old)
            self.assertLess(self.effort(daemon, old), 0.08)

    def effort(self, daemon, client):
        """Processor time of 50 exchanges with pauses of 4 ms, which are no
        work but for who waits awake."""
        before = daemon.cpu_time()
        for _ in range(50):
            exchange(client)
            time.sleep(0.004)
        return daemon.cpu_time() - before

    def change_log_level(self, how):
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as old:
            exchange(old)
            self.change(daemon, file, "log-level = debug\n")
            since = len(daemon.lines)
            old.close()
            daemon.wait_for_line(CONN + ".* -> closed", since)
            since = len(daemon.lines)
            # Of this only an address that is served tells.
            port, = free_ports(1)
            file.write(file.listen + "log-level = error\n"
                       f"listen = 127.0.0.1:{port}\n")
            daemon.send_signal(signal.SIGHUP)
            def served():
                try:
                    with daemon.connect(("127.0.0.1", port)) as client:
                        exchange(client)
                    return True
                except ConnectionRefusedError:
                    return False
            wait_until(served, "it is served")
            with daemon.connect() as client:
                exchange(client)
            file.write(file.listen + "x\n")
            self.refuse(daemon, "conf:2: 'x' has no '='; write key = value")
            self.assertFalse([line for line in daemon.lines[since:]
                              if re.search(CONN, line)])
            file.write(file.listen)
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for_line(f"^{IN_FORCE}$", since)


class BrokenTest(ReloadCase):
    @each_backend(workers=(1, 2))
    def test_broken(self, how):
        """A broken file changes nothing, and says where and why"""
        with self.daemon("invalid = replace\n", **how) as (daemon, file), \
                daemon.connect() as client:
            exchange(client)
            fds = daemon.fds()
            for broken in BROKEN:
                with self.subTest(str(broken)):
                    broken.put(file)
                    lines = self.refuse(daemon, *broken.patterns)
                    for line in lines:
                        self.assertNotIn("listening", line)
                    exchange(client)
                    self.assertEqual(ask(daemon, b"\xff"), b"\xef\xbf\xbd")
            wait_until(lambda: daemon.fds() == fds, "all is closed")
            self.change(daemon, file, "invalid = pass\n")
            self.assertEqual(ask(daemon, b"\xff"), b"\xff")

    def test_last_address(self):
        """When the last of many addresses is refused, none is changed"""
        taken = taken_port(self)
        ports = free_ports(5)
        with self.daemon("") as (daemon, file):
            fds = daemon.fds()
            file.write("".join(f"listen = 127.0.0.1:{port}\n"
                               for port in [*ports, taken]))
            self.refuse(daemon, rf"conf:6: 127\.0\.0\.1:{taken} is in use; "
                        "stop the other server, or choose another port$")
            self.assertEqual(daemon.fds(), fds)
            for port in ports:
                with self.assertRaises(ConnectionRefusedError):
                    daemon.connect(("127.0.0.1", port))
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @root_only
    def test_given_up(self):
        """A port below 1024 takes a restart, whatever the start could"""
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as start:
            if int(start.read()) < 1024:
                self.skipTest("needs ports that are kept for root")
        with self.daemon("") as (daemon, file):
            file.write(file.listen + "listen = 127.0.0.1:1019\n")
            self.refuse(daemon, r"conf:2: this account may not listen on "
                        r"127\.0\.0\.1:1019: .* below 1024 was given up at "
                        "the start; restart upcased, or choose another port$")
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    def test_gone(self):
        """A file that is gone is no order to forget all settings"""
        with self.daemon("") as (daemon, file):
            os.unlink(file.path)
            self.refuse(daemon, "no such file; name another|the file is gone")
            self.change(daemon, file, "")

    def test_command_line(self):
        """The command line wins at a reload, too"""
        with self.daemon("", args=["--invalid", "close", "--listen",
                                   "127.0.0.1:0"]) as (daemon, file):
            addresses = [line for line in daemon.lines
                         if line.startswith("listening")]
            self.assertEqual(len(addresses), 1)
            file.listen = "listen = 203.0.113.1\n"
            self.assertEqual(self.change(daemon, file, "invalid = pass\n"), [])
            self.assertEqual(ask(daemon, b"a\xffb"), b"A")


class FileTest(ReloadCase):
    def test_same_name(self):
        """A file that another took the place of is read, also behind a link"""
        with ConfigFile() as file:
            link = os.path.join(file.folder, "link")
            for name, policy in (("one", "replace"), ("other", "close")):
                with open(os.path.join(file.folder, name), "w") as text:
                    text.write(f"invalid = {policy}\n"
                               "listen = 127.0.0.1:0\n")
                os.chmod(text.name, 0o644)
            os.symlink("one", link)
            with Daemon(listen=(), config=link) as daemon:
                self.assertEqual(ask(daemon, b"a\xffb"), b"A\xef\xbf\xbdB")
                os.symlink("other", link + ".new")
                os.replace(link + ".new", link)
                self.assertEqual(daemon.reload()[-1], IN_FORCE)
                self.assertEqual(ask(daemon, b"a\xffb"), b"A")
                os.replace(os.path.join(file.folder, "one"),
                           os.path.join(file.folder, "other"))
                self.assertEqual(daemon.reload()[-1], IN_FORCE)
                self.assertEqual(ask(daemon, b"a\xffb"), b"A\xef\xbf\xbdB")

    def test_relative(self):
        """A relative name is that of the directory of the start"""
        with ConfigFile("listen = 127.0.0.1:0\n") as file:
            at = ["sh", "-c", 'cd "$0" && exec "$@"', file.folder]
            with Daemon(listen=(), config="./upcased.conf",
                        wrapper=at) as daemon:
                file.write("listen = 127.0.0.1:0\ninvalid = close\n")
                self.assertEqual(daemon.reload()[-1], IN_FORCE)
                self.assertEqual(ask(daemon, b"a\xffb"), b"A")

    def test_appears(self):
        """Without a file at the start there is one more reload that changes
        nothing"""
        with Daemon() as daemon:
            self.assertEqual(daemon.reload(), [
                "reloaded: there is no configuration file"])


class ListenTest(ReloadCase):
    @each_backend(workers=(1, 2))
    def test_free_port(self, how):
        """An entry with port 0 keeps its port, and its clients"""
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as client:
            for more in ("listen = 127.0.0.1:0\n", "listen = 127.0.0.2:0\n",
                         ""):
                self.change(daemon, file, more)
                exchange(client)
                self.assertEqual(ask(daemon, LINE), upper(LINE))

    @each_backend(workers=(1, 2))
    def test_queue(self, how):
        """Clients in the queue of an address that goes are served"""
        one, other = free_ports(2)
        with self.daemon("", f"listen = 127.0.0.1:{one}\n",
                         **how) as (daemon, file):
            file.listen = f"listen = 127.0.0.1:{other}\n"
            file.write(file.listen)
            with contextlib.ExitStack() as stack:
                daemon.send_signal(signal.SIGSTOP)
                clients = [stack.enter_context(
                    daemon.connect(("127.0.0.1", one))) for _ in range(20)]
                daemon.send_signal(signal.SIGHUP)
                daemon.send_signal(signal.SIGCONT)
                daemon.wait_for_line("^reloaded")
                for client in clients:
                    exchange(client)

    @each_backend(workers=(1, 2))
    def test_overlap(self, how):
        """One address can become all, and all one, without a failure"""
        one, port = free_ports(2)
        with self.daemon("", f"listen = 127.0.0.1:{one}\n",
                         **how) as (daemon, file), \
                Load(daemon, [("127.0.0.1", port)]) as load:
            # What a plain user opened a plain user may share.
            for host in 10 * ["127.0.0.1", "", "127.0.0.1", "0.0.0.0"]:
                file.listen = f"listen = {host}:{port}\n"
                self.change(daemon, file, "")
                load.go_on()


class Load:
    """Clients that verify each answer on a connection of its own."""

    def __init__(self, daemon, addresses, nthreads=2):
        self.daemon = daemon
        self.addresses = addresses
        self.over = threading.Event()
        self.started = threading.Event()
        self.failures = []
        self.ndone = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(nthreads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.started.set()
        for thread in self.threads:
            thread.join()
        if not error[0] and self.failures:
            raise AssertionError(self.failures[0])

    def run(self, seed):
        text = mixed_text(20_000, seed)
        answer = upper(text)
        self.started.wait()
        while not self.over.is_set():
            for address in self.addresses:
                try:
                    with self.daemon.connect(address) as client:
                        client.sendall(text[:100])
                        client.sendall(text[100:])
                        client.shutdown(socket.SHUT_WR)
                        got = receive(client, len(answer))
                        if got != answer or client.recv(1):
                            raise AssertionError("a wrong answer")
                except (OSError, AssertionError) as error:
                    self.failures.append(f"{address}: {error!r}")
                    return
                with self.lock:
                    self.ndone += 1

    def go_on(self):
        """From now on there is load; fails when a request has."""
        self.started.set()
        if self.failures:
            raise AssertionError(self.failures[0])


class LoadTest(ReloadCase):
    @each_backend(workers=(1, 2))
    def test_many(self, how):
        """A thousand reloads under load: no failed request, and neither memory
        nor descriptors grow"""
        one, other = free_ports(2)
        # All of them once, and enough to see growth everywhere.
        is_usual = how == {"backend": BACKENDS[0], "workers": 2}
        times = 1000 if is_usual and not SANITIZED else 200
        with self.daemon("", **how) as (daemon, file), \
                daemon.connect() as old, Load(daemon, [None]) as load:
            texts = ["", f"listen = 127.0.0.1:{one}\ninvalid = replace\n",
                     f"listen = 127.0.0.1:{other}\nidle-timeout = 1h\n",
                     f"listen = :{one}\nlisten = 127.0.0.1:{other}\n"
                     "stall-timeout = 1h\ndrain-timeout = 0\n",
                     "busy-poll = 10us\nlog-level = warn\nlisten = x y\n"]
            load.go_on()
            for n in range(times):
                if n == times // 5:
                    rss = daemon.rss()
                text = texts[n % len(texts)]
                file.write(file.listen + text)
                end = daemon.reload()[-1]
                self.assertEqual(end, REFUSED if "x y" in text else IN_FORCE)
                load.go_on()
            exchange(old)
            ndone = load.ndone
            self.change(daemon, file, "")
            growth = daemon.rss() - rss
            print(f"# {how}: {ndone} requests in {times} reloads, "
                  f"{growth} bytes more")
            self.assertGreater(ndone, 0)
            # Sanitizers keep what was freed for a while.
            if not SANITIZED:
                self.assertLess(growth, 1 << 20)
            # Nothing but the connections comes and goes.
            load.over.set()
            for thread in load.threads:
                thread.join()
            wait_until(lambda: daemon.counters()["open"] == 1, "they are gone")
            names = [name for name in daemon.fds().values()
                     if name.startswith("socket:")]
            # The listener, the client, and where they all write to a socket.
            self.assertEqual(len(names), 2, daemon.fds())

    @each_backend(workers=(1, 2))
    def test_storm(self, how):
        """Requests that come during a reload are one more after it"""
        with self.daemon("", **how) as (daemon, file):
            for _ in range(300):
                daemon.send_signal(signal.SIGHUP)
            file.write(file.listen + "invalid = close\n")
            daemon.send_signal(signal.SIGHUP)
            # The last one is not lost.
            wait_until(lambda: ask(daemon, b"a\xffb") == b"A", "it is read")


class NameServer:
    """Knows a name and says nothing until it is told to, as a context
    manager; the host that asks it is its wrapper."""

    HOST = "127.77.0.1"

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind((self.HOST, 53))
        except OSError as error:
            self.socket.close()
            raise unittest.SkipTest(f"needs port 53: {error}")
        self.socket.settimeout(PATIENCE)
        self.holder = tempfile.TemporaryDirectory()
        os.chmod(self.holder.name, 0o755)
        script = []
        for name, text in (
                ("resolv.conf", f"nameserver {self.HOST}\n"
                 "options timeout:30 attempts:5\n"),
                ("nsswitch.conf", "passwd: files\ngroup: files\n"
                 "hosts: files dns\n")):
            path = os.path.join(self.holder.name, name)
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o644)
            script.append(f"mount --bind {path} /etc/{name}")
        self.wrapper = ["unshare", "--mount", "sh", "-c",
                        " && ".join([*script, 'exec "$@"']), "sh"]
        return self

    def __exit__(self, *error):
        self.socket.close()
        self.holder.cleanup()

    def wait(self):
        """Waits until somebody asks."""
        return self.socket.recvfrom(512)

    def answer(self, question, asker, address):
        """An address of IPv4, and none of IPv6."""
        end = question.index(b"\0", 12) + 5
        kind = struct.unpack(">H", question[end - 4:end - 2])[0]
        record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + \
            socket.inet_aton(address)
        found = kind == 1
        self.socket.sendto(
            question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, found, 0, 0) +
            question[12:end] + (record if found else b""), asker)


@linux_only
@root_only
@with_mounts
@needs("unshare", "mount")
class NameTest(ReloadCase):
    @each_backend(workers=(1, 2))
    def test_hangs(self, how):
        """A name server that says nothing holds up no client, and what it says
        at last is served"""
        with NameServer() as server, self.daemon(
                "", wrapper=server.wrapper, **how) as (daemon, file), \
                daemon.connect() as client:
            port, = free_ports(1)
            file.write(file.listen + f"listen = slow.test:{port}\n")
            since = len(daemon.lines)
            daemon.send_signal(signal.SIGHUP)
            asked = [server.wait()]
            for _ in range(20):
                exchange(client)
                self.assertEqual(ask(daemon, LINE), upper(LINE))
            # Further requests wait for it.
            for _ in range(5):
                daemon.send_signal(signal.SIGHUP)
            wait_until(lambda: daemon.counters()["open"] == 1,
                       "the others are gone")
            self.assertFalse([line for line in daemon.lines[since:]
                              if "reloaded" in line])
            over = threading.Event()

            def answer():
                server.answer(*asked[0], "127.0.0.1")
                server.socket.settimeout(0.1)
                while not over.is_set():
                    with contextlib.suppress(socket.timeout):
                        server.answer(*server.wait(), "127.0.0.1")
            thread = threading.Thread(target=answer)
            thread.start()
            try:
                daemon.wait_for_line(f"^listening on 127.0.0.1:{port}", since)
                wait_until(lambda: daemon.lines[since:].count(IN_FORCE) >= 2,
                           "the second one is done")
            finally:
                over.set()
                thread.join()
            self.assertEqual(daemon.lines[since:].count(IN_FORCE), 2)
            with daemon.connect(("127.0.0.1", port)) as new:
                exchange(new)

    @each_backend(workers=(1, 2))
    def test_end(self, how):
        """Nor does it hold up the end"""
        for clients in (0, 1):
            with NameServer() as server, contextlib.ExitStack() as stack, \
                    self.daemon("", wrapper=server.wrapper,
                                **how) as (daemon, file):
                for _ in range(clients):
                    client = stack.enter_context(daemon.connect())
                    exchange(client)
                file.write(file.listen + "listen = slow.test:0\n")
                daemon.send_signal(signal.SIGHUP)
                server.wait()
                # One that waits is told.
                daemon.send_signal(signal.SIGHUP)
                wait_until(lambda: daemon.counters()["open"] == clients,
                           "all are there, and no other")
                daemon.send_signal(signal.SIGTERM)
                # The name server is waited for five times 30 seconds.
                self.assertEqual(daemon.wait(60), 0)

    @unittest.skipIf("thread" in SANITIZERS, "ThreadSanitizer loses signals")
    def test_late(self):
        """What is answered in a drain is not taken any more"""
        with NameServer() as server, self.daemon(
                "drain-timeout = 0\nstall-timeout = 0\n",
                wrapper=server.wrapper) as (daemon, file), \
                daemon.connect(receive_buffer=4096) as client:
            flood([client], LINE * 10_000, pause=0.2)
            port, = free_ports(1)
            file.write(file.listen + f"listen = slow.test:{port}\n")
            daemon.send_signal(signal.SIGHUP)
            asked = server.wait()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line("^draining")
            since = len(daemon.lines)
            while True:
                server.answer(*asked, "127.0.0.1")
                server.socket.settimeout(1)
                try:
                    asked = server.wait()
                except socket.timeout:
                    break
            daemon.wait_for_line("^warning: not reloaded: upcased is draining",
                                 since)
            with self.assertRaises(ConnectionRefusedError):
                daemon.connect(("127.0.0.1", port))
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0)


class EarlyTest(ReloadCase):
    # From the fork on, until the file is there that the test makes.
    STORM = """
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
end, own = sys.argv[1], os.getpid()
if os.fork() == 0:
    os.setsid()
    for fd in range(3):
        os.close(fd)
    while not os.path.exists(end) and os.getppid() == own:
        os.kill(own, signal.SIGHUP)
        time.sleep(0.0005)
    os._exit(0)
os.execvp(sys.argv[2], sys.argv[2:])
"""

    @each_backend(workers=(1, 2))
    def test_storm(self, how):
        """Requests from the first instruction on end nothing, and are obeyed
        when clients are served"""
        with ConfigFile("listen = 127.0.0.1:0\n") as file:
            end = os.path.join(file.folder, "end")
            with Daemon(**how, listen=(), config=file.path, wrapper=[
                    sys.executable, "-c", self.STORM, end]) as daemon:
                try:
                    daemon.wait_for_line(f"^{IN_FORCE}")
                    self.assertEqual(ask(daemon, LINE), upper(LINE))
                finally:
                    with open(end, "w"):
                        pass
                # It ends as usual after that.
                daemon.watch(0.1)

    @linux_only
    @with_strace
    @unittest.skipIf(SANITIZED, "sanitizers catch signals as well")
    def test_first(self):
        """One that comes before the file is read is obeyed as well"""
        def started(pid):
            with open(f"/proc/{pid}/status") as status:
                ignored = re.search(r"SigIgn:\t(\w+)", status.read())[1]
            return int(ignored, 16) >> (signal.SIGUSR1 - 1) & 1
        with ConfigFile("listen = 127.0.0.1:0\n") as file:
            trace = os.path.join(file.folder, "trace")
            slow = wrapper(trace, "trace=sched_getaffinity",
                           "inject=sched_getaffinity:delay_enter=1000000")
            daemon = Daemon(listen=(), config=file.path, wrapper=slow)

            def send():
                wait_until(lambda: hasattr(daemon, "pid") and
                           started(daemon.pid), "main has begun")
                daemon.send_signal(signal.SIGHUP)
            sender = threading.Thread(target=send)
            sender.start()
            with daemon:
                sender.join()
                daemon.wait_for_line(f"^{IN_FORCE}")

    def test_check(self):
        """Nor do they end --check or --help"""
        with ConfigFile("listen = 127.0.0.1:0\n") as file:
            end = os.path.join(file.folder, "end")
            for option in ("--check", "--help", "--version"):
                done = run(option, config=file.path, wrapper=[
                    sys.executable, "-c", self.STORM, end])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            with open(end, "w"):
                pass


if __name__ == "__main__":
    tap.main()
