# SPDX-License-Identifier: ISC
"""Networks of our own: two hosts with a wire between them.

A host is a network namespace.  It lasts as long as a process in it, which
ends when the test does, whatever the end is.
"""

import contextlib
import re
import subprocess
import unittest

from daemon import PATIENCE, needs, root_only

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"

# The wire at both hosts, as Linux names its ends.
WIRE = "wire"


class Host:
    """One end of the wire, as a context manager."""

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self.process.stdout.readline():
            self.__exit__(None, None, None)
            raise unittest.SkipTest("cannot make a network namespace")
        self.wrapper = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]
        return self

    def __exit__(self, *error):
        self.process.communicate(timeout=PATIENCE)

    def run(self, *command, **how):
        """Runs a command on the host, which has to succeed."""
        subprocess.run([*self.wrapper, *command], check=True,
                       timeout=PATIENCE, **how)

    def configure(self, address):
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{address}/24", "dev", WIRE)
        self.run("ip", "link", "set", WIRE, "up")

    def lose(self, percent):
        """From now on so many packets that come in are lost."""
        rules = (f"table inet loss {{\n chain input {{\n"
                 f"  type filter hook input priority 0\n"
                 f"  iifname {WIRE} numgen random mod 100 < {percent} "
                 f"counter drop\n"
                 f" }}\n}}\n")
        self.run("nft", "-f", "-", input=rules, text=True)

    def refuse(self, length):
        """Packets longer than that are refused, as by a host on the way."""
        rules = (f"table ip refusal {{\n chain input {{\n"
                 f"  type filter hook input priority 0\n"
                 f"  iifname {WIRE} ip length > {length} counter "
                 f"reject with icmp type host-unreachable\n"
                 f" }}\n}}\n")
        self.run("nft", "-f", "-", input=rules, text=True)

    def refused(self):
        """How many packets were refused up to now."""
        rules = subprocess.run(
            [*self.wrapper, "nft", "list", "table", "ip", "refusal"],
            stdout=subprocess.PIPE, check=True, timeout=PATIENCE, text=True)
        return int(re.search(r"counter packets (\d+)", rules.stdout).group(1))

    def accept(self):
        """No packet is refused any more."""
        self.run("nft", "delete", "table", "ip", "refusal")

    def lost(self):
        """How many packets were lost up to now."""
        rules = subprocess.run(
            [*self.wrapper, "nft", "list", "table", "inet", "loss"],
            stdout=subprocess.PIPE, check=True, timeout=PATIENCE, text=True)
        return int(re.search(r"counter packets (\d+)", rules.stdout).group(1))

    def slow_down(self, rate):
        """From now on the host sends no faster than that."""
        self.run("tc", "qdisc", "add", "dev", WIRE, "root", "tbf", "rate",
                 rate, "burst", "16kb", "latency", "200ms")

    def cut(self):
        """The wire is pulled."""
        self.run("ip", "link", "set", WIRE, "down")


@contextlib.contextmanager
def two_hosts():
    """A server's host and a client's."""
    with Host() as server, Host() as client:
        server.run("ip", "link", "add", WIRE, "type", "veth", "peer", "name",
                   WIRE, "netns", str(client.process.pid))
        server.configure(SERVER)
        client.configure(CLIENT)
        yield server, client


def with_namespaces(test):
    """Skips a test where there can be no such hosts."""
    return root_only(needs("unshare", "nsenter", "ip")(test))
