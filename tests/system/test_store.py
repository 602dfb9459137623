# SPDX-License-Identifier: ISC
"""The descriptor store of a service manager: what lies there outlives a crash.
"""

import contextlib
import os
import signal
import socket
import tempfile

import tap
from client import ask, receive
from daemon import Case, each_backend, linux_only, wait_until
from ports import free_ports
from service_manager import Manager, Store
from stream import upper

LINE = "ein Stück\n".encode()

WORKERS = (1, 2)


def name_of(port, host="127.0.0.1"):
    return f"upcased-store-tcp-{host}_{port}"


def address_of(port, host="127.0.0.1"):
    return f"{host}:{port}"


def exchange(client):
    client.sendall(LINE)
    return receive(client, len(upper(LINE))) == upper(LINE)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 60)


def is_refused(port):
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


class StoreTest(Case):
    @each_backend(workers=WORKERS)
    def test_held(self, how):
        """All addresses are in the store when the service is ready, each by a
        name of its own"""
        ports = free_ports(2)
        with Store() as store, store.daemon(
                **how, listen=[*map(address_of, ports)]):
            ready = store.wait_for("READY")
            self.assertEqual(
                sorted(fields.get("FDNAME", "")
                       for fields in store.messages[:ready]),
                sorted(["", *map(name_of, ports)]))
            for fields in store.messages[:ready - 1]:
                self.assertEqual(fields["FDSTORE"], "1")
                # A hang-up must not remove it.
                self.assertEqual(fields["FDPOLL"], "0")

    @linux_only
    @each_backend(workers=WORKERS)
    def test_crash(self, how):
        """After a crash clients wait in the queue of the same socket"""
        (port,) = free_ports()
        arguments = {**how, "listen": [address_of(port)]}
        with Store() as store:
            for _ in range(3):
                with store.daemon(**arguments) as daemon:
                    store.wait_for("READY")
                    (held,) = store.held
                    socket_of = os.readlink(f"/proc/self/fd/{held[1]}")
                    self.assertEqual(
                        list(daemon.fds().values()).count(socket_of), 1)
                    with connect(port) as client:
                        self.assertTrue(exchange(client))
                        daemon.kill()
                self.assertEqual(store.names(), [name_of(port)])
                with connect(port) as late:
                    late.sendall(LINE)
                    with store.daemon(**arguments):
                        self.assertEqual(receive(late, len(upper(LINE))),
                                         upper(LINE))
                        self.assertEqual(store.held, [held])

    @each_backend(workers=WORKERS)
    def test_unwanted(self, how):
        """What comes from the store and is not asked for, or is no listener,
        is closed and removed"""
        old, new = free_ports(2)
        with Store() as store, contextlib.ExitStack() as stack:
            with store.daemon(**how, listen=[address_of(old)]) as daemon:
                store.wait_for("READY")
                daemon.kill()
            def add(name, one):
                store.held.append((name, os.dup(one.fileno())))
            silent = stack.enter_context(socket.socket())
            silent.bind(("127.0.0.1", 0))
            add(name_of(silent.getsockname()[1]), silent)
            add("upcased-store-later", silent)
            listens = stack.enter_context(
                socket.create_server(("127.0.0.1", 0)))
            add("upcased-store-other", listens)
            silent.close()
            listens.close()
            with store.daemon(**how, listen=[address_of(new)]) as daemon:
                store.wait_for_names(name_of(new))
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.wait_for_line(f"^no longer listening on .*:{old}$")
                wait_until(lambda: is_refused(old), "it is closed")
                self.assertEqual(
                    sum("is not understood" in line for line in daemon.lines),
                    3)

    @each_backend(workers=WORKERS)
    def test_wider(self, how):
        """What is in the store makes room for a part of its address, or for a
        whole of which it is a part"""
        hosts = ["127.0.0.1", "0.0.0.0"]
        for before, after in (hosts, reversed(hosts)):
            (port,) = free_ports()
            with Store() as store:
                with store.daemon(
                        **how, listen=[address_of(port, before)]) as daemon:
                    store.wait_for("READY")
                    daemon.kill()
                with store.daemon(
                        **how, listen=[address_of(port, after)]) as daemon:
                    store.wait_for("READY")
                    with connect(port) as client:
                        self.assertTrue(exchange(client))

    @each_backend(workers=WORKERS)
    def test_in_use(self, how):
        """A start that fails for another address leaves the store as it was"""
        kept, taken = free_ports(2)
        with Store() as store:
            with store.daemon(**how, listen=[address_of(kept)]) as daemon:
                store.wait_for("READY")
                daemon.kill()
            with socket.create_server(("127.0.0.1", taken)):
                failing = store.daemon(
                    **how, listen=[address_of(kept), address_of(taken)])
                with self.assertRaises(AssertionError), failing:
                    pass
            self.assertIn(f"127.0.0.1:{taken} is in use; stop the other",
                          "".join(failing.lines))
            with store.daemon(**how, listen=[address_of(kept)]) as daemon:
                store.wait_for_names(name_of(kept))
                self.assertEqual(ask(daemon, LINE), upper(LINE))

    @each_backend(workers=WORKERS)
    def test_reload(self, how):
        """A reload puts new addresses into the store and removes the others,
        also those that are served for a moment longer, and after a hand-over
        in place"""
        one, two, three = free_ports(3)
        with Store() as store, tempfile.NamedTemporaryFile("w") as file:
            os.chmod(file.name, 0o644)
            def write(*addresses):
                file.seek(0)
                file.truncate()
                file.writelines(f"listen = {one_of}\n" for one_of in addresses)
                file.flush()
            write(address_of(one), address_of(two))
            arguments = {**how, "listen": (), "config": file.name}
            with store.daemon(**arguments) as daemon:
                store.wait_for_names(name_of(one), name_of(two))
                write(address_of(two), address_of(three))
                self.assertRegex(daemon.reload()[-1], "^reloaded")
                store.wait_for_names(name_of(two), name_of(three))
                wait_until(lambda: is_refused(one), "it is closed")
                # Nothing changes where a reload is refused.
                write("203.0.113.77:1")
                self.assertRegex(daemon.reload()[-1], "not reloaded")
                # An address that is a part of one that stays.
                write(address_of(two, "0.0.0.0"), address_of(three))
                self.assertRegex(daemon.reload()[-1], "^reloaded")
                store.wait_for_names(name_of(two), name_of(three),
                                     name_of(two, "0.0.0.0"))
                write(address_of(two), address_of(one))
                self.assertRegex(daemon.reload()[-1], "^reloaded")
                store.wait_for_names(name_of(two), name_of(one))
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                daemon.wait_for_line("^listening", since)
                wait_until(lambda: not is_refused(one), "it serves")
                write(address_of(two))
                self.assertRegex(daemon.reload()[-1], "^reloaded")
                store.wait_for_names(name_of(two))
                with connect(two) as client:
                    self.assertTrue(exchange(client))
                    daemon.kill()
            with store.daemon(**arguments), connect(two) as client:
                self.assertTrue(exchange(client))

    @each_backend(workers=WORKERS)
    def test_address_replaced(self, how):
        """Clients are not left to a socket that takes nobody any longer, when
        the service crashes while one address takes the place of another"""
        (port,) = free_ports()
        with Store() as store, tempfile.NamedTemporaryFile("w") as file:
            os.chmod(file.name, 0o644)
            def write(host):
                file.seek(0)
                file.truncate()
                file.write(f"listen = {address_of(port, host)}\n")
                file.flush()
            write("0.0.0.0")
            arguments = {**how, "listen": (), "config": file.name}
            for host in "127.0.0.1", "0.0.0.0", "127.0.0.1":
                with store.daemon(**arguments) as daemon:
                    store.wait_for("READY")
                    write(host)
                    self.assertRegex(daemon.reload()[-1], "^reloaded")
                    with connect(port) as client:
                        self.assertTrue(exchange(client))
                    daemon.kill()
                with store.daemon(**arguments) as daemon:
                    store.wait_for("READY")
                    # The part of an address stays with the whole.
                    self.assertIn(name_of(port, host), store.names())
                    with connect(port) as client:
                        self.assertTrue(exchange(client))
                    daemon.kill()

    @each_backend(workers=WORKERS)
    def test_socket_unit(self, how):
        """Sockets of a socket unit are told apart from those of the store"""
        (port,) = free_ports()
        with Store() as store, \
                socket.create_server(("127.0.0.1", 0)) as unit:
            theirs = unit.getsockname()[1]
            arguments = {**how, "sockets": [unit], "names": ["upcased.socket"],
                         "listen": [address_of(port)]}
            for _ in range(2):
                daemon = store.daemon(**arguments)
                daemon.nlisteners = 2
                with daemon:
                    store.wait_for("READY")
                    self.assertEqual(store.names(), [name_of(port)])
                    for one in theirs, port:
                        with connect(one) as client:
                            self.assertTrue(exchange(client))
                    daemon.wait_for_line(
                        rf"127\.0\.0\.1:{theirs} is passed in as")
                    daemon.kill()
            # Without the option that one alone is served, not the default.
            with store.daemon(**{**arguments, "listen": ()}) as daemon:
                store.wait_for_names()
                wait_until(lambda: is_refused(port), "it is closed")
                self.assertFalse(any("5220" in line for line in daemon.lines))

    @each_backend(workers=WORKERS)
    def test_stop(self, how):
        """A stop removes the sockets, so that nobody waits in vain"""
        (port,) = free_ports()
        for signo in signal.SIGTERM, signal.SIGINT:
            with Store() as store, store.daemon(
                    **how, listen=[address_of(port)]) as daemon, \
                    connect(port) as client:
                store.wait_for_names(name_of(port))
                self.assertTrue(exchange(client))
                daemon.send_signal(signo)
                store.wait_for_names()
                daemon.wait_for_line("^draining")
                wait_until(lambda: is_refused(port), "nobody is let in")
                self.assertTrue(exchange(client))
                client.close()
                daemon.wait()

    @each_backend(workers=(1,))
    def test_none(self, how):
        """Without a store nothing is put anywhere"""
        (port,) = free_ports()
        for places in {}, {"FDSTORE": "0"}, {"FDSTORE": "many"}:
            with Manager() as manager, manager.daemon(
                    **how, listen=[address_of(port)], env=places) as daemon:
                self.assertIn("READY", manager.receive())
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.stop()
                for message in manager.waiting():
                    self.assertNotIn("FDNAME", message)
                warned = any("FDSTORE: 'many' is not a number" in line
                             for line in daemon.lines)
                self.assertEqual(warned, places == {"FDSTORE": "many"})

    @each_backend(workers=(1,))
    def test_small(self, how):
        """A store that is too small for all addresses gets what it can hold,
        and the log says so once"""
        ports = free_ports(3)
        with Store(places=1) as store, store.daemon(
                **how, listen=[*map(address_of, ports)]) as daemon:
            store.wait_for("READY")
            self.assertEqual(len(store.held), 1)
            daemon.reload()
            self.assertEqual(
                sum("has room for 1 descriptors" in line
                    for line in daemon.lines), 1)
            for port in ports:
                with connect(port) as client:
                    self.assertTrue(exchange(client))

    @linux_only
    @each_backend(workers=(1,))
    def test_not_read(self, how):
        """What a manager that reads nothing could not be told is told later"""
        old, new = free_ports(2)
        with Store() as store, tempfile.NamedTemporaryFile("w") as file, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            os.chmod(file.name, 0o644)
            def write(*ports):
                file.seek(0)
                file.truncate()
                file.writelines(f"listen = {address_of(port)}\n"
                                for port in ports)
                file.flush()
            write(old)
            with store.daemon(**how, listen=(), config=file.name) as daemon:
                store.wait_for_names(name_of(old))
                other.setblocking(False)
                other.connect(store.name)
                for ports in (old, new), (new,):
                    write(*ports)
                    with store.news:
                        # Its thread waits for the lock with one message.
                        with contextlib.suppress(BlockingIOError):
                            while True:
                                other.send(b"OTHER=1\n")
                        self.assertRegex(daemon.reload()[-1], "^reloaded")
                        with connect(new) as client:
                            self.assertTrue(exchange(client))
                    store.wait_for_names(*map(name_of, ports))


if __name__ == "__main__":
    tap.main()
