# SPDX-License-Identifier: ISC
"""What a connection that does nothing costs a server in memory."""

import contextlib
import os
import resource
import socket
import time

import process

MESSAGE = b"I am hungry for tacos, and so is everyone else who is waiting..\n"

# Connections that are opened or served before they are waited for.
BATCH = 500

# Descriptors that a process needs besides those of its connections.
SPARE = 1000


def most():
    """How many connections a process can have, at the most."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(19000, hard - SPARE)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def wait_for(server, wanted):
    """Waits until the server has accepted that many connections."""
    deadline = time.monotonic() + process.PATIENCE
    while descriptors(server) < wanted:
        server.check()
        if time.monotonic() > deadline:
            raise process.Failure("does not accept its connections")
        time.sleep(0.005)


def serve(server, clients):
    """Has each connection served once."""
    upper = server.peer.answer == "upper"
    want = MESSAGE.upper() if upper else MESSAGE
    for begin in range(0, len(clients), BATCH):
        batch = clients[begin : begin + BATCH]
        for client in batch:
            client.sendall(MESSAGE)
        for client in batch:
            if client.recv(len(want), socket.MSG_WAITALL) != want:
                raise process.Failure("answers wrongly")


def measure(server, connections):
    """Bytes for a connection, before and after it is served."""
    server.prove()
    before = server.memory()
    had = descriptors(server)
    with contextlib.ExitStack() as opened:
        clients = []
        while len(clients) < connections:
            for _ in range(min(BATCH, connections - len(clients))):
                clients.append(opened.enter_context(server.connect()))
            wait_for(server, had + len(clients))
        idle = server.memory()
        serve(server, clients)
        served = server.memory()
    return {"idle": (idle - before) / connections,
            "served": (served - before) / connections}
