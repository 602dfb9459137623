#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Networks that lose packets, are slow, or go away.

They are made of network namespaces; nothing here touches the machine's own.
"""

import contextlib
import os
import subprocess
import tempfile
import threading

import tap
from client import mixed_text
from daemon import (LONG, PATIENCE, Case, Daemon, each_backend, linux_only,
                    needs, wait_until)
from namespaces import SERVER, two_hosts, with_namespaces
from stream import upper

UPC = os.environ.get("UPC")


@linux_only
@with_namespaces
class NetworkTest(Case):
    @staticmethod
    def ask(host, daemon, texts):
        """The answers to the texts, asked over the wire all at once."""
        with contextlib.ExitStack() as stack:
            def scratch():
                return stack.enter_context(tempfile.TemporaryFile())
            talks = []
            for text in texts:
                question, answer = scratch(), scratch()
                question.write(text)
                question.seek(0)
                talks.append((subprocess.Popen(
                    [*host.wrapper, UPC, "--server",
                     f"{SERVER}:{daemon.port}"],
                    stdin=question, stdout=answer), answer))
            for client, _ in talks:
                stack.callback(client.wait)
                stack.callback(client.kill)
            statuses = [client.wait(8 * PATIENCE) for client, _ in talks]
            assert not any(statuses), statuses
            for _, answer in talks:
                answer.seek(0)
            return [answer.read() for _, answer in talks]

    def check(self, server, client, how, texts):
        with Daemon(**how, listen=[f"{SERVER}:0"],
                    wrapper=server.wrapper) as daemon:
            answers = self.ask(client, daemon, texts)
            self.assertTrue(answers == [upper(text) for text in texts])
            # One has ended when its end of file has arrived as well.
            wait_until(lambda: daemon.counters()["ended"] == len(texts),
                       "all have ended")
            self.assertEqual(daemon.counters()["failed"], 0)

    @needs("nft")
    @each_backend(workers=(1, 2) if LONG else (2,))
    def test_loss(self, how):
        """Answers are exact when every tenth packet is lost, both ways"""
        with two_hosts() as (server, client):
            server.lose(percent=10)
            client.lose(percent=10)
            # Few packets may all be lucky; then they are sent again.
            for seed in range(20):
                self.check(server, client, how, [
                    mixed_text(20_000, 8 * seed + i)
                    for i in range(8 if LONG else 4)])
                if server.lost() > 0 and client.lost() > 0:
                    break
            self.assertGreater(server.lost(), 0)
            self.assertGreater(client.lost(), 0)

    @needs("tc")
    @each_backend(workers=(1, 2) if LONG else (1,))
    def test_slow_link(self, how):
        """Answers are exact on a slow link"""
        with two_hosts() as (server, client):
            server.slow_down("4mbit")
            client.slow_down("4mbit")
            self.check(server, client, how, [
                mixed_text(40_000, seed) for seed in range(8 if LONG else 4)])

    @needs("nft")
    @each_backend()
    def test_soft_error(self, how):
        """An error that passes, such as a host that is not reached for a
        while, costs no answer, though the client has half-closed"""
        text = mixed_text(20_000, seed=1)
        with two_hosts() as (server, client), Daemon(
                **how, listen=[f"{SERVER}:0"],
                wrapper=server.wrapper) as daemon:
            # The answer is refused on its way, and not what is short.
            client.refuse(length=200)
            asker = subprocess.Popen(
                [*client.wrapper, UPC, "--server", f"{SERVER}:{daemon.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            feeder = threading.Thread(target=feed, args=(asker, text))
            feeder.start()
            try:
                wait_until(lambda: client.refused() > 2, "it is refused")
                self.assertEqual(daemon.counters()["open"], 1)
                client.accept()
                self.assertEqual(asker.stdout.read(), upper(text))
                self.assertEqual(asker.wait(PATIENCE), 0)
            finally:
                asker.kill()
                asker.wait()
                asker.stdout.close()
                feeder.join()
            wait_until(lambda: daemon.counters()["ended"] == 1, "it ended")
            self.assertEqual(daemon.counters()["failed"], 0)

    @each_backend()
    def test_vanished(self, how):
        """That a client vanished before its answer arrived is logged, though
        it was the kernel that noticed"""
        with two_hosts() as (server, client), Daemon(
                **how, listen=[f"{SERVER}:0"],
                args=["--stall-timeout", "1s"],
                wrapper=server.wrapper) as daemon:
            asker = subprocess.Popen(
                [*client.wrapper, UPC, "--server", f"{SERVER}:{daemon.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            try:
                asker.stdin.write(b"first\n")
                asker.stdin.flush()
                self.assertEqual(asker.stdout.readline(), b"FIRST\n")
                # Its half of the second one comes, and no acknowledgement.
                client.run("nft", "-f", "-", text=True, input=(
                    "table ip gone {\n chain input {\n"
                    "  type filter hook input priority 0\n"
                    "  policy drop\n }\n}\n"))
                asker.stdin.write(b"second\n")
                asker.stdin.flush()
                daemon.wait_for_line("^reset .*--stall-timeout$")
                self.assertEqual(daemon.counters()["stalled"], 1)
            finally:
                asker.kill()
                asker.communicate()

    @each_backend()
    def test_cut(self, how):
        """A client whose wire is pulled in the middle of its answer is given
        up after the stall timeout, and costs nothing from then on"""
        args = ["--stall-timeout", "1s", "--idle-timeout", "1s"]
        text = mixed_text(400_000, seed=1) * 10
        with two_hosts() as (server, client), Daemon(
                **how, listen=[f"{SERVER}:0"], args=args,
                wrapper=server.wrapper) as daemon:
            nfds = len(daemon.fds())
            client.slow_down("20mbit")
            asker = subprocess.Popen(
                [*client.wrapper, UPC, "--server", f"{SERVER}:{daemon.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            feeder = threading.Thread(target=feed, args=(asker, text))
            feeder.start()
            try:
                wait_until(lambda: daemon.counters()["sent"] > 100_000,
                           "the answer has begun")
                client.cut()
                wait_until(lambda: daemon.counters()["open"] == 0,
                           "it is given up")
            finally:
                asker.kill()
                asker.wait()
                feeder.join()
            counters = daemon.counters()
            self.assertEqual(counters["ended"], 0)
            wait_until(lambda: len(daemon.fds()) == nfds, "it is closed")


def feed(process, text):
    """Writes the text to a process, which may end before."""
    try:
        with process.stdin:
            process.stdin.write(text)
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    tap.main()
