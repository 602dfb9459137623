# SPDX-License-Identifier: ISC
"""A hand-over to the service manager: all goes into its store, for the process
that it starts next."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import tap
from client import ask, receive
from crowd import Crowd, exchange
from daemon import (LONG, PATIENCE, Case, Daemon, each_backend,
                    linux_only, program, wait_until)
from ports import free_ports
from service_manager import Manager, Store
from test_handover import installed, replace

REFUSED = "no hand-over: .*"
PREFIX = "upcased-store-"
LEFT = sorted(PREFIX + name
              for name in ("inventory", "passage-near", "passage-far"))


def hand_over(daemon):
    """Lets the daemon leave all to the service manager, and end."""
    daemon.send_signal(signal.SIGQUIT)
    if daemon.wait() != 0:
        raise AssertionError("it did not end in good order")
    daemon.wait_for_line("^all is handed over")


def limit_descriptors(daemon, n):
    """Lowers a limit of the daemon's, as only its own account may."""
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
        fields = dict(line.strip().split(":\t", 1) for line in file)
    how = {} if os.getuid() else {
        "user": int(fields["Uid"].split()[0]),
        "group": int(fields["Gid"].split()[0]), "extra_groups": []}
    subprocess.run(["prlimit", "--pid", str(daemon.pid), f"--nofile={n}:"],
                   check=True, timeout=PATIENCE, **how)


def parts(store):
    """What a hand-over has left in the store."""
    return sorted(name for name in store.names() if name in LEFT)


