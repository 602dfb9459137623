#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The table of attacks has its rows and figures; how fast is not judged."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [HERE, TESTS, os.path.join(TESTS, "system")]

import attackers
import attacks
import tap
from daemon import Daemon, SANITIZED
from namespaces import with_namespaces


class Packets(unittest.TestCase):
    def test_syn(self):
        """a packet that asks for a connection has right checksums"""
        source, target = map(socket.inet_aton, ("10.9.0.1", "192.0.2.1"))
        packet = attackers.syn(source, 1025, target, 5220, 77)
        self.assertEqual(packet[12:20], source + target)
        segment = packet[20:]
        self.assertEqual(segment[:4], b"\x04\x01\x14\x64")
        self.assertEqual(segment[13], 2)
        pseudo = source + target + bytes([0, 6, 0, len(segment)])
        self.assertEqual(attackers.checksum(pseudo + segment), 0)


class Client(unittest.TestCase):
    def test_failures(self):
        """an answer that does not come is a failure"""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            for way in "kept", "new":
                done = self.ask(way, port, "0.1")
                self.assertRegex(done, r"^- - 0 [1-9]\d*$")

    def test_answers(self):
        """one that comes is timed"""
        with Daemon() as daemon:
            for way in "kept", "new":
                done = self.ask(way, daemon.port, "0.3")
                self.assertRegex(done, r"^[\d.]+ [\d.]+ [1-9]\d* 0$")

    @staticmethod
    def ask(way, port, seconds):
        return subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "good_client.py"), way,
             "127.0.0.1", str(port), seconds, "100"], check=True, text=True,
            stdout=subprocess.PIPE, timeout=60).stdout.strip()


class Table(unittest.TestCase):
    def run_attacks(self, *options, **how):
        return subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "attacks.py"), *options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=500, **how)

    @unittest.skipIf(SANITIZED, "the same in every build")
    @unittest.skipIf(attacks.obstacle(), str(attacks.obstacle()))
    @with_namespaces
    def test_rows(self):
        """each attack has a row, and what the daemon lacks is said"""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "table")
            done = self.run_attacks("--rounds", "2", "--time", "0.3",
                                    "--daemon", "--nonesuch 1",
                                    "--output", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(path, encoding="utf-8") as file:
                table = file.read()
        self.assertTrue(done.stdout.endswith(table))
        self.assertIn("does not take --nonesuch 1;", done.stdout)
        kinds = [kind for kind in attackers.KINDS
                 if kind != "proxy" or attacks.proxy_options()]
        for title in ["no attack", *(attacks.TITLES[kind] for kind in kinds)]:
            self.assertRegex(table, rf"(?m)^{re.escape(title)}  +\d")
        calm = re.search(r"(?m)^no attack .*$", table)[0].split()
        # Rate, descriptors and the first latency.
        self.assertEqual(calm[2], "0")
        self.assertGreater(int(calm[7]), 5)
        self.assertRegex(calm[8], r"^[\d,]+$")

    def test_wrong(self):
        """an attack that there is not is refused"""
        done = self.run_attacks("--attacks", "slow,nonesuch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no attack nonesuch", done.stderr)

    @unittest.skipIf(os.geteuid() != 0, "needs root to be without it")
    def test_obstacle(self):
        """where nothing can be measured, that is said and no success"""
        done = self.run_attacks(user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^attacks: not measured: only root")


if __name__ == "__main__":
    tap.main()
