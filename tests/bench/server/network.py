# SPDX-License-Identifier: ISC
"""A loopback of our own, where congestion control and ports are as we like."""

import contextlib
import ctypes
import os
import shutil
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

    Returns what was in the way, or None.  Threads that run already stay where
    they are.
    """
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    try:
        with opened("tcp_available_congestion_control", "r") as setting:
            if wanted not in setting.read().split():
                return f"there is no {wanted}"
        with allowed(wanted):
            if unshare(CLONE_NEWNET) != 0:
                return os.strerror(ctypes.get_errno())
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True,
                           timeout=60)
            for name, value in (("tcp_congestion_control", wanted),
                                ("ip_local_port_range", PORTS)):
                with opened(name, "w") as setting:
                    setting.write(value)
    except OSError as error:
        return str(error)
    return None
