# SPDX-License-Identifier: ISC
"""Inventories of hand-overs, as other versions of the program write them: see
src/server/inventory.h.

A test puts a program in the place of the daemon that rewrites the inventory and
then executes the daemon.  It has the text of this file, so that it needs no
other, and rewrites what is rehearsed as well.
"""

import fcntl
import os
import struct
import sys

HEADER = struct.Struct("=8s10I2Q")
COUNTER = struct.Struct("=24sQ")
LISTENER = struct.Struct("=16s16s128s4I")
CONN = struct.Struct("=3Q2IH6B6sH3Q28s2I18sH")

# Places in a listener, and in a connection.
ADDRESS = 2
PENDING, CAUSE, SERVICE, TEXT = 1, 7, 8, 12

F_ADD_SEALS, ALL_SEALS = 1033, 15

# What no version knows.
JUNK = b"\xff"


class Inventory:
    def __init__(self, data):
        header = HEADER.unpack_from(data)
        (self.magic, self.version, self.readable_by, size, *_) = header
        ncounters, nlisteners, nconns = header[7:10]
        npending, self.blocks = header[11:]
        def take(n, record):
            nonlocal size
            rows = [list(record.unpack_from(data, size + i * record.size))
                    for i in range(n)]
            size += n * record.size
            return rows
        self.counters = take(ncounters, COUNTER)
        self.listeners = take(nlisteners, LISTENER)
        self.conns = take(nconns, CONN)
        self.pending = data[size:size + npending]

    def write(self, sizes=(HEADER.size, COUNTER.size, LISTENER.size,
                           CONN.size), more=b""):
        """All of it, in structures of these sizes and with more behind."""
        header, counter, listener, conn = sizes
        def fit(data, size):
            return data[:size] + JUNK * (size - len(data))
        def section(rows, record, size):
            return b"".join(fit(record.pack(*row), size) for row in rows)
        return fit(HEADER.pack(
            self.magic, self.version, self.readable_by, header, counter,
            listener, conn, len(self.counters), len(self.listeners),
            len(self.conns), 0, len(self.pending), self.blocks), header) + \
            section(self.counters, COUNTER, counter) + \
            section(self.listeners, LISTENER, listener) + \
            section(self.conns, CONN, conn) + self.pending + more

    def names(self):
        """The names of the counters; a sketch has only room for them."""
        return [row[0].rstrip(b"\0") for row in self.counters]

    def name_counters(self, names):
        """Other counters, in this order; causes are those of before."""
        before = self.names()
        value = dict(zip(before, (row[1] for row in self.counters)))
        self.counters = [[name, value.get(name, 7)] for name in names]
        for conn in self.conns:
            conn[CAUSE] = names.index(before[conn[CAUSE]])


def older(inventory):
    """An older version had no more than these members, and one counter less.

    It is one that may have been: the last member of each structure, which is
    also the one that is most easily done without, came later.
    """
    inventory.version = inventory.readable_by = 0
    inventory.name_counters([name for name in reversed(inventory.names())
                             if name != b"full"])
    # Without blocks, is_passed and is_proxied, worker, and what is known for
    # the log, of a proxy's client, and of its source.
    return inventory.write((HEADER.size - 8, COUNTER.size, LISTENER.size - 8,
                            CONN.size - 82))


def newer(inventory):
    """A newer one has more of all, which an older one may leave out."""
    inventory.version += 1
    inventory.name_counters([b"compressed", *inventory.names(), b"encrypted"])
    return inventory.write((HEADER.size + 16, COUNTER.size + 8,
                            LISTENER.size + 24, CONN.size + 40), JUNK * 99)


def strange(inventory):
    """It has services and transports as well that an older one lacks."""
    for conn in inventory.conns:
        # Of those with that part of a character, and nothing else.
        if conn[TEXT][2:5] == b"\2\xf0\x9f" and conn[PENDING] == 0:
            conn[SERVICE] = 9
    for listener in inventory.listeners:
        if listener[ADDRESS][4:8] == bytes([127, 0, 0, 2]):
            listener[0] = b"quic"
    return newer(inventory)


def too_new(inventory):
    """A newer one that an older one must not read."""
    inventory.readable_by = inventory.version + 1
    return newer(inventory)


def same(inventory):
    return inventory.write()


def translate(rewrite, program, rehearses):
    """Executes the program, which finds an inventory that was rewritten."""
    what, _, rest = os.environ["UPCASED_HANDOVER"].partition(":")
    if what == "serve" or rehearses:
        file = int(rest.partition(":")[0])
        data = os.pread(file, os.fstat(file).st_size, 0)
        other = os.memfd_create("x", os.MFD_ALLOW_SEALING)
        with open(other, "wb", closefd=False) as new:
            new.write(rewrite(Inventory(data)))
        fcntl.fcntl(other, F_ADD_SEALS, ALL_SEALS)
        os.dup2(other, file)
        os.close(other)
    os.execv(program, sys.argv)


def translator(rewrite, program, rehearses=True):
    """The text of a program that does so."""
    with open(__file__, encoding="utf-8") as text:
        return (f"#!{sys.executable}\n{text.read()}\n"
                f"translate({rewrite.__name__}, {program!r}, {rehearses})\n")
