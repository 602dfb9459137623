#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Addresses: all that was asked for are served, or the start is refused."""

import os
import shutil
import socket
import tempfile
import unittest

import tap
from client import ask
from daemon import Daemon, linux_only, with_mounts
from injection import injecting, with_strace
from namespaces import with_namespaces
from refusal import (NO_HOST, NO_PERMISSION, OS_ERROR, UNAVAILABLE, USAGE,
                     RefusalCase)
from stream import has_ipv6, upper

LINE = "ein Stück\n".encode()


def free_port():
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return finder.getsockname()[1]


class World:
    """A host with names and interfaces of its own, as a context manager.

    It is the wrapper of programs that are to run there.  The commands of the
    shell set it up.
    """

    WIRE = ("ip link add wire type veth peer name eriw && "
            "ip link set wire up && ip link set eriw up")
    # An address of it stays tentative for as long as a test lasts.
    SLOW = "echo 1000 >/proc/sys/net/ipv6/conf/wire/dad_transmits"
    NO_IPV6 = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"

    def __init__(self, *commands, hosts="", resolver="",
                 network=True):
        self.files = {"/etc/hosts": hosts, "/etc/resolv.conf": resolver}
        self.own = ["-m", "-n"] if network else ["-m"]
        self.commands = [*commands]
        if network:
            self.commands.insert(0, "ip link set lo up")

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        script = []
        for path, text in self.files.items():
            own = os.path.join(self.folder.name, os.path.basename(path))
            with open(own, "w") as file:
                file.write(text)
            script.append(f"mount --bind {own} {path}")
        script += [*self.commands, 'exec "$@"']
        return ["unshare", *self.own, "sh", "-c", " && ".join(script), "sh"]

    def __exit__(self, *error):
        self.folder.cleanup()


def with_worlds(test):
    """Skips a test where there can be no such hosts."""
    return linux_only(with_mounts(with_namespaces(test)))


class MeaningTest(RefusalCase):
    def test_faults(self):
        """What no client could reach, or is no address, is a wrong value"""
        for address, pattern in (
                ("[fe80::1]:5220", r"\[fe80::1%eth0\]:5220"),
                ("[fe80::ffff:1]:0", "link-local.*interface"),
                ("[::ffff:127.0.0.1]:5220", "write it as IPv4"),
                ("[::ffff:c000:201]:5220", "write it as IPv4"),
                ("[ff02::1]:5220", "multicast"),
                ("[ff02::1%lo]:5220", "multicast"),
                ("224.0.0.1:5220", "multicast"),
                ("239.255.255.255:0", "multicast"),
                ("255.255.255.255:0", "broadcast"),
                ("[::zz]:5220", "no IPv4 or IPv6 address"),
                ("[1:2:3]:5220", "no IPv4 or IPv6 address"),
                ("999.0.0.1:5220", "no IPv4 or IPv6 address"),
                ("1.2.3.4.5:5220", "no IPv4 or IPv6 address")):
            with self.subTest(address):
                self.check(USAGE, pattern, "--listen", address)

    def test_twice(self):
        """Two --listen that mean one address name each other"""
        port = free_port()
        for one, other, address in (
                ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
                ("127.0.0.1", "127.1", "127.0.0.1"),
                ("127.0.0.1", "localhost", "127.0.0.1"),
                ("localhost", "127.0.0.1", "127.0.0.1"),
                ("", "127.0.0.1", "127.0.0.1"),
                ("127.0.0.1", "", "127.0.0.1"),
                ("0.0.0.0", "127.0.0.2", "127.0.0.2"),
                ("", "", "0.0.0.0")):
            with self.subTest(f"{one} {other}"):
                self.check(
                    USAGE, f"--listen {one}:{port} and --listen {other}:"
                    f"{port} both mean {address}:{port}; ", "--listen",
                    f"{one}:{port}", "--listen", f"{other}:{port}")
        with Daemon(listen=2 * ["127.0.0.1:0"]) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @unittest.skipUnless(has_ipv6(), "needs IPv6")
    def test_twice_ipv6(self):
        """So do those that mean one address of IPv6"""
        port = free_port()
        for one, other in (("::1", "0:0::1"), ("::", "::1"), ("::1", "::"),
                           ("::", "::")):
            with self.subTest(f"{one} {other}"):
                self.check(USAGE, r"--listen .* both mean \[::1?\]:"
                           f"{port}; ", "--listen", f"[{one}]:{port}",
                           "--listen", f"[{other}]:{port}")

    @unittest.skipUnless(has_ipv6(), "needs IPv6")
    def test_families_do_not_overlap(self):
        """All of IPv4 and all of IPv6 at one port are two addresses"""
        port = free_port()
        with Daemon(listen=[f"0.0.0.0:{port}", f"[::]:{port}"]) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
            self.assertEqual(len(daemon.addresses), 2)

    def test_foreign_address(self):
        """An address of another host is refused"""
        # From blocks that are for documentation only (RFC 5737, RFC 3849).
        for address in ("203.0.113.1:0", "[2001:db8::1]:0", "0.0.0.1:0"):
            self.check(UNAVAILABLE, "address of this host", "--listen",
                       address)

    def test_no_interface(self):
        """An interface that there is not is named, and may come later"""
        self.check(UNAVAILABLE, "no interface nowhere", "--listen",
                   "[fe80::1%nowhere]:0")
        self.check(UNAVAILABLE, "address of this host", "--listen",
                   "[fe80::1%4711]:0")
        self.check(UNAVAILABLE, "address of this host", "--listen",
                   "[fe80::1%lo]:0")


