# SPDX-License-Identifier: ISC
"""What the tests of upcbench have in common."""

import contextlib
import json
import os
import subprocess

from daemon import SLOWNESS, Case
from scripted import BOUND

UPCBENCH = os.path.abspath(os.environ.get("UPCBENCH", "upcbench"))

MODES = ("ping-pong", "stream", "churn", "idle", "mixed")
TALKING = ("ping-pong", "stream", "churn", "mixed")
SIZE = 64

# A run that is short where the server is good, and impatient where it is not.
SHORT = ("--time", "200ms", "--warm-up", "50ms", "--connections", "4")
IMPATIENT = ("--timeout", "1s", "--time", "1s", "--warm-up", "0")


# Runs a command with other lines in /etc/hosts.
WITH_HOSTS = ["unshare", "-m", "sh", "-c",
              'mount --bind "$0" /etc/hosts && exec "$@"']


def bench(*arguments, hosts=None, **more):
    """Runs upcbench to its end, with names from a file of hosts if asked."""
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("timeout", 2 * BOUND * SLOWNESS)
    before = [*WITH_HOSTS, hosts] if hosts else []
    return subprocess.run([*before, UPCBENCH, *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, **more)


def address_of(daemon):
    return f"127.0.0.1:{daemon.port}"


class BenchCase(Case):
    def good(self, *arguments, may_be_late=False, **more):
        """The report of a run that must have nothing to complain of, unless
        that a busy machine has not kept the rate."""
        done = bench("--format", "json", *arguments, **more)
        complaint = done.stderr
        if may_be_late and complaint.startswith(
                "upcbench: the rate was not kept: "):
            complaint = ""
        self.assertEqual((done.returncode, complaint), (0, ""), arguments)
        report = json.loads(done.stdout)
        self.assertTrue(report["complete"], report)
        self.assertEqual(set(report["errors"].values()), {0}, report)
        return report

    def bad(self, kind, *arguments, status=1):
        """The sentence of a run that must meet this kind of error."""
        done = bench("--format", "json", *arguments)
        self.assertEqual(done.returncode, status, (arguments, done.stderr))
        self.assertRegex(done.stderr, r"\Aupcbench: connection \d+[^\n]*\n\Z")
        if done.stdout:
            report = json.loads(done.stdout)
            self.assertFalse(report["complete"])
            self.assertGreater(report["errors"][kind], 0, done.stderr)
        return done.stderr


@contextlib.contextmanager
def running(*arguments):
    """A run that goes on, which is ended with the block."""
    with subprocess.Popen([UPCBENCH, "--format", "json",
                           *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as tool:
        try:
            yield tool
        finally:
            if tool.poll() is None:
                tool.kill()
