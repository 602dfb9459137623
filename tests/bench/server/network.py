# SPDX-License-Identifier: ISC
"""A loopback of our own, where congestion control and ports are as we like."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000

SETTINGS = "/proc/sys/net/ipv4"

# Connections that come and go need many ports.
PORTS = "1024 65535"


def opened(name, mode="r+"):
    return open(os.path.join(SETTINGS, name), mode, encoding="ascii")


def rewrite(setting, text):
    # What is not written at the beginning is not taken.
    setting.seek(0)
    setting.write(text)
    setting.flush()


@contextlib.contextmanager
def allowed(name):
    """A namespace may choose what the machine allows to all: for now, that."""
    with opened("tcp_allowed_congestion_control") as setting:
        before = setting.read().strip()
        try:
            rewrite(setting, f"{before} {name}")
            yield
        finally:
            rewrite(setting, before)


def leave(wanted):
    """Enters a network namespace with that congestion control.

    Returns why not, or None.  Threads that run already stay where they are.
    """
    with opened("tcp_available_congestion_control", "r") as setting:
        if wanted not in setting.read().split():
            return f"there is no {wanted}"
    try:
        with allowed(wanted):
            unshare = ctypes.CDLL(None, use_errno=True).unshare
            if unshare(CLONE_NEWNET) != 0:
                return os.strerror(ctypes.get_errno())
            with opened("tcp_congestion_control", "w") as setting:
                setting.write(wanted)
        with opened("ip_local_port_range", "w") as setting:
            setting.write(PORTS)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True,
                       timeout=60)
    except PermissionError as error:
        return str(error)
    return None