class PortTest(RefusalCase):
    def hold(self, reuse=False, listens=True):
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        holder.bind(("127.0.0.1", 0))
        if listens:
            holder.listen()
        return "127.0.0.1:%d" % holder.getsockname()[1]

    def test_port_in_use(self):
        """A port in use is refused, and the others are not kept"""
        for how in ({}, {"reuse": True}, {"listens": False}):
            taken = self.hold(**how)
            self.check(UNAVAILABLE, f"{taken} is in use; stop",
                       "--listen", "127.0.0.1:0", "--listen", taken)

    @linux_only
    @with_mounts
    @unittest.skipUnless(has_ipv6(), "needs IPv6")
    def test_port_of_name(self):
        """A name is refused when one of its addresses is in use"""
        with World(hosts="127.0.0.1 both.test\n::1 both.test\n",
                   network=False) as wrapper, \
                socket.socket(socket.AF_INET6) as holder:
            holder.bind(("::1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            self.check(UNAVAILABLE, rf"\[::1\]:{port} is in use; stop",
                       "--listen", f"both.test:{port}", wrapper=wrapper)

    def test_port_of_all(self):
        """A port of all addresses is in use when one address has it"""
        port = self.hold().partition(":")[2]
        self.check(UNAVAILABLE, f"0.0.0.0:{port} is in use; stop",
                   "--listen", f":{port}")

    def test_port_just_left(self):
        """A port whose last connections are still remembered is served"""
        port = free_port()
        for _ in range(2):
            with Daemon(listen=[f"127.0.0.1:{port}"]) as daemon:
                client = daemon.connect()
                client.sendall(LINE)
                self.assertEqual(client.recv(1024), upper(LINE))
                # The daemon closes first, and has to remember.
                daemon.stop()
                self.assertEqual(client.recv(1024), b"")
                client.close()

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"),
                     "needs setpriv")
    def test_low_port(self):
        """A port below 1024 without the right to it is refused"""
        wrapper = ["setpriv", "--bounding-set=-net_bind_service"]
        if os.geteuid() != 0:
            wrapper = []
        free = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
        if os.path.exists(free):
            with open(free) as start:
                if int(start.read()) < 1024:
                    self.skipTest("needs ports that are kept for root")
        self.check(NO_PERMISSION, "127.0.0.1:1023: .*below 1024", "--listen",
                   "127.0.0.1:1023", wrapper=wrapper)

    @with_strace
    def test_calls(self):
        """The status follows what the system says to a socket"""
        for call, error, status, pattern in (
                ("socket", "EPERM", NO_PERMISSION, "sandbox"),
                ("socket", "EACCES", NO_PERMISSION, "sandbox"),
                ("bind", "EACCES", NO_PERMISSION, "sandbox"),
                ("socket", "EAFNOSUPPORT", UNAVAILABLE, "of this host"),
                ("socket", "EMFILE", OS_ERROR, "ulimit -n"),
                ("socket", "ENFILE", OS_ERROR, "ulimit -n"),
                ("socket", "ENOBUFS", OS_ERROR, "memory"),
                ("bind", "EINVAL", OS_ERROR, "another address"),
                ("listen", "EADDRINUSE", UNAVAILABLE, "in use")):
            with self.subTest(f"{call} {error}"), \
                    tempfile.NamedTemporaryFile() as trace:
                self.check(status, pattern, "--listen", "127.0.0.1:5999",
                           wrapper=injecting(trace.name, call, error, "1+"))

    @with_strace
    def test_options_refused(self):
        """Options of TCP that the system lacks cost a line each, once"""
        with tempfile.NamedTemporaryFile() as trace, Daemon(
                listen=2 * ["127.0.0.1:0"], args=["--idle-timeout", "0"],
                wrapper=injecting(trace.name, "setsockopt", "ENOPROTOOPT",
                                  "1+")) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
        said = [line for line in daemon.lines if "option of TCP" in line]
        self.assertEqual(len(said), 5, said)
        self.assertEqual(len(set(said)), 5)
        self.assertFalse([line for line in daemon.lines
                          if line.startswith("the kernel holds")])

    @with_strace
    def test_buffers_refused(self):
        """Buffers above a limit are halved, and said to be as they are"""
        with tempfile.NamedTemporaryFile() as trace, Daemon(
                wrapper=injecting(trace.name, "setsockopt", "ENOBUFS", "3"),
        ) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
        self.assertFalse([s for s in daemon.lines if "option of TCP" in s])


