# SPDX-License-Identifier: ISC
"""upc and upcbench with a server of which one address is silent.

The server has its network, of which one address drops all that comes.
"""

import contextlib
import os
import subprocess
import tempfile

import tap
from daemon import Case, Daemon, linux_only, needs, with_mounts
from namespaces import Host, with_namespaces

UPC = os.environ.get("UPC")
UPCBENCH = os.environ.get("UPCBENCH")

# How long a silent address may take, and far less than that.
LONG, SOON = "10m", 60

# Runs a command with other lines in /etc/hosts, in the network of a host.
WITH_HOSTS = ["unshare", "-m", "sh", "-c",
              'mount --bind "$0" /etc/hosts && exec "$@"']

# The same with another name server.
WITH_RESOLVER = ["unshare", "-m", "sh", "-c",
                 'mount --bind "$0" /etc/resolv.conf && exec "$@"']


@linux_only
@needs("nft")
@with_mounts
@with_namespaces
class SilentTest(Case):
    @contextlib.contextmanager
    def server(self, silent, serving):
        """Runs commands where "two" is these addresses, in this order."""
        with contextlib.ExitStack() as stack:
            host = stack.enter_context(Host())
            host.run("ip", "link", "set", "lo", "up")
            family = "ip6" if ":" in silent else "ip"
            rules = (f"table inet silence {{\n chain input {{\n"
                     f"  type filter hook input priority 0\n"
                     f"  {family} daddr {silent} counter drop\n }}\n}}\n")
            host.run("nft", "-f", "-", input=rules, text=True)
            hosts = stack.enter_context(tempfile.NamedTemporaryFile("w"))
            hosts.write(f"{silent} two\n")
            listen = []
            if serving:
                hosts.write(f"{serving} two\n")
                listen = [f"[{serving}]:5220" if ":" in serving
                          else f"{serving}:5220"]
                stack.enter_context(Daemon(listen=listen,
                                           wrapper=host.wrapper))
            hosts.flush()
            yield lambda *command, timeout: subprocess.run(
                [*host.wrapper, *WITH_HOSTS, hosts.name, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=timeout)

    def ask(self, run, *options):
        return run(UPC, *options, "--server", "two:5220", "hi", timeout=SOON)

    def test_upc(self):
        """A silent address does not keep upc from the one that answers"""
        for silent, serving in (("127.0.0.2", "127.0.0.3"),
                                ("::1", "127.0.0.1"),
                                ("127.0.0.1", "::1")):
            with self.server(silent, serving) as run:
                outcome = self.ask(run, "--connect-timeout", LONG)
            self.assertEqual(
                (outcome.returncode, outcome.stdout, outcome.stderr),
                (0, b"HI\n", b""))

    def test_upcbench(self):
        """A silent address does not keep upcbench from another one"""
        with self.server("127.0.0.2", "127.0.0.3") as run:
            outcome = run(
                UPCBENCH, "two:5220", "--time", "200ms",
                "--warm-up", "50ms", "--timeout", LONG, timeout=SOON)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))

    @contextlib.contextmanager
    def silent_name_server(self):
        """Runs commands where the resolver waits for many minutes."""
        with Host() as host, tempfile.NamedTemporaryFile("w") as resolver:
            host.run("ip", "link", "set", "lo", "up")
            rules = ("table inet silence {\n chain input {\n"
                     "  type filter hook input priority 0\n"
                     "  ip daddr 127.0.0.2 drop\n }\n}\n")
            host.run("nft", "-f", "-", input=rules, text=True)
            resolver.write("nameserver 127.0.0.2\n"
                           "options timeout:30 attempts:5\n")
            resolver.flush()
            yield lambda *command: subprocess.run(
                [*host.wrapper, *WITH_RESOLVER, resolver.name, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=SOON)

    def test_name_server(self):
        """A name server that says nothing is waited for in time alone"""
        with self.silent_name_server() as run:
            for command in (
                    (UPC, "--connect-timeout", "500ms", "--server",
                     "name.test:5220", "hi"),
                    (UPCBENCH, "--timeout", "500ms", "name.test:5220")):
                outcome = run(*command)
                self.assertEqual(outcome.returncode, 69, outcome.stderr)
                self.assertIn(b"no address found for 'name.test': "
                              b"Connection timed out", outcome.stderr)

    def test_all_silent(self):
        """When all addresses are silent, upc ends in time and names them"""
        with self.server("127.0.0.2", None) as run:
            outcome = self.ask(run, "--connect-timeout", "300ms")
        self.assertEqual(outcome.returncode, 69)
        self.assertIn(b"127.0.0.2:5220: Connection timed out",
                      outcome.stderr)


if __name__ == "__main__":
    tap.main()
