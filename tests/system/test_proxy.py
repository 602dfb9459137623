#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Listeners for proxies: the header of the PROXY protocol before the text."""

import signal
import socket
import struct
import time

import tap
from client import receive
from config_file import ConfigFile
from daemon import PATIENCE, Case, Daemon, each_backend, wait_until
from haproxy import free_port
from stream import upper

TEXT = "größe ﬃ\n".encode()
CLIENT = ("198.51.100.7", 12345)
LINE = b"PROXY TCP4 198.51.100.7 198.51.100.1 12345 5220\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def binary(command=1, family=0x11, ends=None, values=b""):
    """A header of version 2."""
    if ends is None:
        ends = (socket.inet_aton(CLIENT[0]) + socket.inet_aton("198.51.100.1")
                + struct.pack("!HH", CLIENT[1], 5220))
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family,
                                   len(ends + values)) + ends + values


HEADERS = {"version 1": LINE, "version 2": binary(),
           "with values": binary(values=b"\4\0\3abc\2\0\0")}


def is_reset(client, patience=PATIENCE):
    """Whether the connection is reset, and no byte comes before."""
    client.settimeout(patience)
    try:
        return client.recv(1) is None
    except ConnectionResetError:
        return True


class ProxyCase(Case):
    LISTEN = ("127.0.0.1:0,proxy",)

    def started(self, how=None, args=(), listen=LISTEN, trusted="127.0.0.0/8"):
        return Daemon(**(how or {}), listen=list(listen),
                      args=["--proxy-from", trusted, *args])

    def check_served(self, client, text=TEXT):
        client.sendall(text)
        self.assertEqual(receive(client, len(upper(text))), upper(text))

    def check_whole(self, client, text=TEXT):
        self.check_served(client, text)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")

    def peer_of_end(self, daemon, since=0):
        """The client in the next line of a connection, and its reason."""
        found = daemon.wait_for_line(
            r"connection peer=(\S+) .* reason=(\S+)", since)
        return found[1], found[2]