class LeaveTest(Case):
    def arguments(self, how):
        return {**how, "listen": [f"127.0.0.1:{free_ports()[0]}"]}

    def of(self, path, daemon):
        """The daemon, whose program is the file of that name."""
        daemon.command[0] = path
        return daemon

    @each_backend(workers=(1, 2))
    def test_low_limit(self, how):
        """More is taken over than the limit with which the next process begins
        allows, if that can be raised"""
        arguments = self.arguments(how)
        with Store() as store, contextlib.ExitStack() as stack:
            with store.daemon(**arguments) as daemon:
                store.wait_for("READY")
                clients = [stack.enter_context(daemon.connect())
                           for _ in range(100)]
                for client in clients:
                    self.assertTrue(exchange(client))
                hand_over(daemon)
            daemon = store.daemon(**arguments)
            at = daemon.command.index(program(how["backend"]))
            daemon.command[at:at] = ["sh", "-c", 'ulimit -S -n 64 && exec "$@"',
                                     "sh"]
            with daemon:
                daemon.wait_for_line("^going on with 100 connections")
                for client in clients:
                    self.assertTrue(exchange(client))

    @each_backend(workers=(1, 2))
    def test_unnoticed(self, how):
        """Clients that are busy, rest, sent half a character, or do not read
        notice none of several restarts"""
        arguments = self.arguments(how)
        with Store() as store, contextlib.ExitStack() as stack:
            daemon = store.daemon(**arguments)
            started = stack.enter_context(contextlib.ExitStack())
            started.enter_context(daemon)
            store.wait_for("READY")
            crowd = stack.enter_context(Crowd(daemon, rest=40, half=20))
            for _ in range(20 if LONG else 3):
                hand_over(daemon)
                self.assertEqual(parts(store), LEFT)
                started.close()
                # One that comes in between waits.
                late = stack.enter_context(socket.create_connection(
                    daemon.address, 60))
                daemon = store.daemon(**arguments)
                started.enter_context(daemon)
                daemon.wait_for_line(
                    f"^going on with {crowd.size} connections")
                store.wait_for("READY")
                self.assertEqual(len(store.held), 1)
                # One socket comes from the store and along.
                self.assertFalse(any("not understood" in line
                                     for line in daemon.lines))
                self.assertTrue(exchange(late))
                late.close()
                crowd.proceed()
                wait_until(
                    lambda: daemon.counters()["open"] == crowd.size,
                    "the late one is gone")
            crowd.check(self)
            def balance():
                counters = daemon.counters()
                return counters["open"] == crowd.size - 4 and \
                    counters["ended"] + counters["open"] == \
                    counters["accepted"]
            wait_until(balance, "the counters go on")
            started.close()

    @each_backend(workers=(1, 2))
    def test_messages(self, how):
        """All is in the store, without polls and with names of its own, before
        it ends, and no drain is told of"""
        with Store() as store, store.daemon(
                **self.arguments(how)) as daemon, daemon.connect() as client:
            self.assertTrue(exchange(client))
            ready = store.wait_for("READY")
            hand_over(daemon)
            told = store.messages[ready:]
            self.assertEqual(
                sorted(fields["FDNAME"] for fields in told
                       if "FDSTORE" in fields), LEFT)
            for fields in told:
                self.assertNotIn("STOPPING", fields)
                self.assertNotIn(":", fields.get("FDNAME", ""))
                self.assertEqual(fields.get("FDPOLL", "0"), "0")
            self.assertEqual(told[-1], {"BARRIER": "1"})

    def check_drained(self, daemon, client, why):
        """It was not handed over, and is served to the end."""
        daemon.send_signal(signal.SIGQUIT)
        daemon.wait_for_line(REFUSED + why + ".*; all is drained", 
                             patience=10 + PATIENCE)
        daemon.wait_for_line("^draining")
        self.assertTrue(exchange(client))
        client.close()
        self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_no_store(self, how):
        """Without a service manager, or a store, or room in it, all is
        drained"""
        for env in {}, {"FDSTORE": "99"}:
            with Daemon(**how, env=env) as daemon, \
                    daemon.connect() as client:
                self.assertTrue(exchange(client))
                self.check_drained(daemon, client, "no store")
        with Manager() as manager, manager.daemon(**how) as daemon, \
                daemon.connect() as client:
            self.check_drained(daemon, client, "no store")
            for fields in manager.waiting():
                self.assertNotIn("FDNAME", fields)
        # It says how many places there are, or it does not, or lies.
        for places, said, why in ((3, None, "too small"),
                                  (3, 9, "did not store it"),
                                  (1, 9, "did not store it"),
                                  (0, 9, "did not store it")):
            with Store(places, said) as store, store.daemon(
                    **self.arguments(how)) as daemon, \
                    daemon.connect() as client:
                store.wait_for("READY")
                self.check_drained(daemon, client, why)
                store.wait_until(lambda: not parts(store))

    @each_backend(workers=(2,))
    def test_no_answer(self, how):
        """A service manager that does not answer does not hold up the end"""
        with Store() as store, store.daemon(
                **self.arguments(how)) as daemon, \
                daemon.connect() as client:
            store.wait_for("READY")
            store.answers = False
            self.check_drained(daemon, client, "does not answer")
            store.wait_until(lambda: not parts(store))
            # Who comes now waits for the next process.
            self.assertEqual(len(store.held), 1)

    @each_backend(workers=(2,))
    def test_gone(self, how):
        """Where the service manager takes no messages, all is drained"""
        with Store() as store, store.daemon(
                **self.arguments(how)) as daemon, \
                daemon.connect() as client:
            store.wait_for("READY")
            # Nobody else has it, so there is nobody at the other end.
            os.close(store.end)
            store.thread.join()
            store.socket.close()
            self.check_drained(daemon, client, "takes no messages")
            store.end = os.dup(store.over)

    @linux_only
    @unittest.skipUnless(shutil.which("prlimit"), "prlimit is missing")
    def test_too_many(self):
        """What is more than the system lets wait is drained as it was"""
        how = {"backend": None, "workers": 2}
        with installed(how) as path, Store() as store, \
                contextlib.ExitStack() as stack:
            daemon = self.of(path, store.daemon(**self.arguments(how)))
            stack.enter_context(daemon)
            store.wait_for("READY")
            # One message takes 252 of them, whatever the limit is.
            clients = [stack.enter_context(daemon.connect())
                       for _ in range(300)]
            for client in clients:
                client.sendall("x🌮".encode()[:3])
                self.assertEqual(receive(client, 1), b"X")
            gate = os.path.join(os.path.dirname(path), "gate")
            os.mkfifo(gate)
            os.chmod(gate, 0o644)
            replace(path, f"#!/bin/sh\nread line <{gate}\nexit 0\n")
            daemon.send_signal(signal.SIGQUIT)
            store.wait_until(lambda: parts(store) == LEFT)
            limit_descriptors(daemon, 10)
            with open(gate, "w", encoding="ascii") as file:
                file.write("\n")
            daemon.wait_for_line(REFUSED + "than the system lets wait")
            limit_descriptors(daemon, 1024)
            daemon.wait_for_line("^draining")
            for client in clients:
                client.sendall("🌮".encode()[2:])
                self.assertEqual(receive(client, 4), "🌮".encode())
                client.close()
            self.assertEqual(daemon.wait(), 0)
            store.wait_until(lambda: not parts(store))

    @each_backend(workers=(2,))
    def test_rehearsal(self, how):
        """Where the new program does not start, or hangs, all is drained"""
        for text, why in (("#!/bin/sh\nexit 3\n", "ended with status 3"),
                          ("#!/bin/sh\nexec sleep 600\n",
                           "took longer than 10 s"),
                          (None, "cannot execute")):
            with installed(how) as path, Store() as store:
                daemon = self.of(path, store.daemon(**self.arguments(how)))
                with daemon, daemon.connect() as client:
                    store.wait_for("READY")
                    if text is None:
                        os.unlink(path)
                    else:
                        replace(path, text)
                    self.check_drained(daemon, client, why)
                    store.wait_until(lambda: not parts(store))

    @each_backend(workers=(1, 2))
    def test_parts(self, how):
        """What is left in part, or not understood, or of a hand-over that was
        not finished, is removed, and the addresses are served on"""
        def drop(name):
            def change(store):
                for own, fd in list(store.held):
                    if own == PREFIX + name:
                        os.close(fd)
                        store.held.remove((own, fd))
            return change
        def exchange_file(store):
            drop("inventory")(store)
            store.held.append((PREFIX + "inventory", os.memfd_create("x")))
        def empty_passage(store):
            drop("passage-far")(store)
            near, far = socket.socketpair(
                socket.AF_UNIX, socket.SOCK_SEQPACKET)
            store.held.append((PREFIX + "passage-far", far.detach()))
            near.close()
        for change, why in ((drop("inventory"), "only a part"),
                            (drop("passage-far"), "only a part"),
                            (exchange_file, "ended before"),
                            (empty_passage, "cannot receive")):
            arguments = self.arguments(how)
            with Store() as store:
                with store.daemon(**arguments) as daemon:
                    store.wait_for("READY")
                    client = daemon.connect()
                    self.assertTrue(exchange(client))
                    hand_over(daemon)
                change(store)
                with client, store.daemon(**arguments) as daemon:
                    daemon.wait_for_line("are lost: .*" + why)
                    store.wait_until(lambda: not parts(store))
                    self.assertEqual(len(store.held), 1)
                    self.assertEqual(
                        ask(daemon, "ß\n".encode()), b"SS\n")

    @each_backend(workers=(1, 2))
    def test_socket_unit(self, how):
        """A socket of a socket unit, which comes twice, is served once"""
        with Store() as store, \
                socket.create_server(("127.0.0.1", 0)) as unit:
            arguments = {**how, "sockets": [unit], "names": ["upcased.socket"],
                         "listen": ()}
            with store.daemon(**arguments) as daemon:
                store.wait_for("READY")
                client = daemon.connect()
                self.assertTrue(exchange(client))
                hand_over(daemon)
            with client, store.daemon(**arguments) as daemon:
                store.wait_for("READY")
                self.assertTrue(exchange(client))
                self.assertEqual(
                    sum("listening on" in line for line in daemon.lines), 1)
                self.assertEqual(store.names(), [])

    @each_backend(workers=(2,))
    def test_signals_to_all(self, how):
        """A signal that comes to the rehearsal as well does not end it"""
        with installed(how) as path, Store() as store:
            real = os.path.join(os.path.dirname(path), "real")
            shutil.copy2(path, real)
            daemon = self.of(path, store.daemon(**self.arguments(how)))
            with daemon, daemon.connect() as client:
                store.wait_for("READY")
                self.assertTrue(exchange(client))
                replace(path, "#!/bin/sh\nkill -QUIT $$\nkill -TERM $$\n"
                        f'exec {real} "$@"\n')
                hand_over(daemon)
                self.assertEqual(parts(store), LEFT)

    @each_backend(workers=(2,))
    def test_not_rehearsed(self, how):
        """A rehearsal that is told to end does not pass for a success"""
        with installed(how) as path, Store() as store, \
                tempfile.NamedTemporaryFile("w") as file:
            os.chmod(file.name, 0o644)
            real = os.path.join(os.path.dirname(path), "real")
            shutil.copy2(path, real)
            daemon = self.of(path, store.daemon(
                **self.arguments(how), config=file.name))
            with daemon, daemon.connect() as client, \
                    daemon.connect() as other:
                store.wait_for("READY")
                self.assertTrue(exchange(client) and exchange(other))
                file.write("max-connections = 1\n")
                file.flush()
                replace(path, "#!/bin/sh\nkill -TERM $$\n"
                        f'exec {real} "$@"\n')
                self.check_drained(daemon, client, "ended with status 71")

    @each_backend(workers=(2,))
    def test_other_signals(self, how):
        """A second one changes nothing, and a stop in between is a stop"""
        with installed(how) as path, Store() as store:
            daemon = self.of(path, store.daemon(**self.arguments(how)))
            with daemon, daemon.connect() as client:
                store.wait_for("READY")
                self.assertTrue(exchange(client))
                replace(path, "#!/bin/sh\nexec sleep 600\n")
                daemon.send_signal(signal.SIGQUIT)
                store.wait_until(lambda: parts(store) == LEFT)
                for signo in signal.SIGQUIT, signal.SIGUSR2:
                    since = len(daemon.lines)
                    daemon.send_signal(signo)
                    daemon.wait_for_line("no second hand-over", since)
                daemon.send_signal(signal.SIGTERM)
                daemon.wait_for_line("^draining")
                self.assertTrue(exchange(client))
                client.close()
                self.assertEqual(daemon.wait(), 0)
                store.wait_until(lambda: store.names() == [])

    @each_backend(workers=(2,))
    def test_in_place_before(self, how):
        """One that is asked for while one in place is rehearsed replaces it"""
        with Store() as store, store.daemon(
                **self.arguments(how)) as daemon, \
                daemon.connect() as client:
            store.wait_for("READY")
            self.assertTrue(exchange(client))
            daemon.send_signal(signal.SIGUSR2)
            hand_over(daemon)
            self.assertEqual(parts(store), LEFT)


if __name__ == "__main__":
    tap.main()