@with_worlds
class NameTest(RefusalCase):
    def check_left_out(self, address, listen, world):
        """IPv4 is served, and a line says that the other address is not."""
        with world as wrapper, Daemon(listen=listen, wrapper=wrapper) as daemon:
            daemon.wait_for_line(rf"^\[{address}\]:\d+ is left out: ")
            served = [s for s in daemon.lines if s.startswith("listening on")]
            self.assertEqual([s.rpartition(":")[0] for s in served],
                             ["listening on 127.0.0.1"])

    def test_repeated_address(self):
        """An address that a name has twice is served once"""
        with World(hosts="127.0.0.1 twice.test\n::1 twice.test\n"
                   "127.0.0.1 again.test twice.test\n") as wrapper, \
                Daemon(listen=["twice.test:0"], wrapper=wrapper) as daemon:
            daemon.wait_for_line("^listening on .*::1")
            names = [line.rpartition(":")[0] for line in daemon.lines
                     if line.startswith("listening on ")]
        self.assertEqual(len(names), len(set(names)))

    def test_no_ipv6(self):
        """On a host without IPv6 a name is served on what is left"""
        self.check_left_out("::1", ["both.test:0"], World(
            World.NO_IPV6, hosts="127.0.0.1 both.test\n::1 both.test\n"))
        self.check_left_out("2001:db8::1", ["far.test:0"], World(
            World.NO_IPV6, hosts="127.0.0.1 far.test\n2001:db8::1 far.test\n"))

    def test_no_ipv6_by_default(self):
        """On a host without IPv6 the default is IPv4, with a line"""
        with World(World.NO_IPV6) as wrapper:
            daemon = Daemon(listen=[], wrapper=wrapper)
            daemon.nlisteners = 1
            with daemon:
                daemon.wait_for_line(r"^\[::1\]:5220 is left out: ")
                daemon.wait_for_line(r"^listening on 127\.0\.0\.1:5220$")

    def test_no_ipv6_asked_for(self):
        """On a host without IPv6 an address of it alone is refused"""
        with World(World.NO_IPV6, hosts="::1 six.test\n::2 six.test\n") as it:
            for host in ("[::1]", "six.test"):
                self.check(UNAVAILABLE, "address of this host", "--listen",
                           f"{host}:0", wrapper=it)

    def test_not_ready(self):
        """An address that is not ready yet is refused, by a name as well"""
        with World(World.WIRE, World.SLOW,
                   "ip addr add 2001:db8::1/64 dev wire",
                   "ip addr show dev wire | grep -q tentative",
                   hosts="127.0.0.1 slow.test\n2001:db8::1 slow.test\n") as it:
            for host in ("[2001:db8::1]", "slow.test"):
                self.check(UNAVAILABLE, r"\[2001:db8::1\]:0 is not .*not "
                           "ready yet", "--listen", f"{host}:0", wrapper=it)

    def test_ready(self):
        """The same address is served once it is ready"""
        with World(World.WIRE, "ip addr add 2001:db8::1/64 dev wire nodad",
                   hosts="127.0.0.1 slow.test\n2001:db8::1 slow.test\n") as it:
            with Daemon(listen=["slow.test:0"], wrapper=it) as daemon:
                daemon.wait_for_line(r"^listening on \[2001:db8::1\]:")
                daemon.wait_for_line(r"^listening on 127\.0\.0\.1:")

    def test_interface_down(self):
        """An address that went with its interface is refused"""
        with World(World.WIRE, "ip addr add 2001:db8::1/64 dev wire nodad",
                   "ip link set wire down") as it:
            self.check(UNAVAILABLE, "address of this host", "--listen",
                       "[2001:db8::1]:0", wrapper=it)

    def test_unusable(self):
        """A name that stands for an unusable address is refused"""
        with World(hosts="fe80::1 link.test\n::ffff:127.0.0.1 mapped.test\n"
                   "224.0.0.1 group.test\n") as it:
            for name, pattern in (("link", "interface"), ("group", "multicast"),
                                  ("mapped", "IPv4")):
                self.check(UNAVAILABLE, f"{name}.test:0: its address .*"
                           f"{pattern}", "--listen", f"{name}.test:0",
                           wrapper=it)

    def test_unknown(self):
        """A name that does not resolve is refused"""
        # The top level domain is kept for names that never exist (RFC 6761).
        self.check(NO_HOST, "nowhere.invalid", "--listen", "nowhere.invalid:0")

    def test_no_answer(self):
        """A name server that cannot be reached is a trouble that may pass"""
        with World(resolver="nameserver 192.0.2.53\n") as it:
            self.check(NO_HOST, "name.test:0: no name server answers; .*try "
                       "again", "--listen", "name.test:0", wrapper=it)
            # It is not asked for what is no name.
            self.check(USAGE, "no IPv4 or IPv6", "--listen", "999.0.0.1:0",
                       wrapper=it)


if __name__ == "__main__":
    tap.main()
