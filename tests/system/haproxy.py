# SPDX-License-Identifier: ISC
"""Runs haproxy with the example in contrib, in front of daemons of the test."""

import csv
import os
import pwd
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from daemon import PATIENCE, wait_until
from stream import has_ipv6

HAPROXY = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
EXAMPLE = os.path.join(os.environ.get("srcdir", "."), "contrib", "haproxy",
                       "haproxy.cfg")

# What only root may do; haproxy is to serve without it.
FOR_ROOT = ("\tuser haproxy\n", "\tgroup haproxy\n",
            "\tchroot /var/lib/haproxy\n")

# A connection that did not end in order, as the option tcplog has it; those
# that did are logged too if another server was tried first.
LOGGED = re.compile(r" \S+:(\d+) \[\S+\] upcased upcased/(\S+) "
                    r"\S+ \d+ (?!--)(\S\S) ")


def free_port():
    """A port that nobody has, and that the system gives to nobody.

    One that it chose could meanwhile become the near end of a connection, even
    of one to the very daemon that has left the port.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low = int(file.read().split()[0])
    for port in random.sample(range(5221, max(low, 10_000)), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("100 ports are taken")


class Haproxy:
    """haproxy in front of the ports, as a context manager.

    It runs as nobody if the test is root's.  All that it writes is in a folder
    of its own.  Leaving the context ends it; the test fails when it has ended
    by itself.
    """

    def __init__(self, ports):
        self.address = ("127.0.0.1", free_port())
        self.servers = dict(zip("abc", ports))
        self.processes = []
        self.lines = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.orders = os.path.join(self.folder, "orders")
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(os.path.join(self.folder, "log"))
        os.chmod(self.log.getsockname(), 0o666)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._write_configuration()
        try:
            self._start()
        except BaseException:
            self._clean_up()
            raise
        return self

    @property
    def process(self):
        return self.processes[-1]

    def _write_configuration(self):
        with open(EXAMPLE) as file:
            text = file.read()
        host, port = self.address
        places = {"0.0.0.0:5220": f"{host}:{port}",
                  "[::]:5220": f"[::1]:{port}",
                  "/run/haproxy/admin.sock": self.orders,
                  "/dev/log": self.log.getsockname(),
                  **{line: "" for line in FOR_ROOT}}
        for number, server in enumerate(self.servers.values(), 11):
            places[f"192.0.2.{number}:5221"] = f"127.0.0.1:{server}"
        if not has_ipv6():
            text = re.sub(r"\tbind (\[::\]:5220).*\n", r"# \1\n", text)
        for old, new in places.items():
            if text.count(old) != 1:
                raise AssertionError(f"{old!r} is not once in {EXAMPLE}")
            text = text.replace(old, new)
        self.configuration = os.path.join(self.folder, "haproxy.cfg")
        with open(self.configuration, "w") as file:
            file.write(text)

    def _start(self, *arguments):
        how = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            how = {"user": nobody.pw_uid, "group": nobody.pw_gid,
                   "extra_groups": []}
        process = subprocess.Popen(
            [HAPROXY, "-db", "-f", self.configuration, *arguments],
            stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=self.folder, **how)
        self.processes.append(process)
        def serves():
            if process.poll() is not None:
                raise AssertionError(f"haproxy: status {process.returncode}")
            return self._pid() == process.pid
        wait_until(serves, "haproxy serves")

    def _pid(self):
        try:
            return int(re.search(r"^Pid: (\d+)$", self.order("show info"),
                                 re.M).group(1))
        except OSError:
            return None

    def replace(self):
        """Starts another process in place of this one, as a reload does.

        Returns the old one, which ends when its last connection has.
        """
        old = self.process
        self._start("-x", self.orders, "-sf", str(old.pid))
        return old

    def _read(self):
        while line := self.log.recv(8192):
            self.lines.append(line.decode())

    def _clean_up(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.connect(self.log.getsockname())
        self.log.send(b"")
        self.reader.join()
        self.log.close()
        shutil.rmtree(self.folder)

    def __exit__(self, kind, value, traceback):
        status = self.process.poll()
        self._clean_up()
        if kind:
            sys.stderr.write("".join(f"# {line}" for line in self.lines[-40:]))
        if status is not None and not kind:
            raise AssertionError(f"haproxy ended by itself, status {status}")

    def order(self, command):
        """Gives an order by the runtime API, and returns the answer."""
        with socket.socket(socket.AF_UNIX) as runtime:
            runtime.settimeout(PATIENCE)
            runtime.connect(self.orders)
            runtime.sendall(command.encode() + b"\n")
            answer = b""
            while part := runtime.recv(65536):
                answer += part
        return answer.decode()

    def set_state(self, name, state):
        answer = self.order(f"set server upcased/{name} state {state}")
        if answer.strip():
            raise AssertionError(answer)

    def server(self, name):
        """What haproxy knows of a server: see "show stat" in its manual."""
        table = self.order("show stat").removeprefix("# ").splitlines()
        return next(row for row in csv.DictReader(table)
                    if row["svname"] == name)

    def connections(self, name):
        """How many connections the server has."""
        return int(self.server(name)["scur"])

    def wait_for_state(self, name, state):
        wait_until(lambda: self.server(name)["status"] == state,
                   f"server {name} is {state}")

    def wait_for_use(self, name):
        """Waits until the server gets new connections."""
        before = int(self.server(name)["stot"])
        wait_until(lambda: int(self.server(name)["stot"]) > before,
                   f"server {name} is used")

    def logged(self):
        """The connections that did not end in order: {port: (server, why)}"""
        found = filter(None, map(LOGGED.search, list(self.lines)))
        return {int(m.group(1)): (m.group(2), m.group(3)) for m in found}
