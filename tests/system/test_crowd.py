#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients that vanish or come in crowds cost no more than is promised."""

import os
import random
import re
import select
import socket
import subprocess
import threading

import tap
from client import ask, converse, mixed_text, receive
from daemon import (LATE, LONG, PATIENCE, SANITIZED, SLOWNESS, Case, Daemon,
                    each_backend, linux_only, needs, wait_until)
from stream import reset, upper

PING = "ping größe".encode()


class ResetTest(Case):
    @linux_only
    @each_backend(workers=(1, 2))
    def test_resets(self, how):
        """Resets at random moments, 20 at a time, cost nothing but those
        connections"""
        rounds = 200 if LONG else 50
        chance = random.Random(4)
        text = mixed_text(300_000, seed=4)
        steady_text = mixed_text(2_000_000, seed=5)
        def disturb(daemon):
            client = daemon.connect()
            moment = chance.randrange(20)
            if moment > 0:
                client.sendall(text[:chance.randrange(10 ** (moment % 5 + 1))])
            if moment > 5:
                client.setblocking(False)
                try:
                    client.recv(chance.randrange(1, 10_000))
                except BlockingIOError:
                    pass
            if moment > 15:
                client.shutdown(socket.SHUT_WR)
            return client
        with Daemon(**how) as daemon:
            self.assertEqual(ask(daemon, PING), upper(PING))
            wait_until(lambda: daemon.counters()["open"] == 0, "it is idle")
            before, nlines = len(daemon.fds()), len(daemon.lines)
            with daemon.connect() as steady:
                answers = []
                asker = threading.Thread(target=lambda: answers.append(
                    converse(steady, steady_text)))
                asker.start()
                for _ in range(rounds):
                    for client in [disturb(daemon) for _ in range(20)]:
                        reset(client)
                asker.join()
            self.assertTrue(answers == [upper(steady_text)])
            self.assertLess(len(daemon.lines) - nlines, 3)
            wait_until(lambda: daemon.counters()["accepted"] ==
                       20 * rounds + 2, "all were accepted")
            wait_until(lambda: len(daemon.fds()) == before,
                       "all descriptors are closed")


class FullTest(Case):
    def answered(self, clients, least):
        """Those whose answer is there: at least so many, and then until no
        more come."""
        ready = []
        poller = select.poll()
        by_fd = {client.fileno(): client for client in clients}
        for client in clients:
            poller.register(client, select.POLLIN)
        while True:
            enough = len(ready) >= least
            news = poller.poll((0.3 if enough else PATIENCE) * 1000)
            if not news:
                return ready
            for fd, _ in news:
                poller.unregister(fd)
                ready.append(by_fd[fd])

    def check_full(self, daemon, nclients, least, most):
        """Only some of the clients are served; the rest costs nothing, and
        each end makes room for one more."""
        clients = [daemon.connect() for _ in range(nclients)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b"x")
        served = self.answered(clients, least)
        self.assertGreaterEqual(len(served), least)
        self.assertLessEqual(len(served), most)
        nlines, used = len(daemon.lines), daemon.cpu_time()
        daemon.watch(1)
        self.assertLess(daemon.cpu_time() - used, 0.2 if SANITIZED else 0.02)
        self.assertLess(len(daemon.lines) - nlines, 5)
        waiting = [client for client in clients if client not in served]
        served.pop().close()
        self.assertTrue(select.select(waiting, [], [], LATE)[0])
        self.assertEqual(len(self.answered(waiting, 1)), 1)
        for client in clients:
            client.close()
        self.assertEqual(ask(daemon, PING), upper(PING))
        self.assertLess(len(daemon.lines), 20)

    @linux_only
    @each_backend()
    def test_few_descriptors(self, how):
        """120 clients under a limit of 64 descriptors: some are served, the
        rest waits at no cost, and gets its turn"""
        with Daemon(**how, nofile=64) as daemon:
            self.check_full(daemon, 120, 30, 60)
            self.assertEqual(daemon.counters()["accept-failures"], 0)

    @linux_only
    @each_backend(workers=(1, 2))
    def test_max_connections(self, how):
        """No more clients are served at once than --max-connections says"""
        with Daemon(**how, args=["--max-connections", "10"]) as daemon:
            self.check_full(daemon, 30, 10, 10)

    @staticmethod
    def lower_limit(daemon, limit):
        """Sets the limit of descriptors of a daemon that runs already."""
        with open(f"/proc/{daemon.pid}/status") as status:
            text = status.read()
        # Only the same user may do that.
        user, group = (int(re.search(rf"{kind}:\t(\d+)", text).group(1))
                       for kind in ("Uid", "Gid"))
        identity = {}
        if os.geteuid() == 0:
            identity = {"user": user, "group": group, "extra_groups": []}
        subprocess.run(["prlimit", f"--pid={daemon.pid}",
                        f"--nofile={limit}:{limit}"],
                       check=True, timeout=PATIENCE, **identity)

    @linux_only
    @needs("prlimit")
    @each_backend()
    def test_no_descriptors(self, how):
        """A lack of descriptors that nobody foresaw makes clients wait at no
        cost"""
        with Daemon(**how) as daemon:
            self.assertEqual(ask(daemon, PING), upper(PING))
            wait_until(lambda: daemon.counters()["open"] == 0, "it is idle")
            self.lower_limit(daemon, max(daemon.fds()) + 1 + 5)
            self.check_full(daemon, 20, 5, 5)
            self.assertGreater(daemon.counters()["accept-failures"], 0)


class DescriptorTest(Case):
    @linux_only
    @each_backend(workers=(1, 2))
    def test_flags(self, how):
        """Every descriptor is closed on exec, and no socket can block"""
        with Daemon(**how) as daemon, daemon.connect() as one, \
                daemon.connect() as two:
            for client in (one, two):
                client.sendall(b"x")
                receive(client, 1)
            fds = daemon.fds()
            sockets = [fd for fd, name in fds.items() if "socket" in name]
            self.assertGreaterEqual(len(sockets), 3)
            for fd in filter(lambda fd: fd > 2, fds):
                with open(f"/proc/{daemon.pid}/fdinfo/{fd}") as fdinfo:
                    flags = int(re.search(r"flags:\s+(\d+)",
                                          fdinfo.read()).group(1), 8)
                self.assertTrue(flags & os.O_CLOEXEC, fds[fd])
                if fd in sockets:
                    self.assertTrue(flags & os.O_NONBLOCK, fds[fd])


if __name__ == "__main__":
    tap.main()
