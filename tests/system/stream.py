# SPDX-License-Identifier: ISC
"""What both sides of a connection do, and the answer that is due on it.

Nothing in here depends on the environment.
"""

import socket
import struct


def upper(text):
    """The answer to the bytes, as Python has it."""
    characters = text.decode("utf-8", "surrogateescape")
    return characters.upper().encode("utf-8", "surrogateescape")


def receive_all(peer):
    """Receives up to the end of file."""
    received = bytearray()
    while part := peer.recv(65536):
        received += part
    return bytes(received)


def reset(peer):
    """Closes the connection by a reset."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    peer.close()


def has_ipv6():
    """Whether the loopback interface has the address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