class HeaderTest(ProxyCase):
    @each_backend(workers=(1, 2))
    def test_split(self, how):
        """The text behind a header is answered, wherever that is split"""
        with self.started(how) as daemon:
            for header in HEADERS.values():
                for place in range(len(header) + 1):
                    with daemon.connect() as client:
                        client.sendall(header[:place])
                        client.sendall(header[place:] + TEXT)
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(receive(client, len(upper(TEXT))),
                                         upper(TEXT))
                        self.assertEqual(client.recv(1), b"")
            counters = daemon.counters()
            n = sum(len(header) + 1 for header in HEADERS.values())
            self.assertEqual(counters["ended"], n)
            self.assertEqual(counters["received"], n * len(TEXT))

    @each_backend(workers=(1, 2))
    def test_client(self, how):
        """The log has the address of the client that the header names"""
        with self.started(how, ["--log-connections"]) as daemon:
            for header, peer in (
                    (LINE, "198.51.100.7:12345"),
                    (binary(), "198.51.100.7:12345"),
                    (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n", "[2001:db8::7]:1"),
                    (binary(0), None), (b"PROXY UNKNOWN\r\n", None),
                    (binary(1, 0x31, bytes(216)), None)):
                since = len(daemon.lines)
                with daemon.connect() as client:
                    own = "{}:{}".format(*client.getsockname())
                    client.sendall(header)
                    self.check_served(client)
                self.assertEqual(self.peer_of_end(daemon, since),
                                 (peer or own, "ended"))

    @each_backend(workers=(1, 2))
    def test_malformed(self, how):
        """What is no header is reset and counted, and the log names the
        proxy; so is an end before that of the header"""
        bad = (TEXT, b"PROXY TCP4 x\r\n", LINE.replace(b"\r", b""),
               binary(2), binary(1, 0x41), binary(values=b"\4\0\5abc"),
               SIGNATURE + b"\x21\x11\x0f\xf1")
        with self.started(how, ["--log-level", "debug"]) as daemon:
            for header in bad:
                with self.subTest(header), daemon.connect() as client:
                    client.sendall(header)
                    self.assertTrue(is_reset(client))
            for cut in (0, 1, len(LINE) - 1):
                with daemon.connect() as client:
                    client.sendall(LINE[:cut])
                    client.shutdown(socket.SHUT_WR)
                    self.assertTrue(is_reset(client))
            self.assertEqual(daemon.counters()["proxy-errors"], len(bad) + 3)
            daemon.wait_for_line(
                r"reset 127\.0\.0\.1:\d+, which sent no PROXY header")
            daemon.wait_for_line("its last value does not end where it ends")
            self.assertEqual(ask_with(daemon, LINE), upper(TEXT))

    @each_backend()
    def test_deadline(self, how):
        """A header that is not whole after 5 seconds is reset, though bytes
        of it come all the time"""
        with self.started(how) as daemon, daemon.connect() as slow, \
                daemon.connect() as silent:
            began = time.monotonic()
            slow.settimeout(0.2)
            sent = 0
            while True:
                try:
                    if sent < len(LINE) - 2:
                        slow.sendall(LINE[sent:sent + 1])
                        sent += 1
                    if not slow.recv(1):
                        self.fail("it ended in order")
                except socket.timeout:
                    self.assertLess(time.monotonic() - began, 60)
                except ConnectionError:
                    break
            self.assertGreater(time.monotonic() - began, 4.9)
            self.assertTrue(is_reset(silent))
            self.assertEqual(daemon.counters()["proxy-errors"], 2)

    def test_who(self):
        """Who is not in proxy-from is reset without being heard"""
        with self.started(trusted="192.0.2.0/24") as daemon:
            try:
                with daemon.connect() as client:
                    self.assertTrue(is_reset(client))
            except ConnectionResetError:
                # The reset may come before connect has returned.
                pass
            self.assertEqual(daemon.counters()["proxy-forbidden"], 1)
            daemon.wait_for_line(r"reset 127\.0\.0\.1:\d+, which is no proxy "
                                 "that --proxy-from has")

    def test_plain(self):
        """On other addresses a header is text, and no header is required"""
        with self.started(listen=["127.0.0.1:0,proxy", "127.0.0.1:0"]) as \
                daemon:
            daemon.wait_for_line(r"^listening on 127\.0\.0\.1:\d+ for PROXY$")
            daemon.wait_for_line(r"^listening on 127\.0\.0\.1:\d+$")
            plain = daemon.addresses[1]
            for text in (LINE, binary(), TEXT):
                with daemon.connect(plain) as client:
                    client.sendall(text)
                    self.assertEqual(receive(client, len(upper(text))),
                                     upper(text))


class ChangeTest(ProxyCase):
    @each_backend(workers=(1, 2))
    def test_handover(self, how):
        """A hand-over in the middle of a header loses none of it, and keeps
        the address of a client behind it"""
        with self.started(how, ["--log-connections"]) as daemon:
            # A busy machine may need longer than a header may take.
            wait_until(lambda: self.is_handed_over(daemon),
                       "a hand-over in less than 4 seconds")

    def is_handed_over(self, daemon):
        with daemon.connect() as half, daemon.connect() as whole, \
                daemon.connect() as silent:
            began = time.monotonic()
            half.sendall(LINE[:20])
            wait_until(lambda: not unread(half), "the half is taken")
            whole.sendall(binary())
            self.check_served(whole)
            since = len(daemon.lines)
            daemon.send_signal(signal.SIGUSR2)
            daemon.wait_for_line("^listening on .* for PROXY", since)
            if time.monotonic() - began > 4:
                return False
            half.sendall(LINE[20:])
            silent.sendall(LINE)
            for client in (half, whole, silent):
                since = len(daemon.lines)
                self.check_whole(client)
                client.close()
                self.assertEqual(self.peer_of_end(daemon, since),
                                 ("198.51.100.7:12345", "ended"))
            return True

    @each_backend(workers=(1, 2))
    def test_reload(self, how):
        """A reload gives the attribute to an address and takes it away; the
        socket stays, and so do connections"""
        port = free_port()
        plain = f"listen = 127.0.0.1:{port}\nproxy-from = loopback\n"
        proxied = plain.replace("\n", ",proxy\n", 1)
        address = ("127.0.0.1", port)
        with ConfigFile(plain) as file:
            with Daemon(**how, listen=[], config=file.path) as daemon, \
                    daemon.connect(address) as first:
                self.check_served(first)
                file.write(proxied)
                lines = daemon.reload()
                self.assertIn(f"listening on 127.0.0.1:{port} for PROXY",
                              lines)
                self.check_served(first, LINE)
                with daemon.connect(address) as second:
                    second.sendall(LINE[:9])
                    wait_until(lambda: not unread(second), "it is taken")
                    file.write(plain)
                    lines = daemon.reload()
                    self.assertIn(f"listening on 127.0.0.1:{port}", lines)
                    second.sendall(LINE[9:])
                    self.check_whole(second)
                with daemon.connect(address) as third:
                    self.check_whole(third, LINE)
                self.check_whole(first)

    @each_backend(workers=(1, 2))
    def test_drain(self, how):
        """A drain ends who sends no header, and serves who does"""
        with self.started(how, ["--drain-timeout", "0"]) as daemon, \
                daemon.connect() as silent, daemon.connect() as client:
            client.sendall(LINE)
            self.check_served(client)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for_line("^draining")
            self.check_whole(client)
            self.assertTrue(is_reset(silent))
            self.assertEqual(daemon.wait(), 0)
            daemon.wait_for_line("accepted=2 ended=1 proxy-errors=1 ")


def unread(client):
    """Whether the daemon has not taken all that the client has sent."""
    own = "{:04X}".format(client.getsockname()[1])
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    for row in rows:
        sends, receives = row[4].split(":")
        if row[1].endswith(":" + own) and int(sends, 16) or \
                row[2].endswith(":" + own) and int(receives, 16):
            return True
    return False


def ask_with(daemon, header, text=TEXT):
    with daemon.connect() as client:
        client.sendall(header + text)
        return receive(client, len(upper(text)))


if __name__ == "__main__":
    tap.main()
