# SPDX-License-Identifier: ISC
"""upcbench: its command line, and its figures with upcased."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import tap
from client import mixed_text
from daemon import (BACKENDS, SANITIZED, SHIM, Daemon, each_backend,
                    wait_until)
from scripted import BOUND, Server, honest
from stream import receive_all
from upcbench_case import (IMPATIENT, MODES, SHORT, SIZE, TALKING, UPCBENCH,
                           BenchCase, address_of, bench, running)

# The back ends of the tool itself; that of kqueue is built only for the daemon.
OWN_BACKENDS = [name for name in BACKENDS if name != "kqueue"]


class CommandLine(BenchCase):
    def test_options_that_make_no_sense_are_named_with_what_would(self):
        for arguments, part in (
                (["--frobnicate"], "unknown option '--frobnicate'"),
                (["--mode", "fast"], "--mode: 'fast' is not one of ping-pong"),
                (["--connections", "0"], "--connections: '0' is not a number"),
                (["--size", "16777217"], "from 1 to 16777216"),
                (["--depth", "x"], "--depth: 'x' is not a number from 1"),
                (["--time", "0"], "--time: '0' is not a time such as"),
                (["--warm-up", "5"], "--warm-up: '5' is not a time"),
                (["--count", "-1"], "--count: '-1' is not a number"),
                (["--rate", "10000001"], "--rate: '10000001' is not"),
                (["--timeout", "0"], "5m, from 1ms to 1h"),
                (["--timeout", "2h"], "--timeout: '2h' is not a time"),
                (["--answer", "lower"], "'lower' is not one of upper"),
                (["--format", "xml"], "'xml' is not one of text, csv"),
                (["--text", ""], "--text: '' is not the name of a file"),
                (["--backend", "iocp"], "--backend: 'iocp' is not "),
                (["--text", 4096 * "x"], "of at most 4095 bytes"),
                (["[::1"], "'[::1' is not an address such as"),
                (["a:1", "b:2"], "'b:2' is one argument too many"),
                (["--streams", "2"], "--streams is for mixed; add --mode"),
                (["--mode", "churn", "--depth", "2"], "--depth is for"),
                (["--count", "1", "--time", "1s"], "--count and --time"),
                (["--mode", "idle", "--count", "1"], "--count is not for"),
                (["--mode", "idle", "--rate", "1"], "--rate is not for idle"),
                (["--connections", "1000000", "--depth", "4096"],
                 "--depth times --connections is more than 4000000")):
            done = bench(*arguments)
            self.assertEqual((done.returncode, done.stdout), (64, ""),
                             (arguments, done.stderr))
            self.assertRegex(done.stderr, r"\Aupcbench: [^\n]*\n\Z")
            self.assertIn(part, done.stderr)

    def test_texts_that_cannot_be_used_are_named(self):
        with tempfile.NamedTemporaryFile() as file:
            for content, size, status, part in (
                    (b"", 64, 65, "is empty"),
                    (b"abc\xff", 64, 65, "is not UTF-8"),
                    ("🌮".encode(), 3, 64, "--size: a character of")):
                file.seek(0)
                file.truncate()
                file.write(content)
                file.flush()
                done = bench("--text", file.name, "--size", size)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(part, done.stderr)
            file.truncate((64 << 20) + 1)
            done = bench("--text", file.name)
            self.assertEqual(done.returncode, 65)
            self.assertIn("has more than 64 MiB", done.stderr)
        done = bench("--text", "/nonexistent/text")
        self.assertEqual(done.returncode, 66)
        self.assertIn("--text: cannot read '/nonexistent/text': No such",
                      done.stderr)

    def test_version_and_help_are_on_standard_output(self):
        done = bench("--version")
        self.assertRegex(done.stdout, r"\Aupcbench \d+\.\d+\.\d+\n\Z")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("usage: upcbench", bench("--help").stdout)

    @unittest.skipUnless(os.path.exists("/dev/full"), "/dev/full is missing")
    def test_a_report_that_does_not_arrive_is_told(self):
        with Server(honest) as server:
            with open("/dev/full", "wb") as full:
                done = bench("--count", 1, server.address, stdout=full)
            self.assertEqual(done.returncode, 74)
            self.assertIn("cannot write to standard output: No space",
                          done.stderr)


class RealDaemon(BenchCase):
    @each_backend(workers=(1, 2))
    def test_each_mode(self, how):
        """each mode finds every answer of upcased right"""
        own = OWN_BACKENDS[how["workers"] % len(OWN_BACKENDS)]
        with Daemon(**how) as daemon:
            for mode in MODES:
                report = self.good("--mode", mode, "--backend", own, *SHORT,
                                   address_of(daemon))
                self.assertEqual(report["mode"], mode)
                self.assertGreater(report["messages"], 0)
                self.assertGreater(report["bytes_received"], 0)
                self.assertGreaterEqual(report["established"], 4)

    @each_backend()
    def test_counts(self, how):
        """counts are exact, and upcased has the same"""
        for mode, more, messages, size, connections in (
                ("ping-pong", ["--count", 1000], 1000, 64, 7),
                ("ping-pong", ["--count", 1000, "--depth", 5], 1000, 64, 7),
                ("ping-pong", ["--count", 3], 3, 64, 7),
                ("ping-pong", ["--count", 500, "--rate", 5000], 500, 64, 7),
                ("ping-pong", ["--count", 50, "--rate", 10000000], 50, 64, 7),
                ("churn", ["--count", 1000], 1000, 64, 1000),
                ("stream", ["--count", 1000000, "--size", 1000], 1000, 1000,
                 7),
                ("idle", ["--time", "1ms"], 7, 64, 7)):
            with Daemon(**how) as daemon:
                report = self.good("--mode", mode, "--connections", 7, *more,
                                   address_of(daemon))
                counters = wait_until(
                    lambda: (c := daemon.counters())["open"] == 0 and c,
                    "the connections have ended")
            self.assertEqual(report["messages"], messages, mode)
            self.assertEqual(report["bytes_sent"], messages * size, mode)
            self.assertEqual(report["bytes_received"], messages * size, mode)
            self.assertEqual(report["established"], connections, mode)
            self.assertEqual(counters["accepted"], connections, mode)
            self.assertEqual(counters["received"], messages * size, mode)
            self.assertEqual(counters["sent"], messages * size, mode)

    @each_backend()
    def test_text(self, how):
        """a text in characters of all lengths is answered in pieces of any"""
        with tempfile.NamedTemporaryFile() as file, Daemon(**how) as daemon:
            file.write(mixed_text(100000, 1))
            file.flush()
            for mode in TALKING:
                for size in ([], ["--size", 4], ["--size", 1000]):
                    self.good("--mode", mode, "--text", file.name, *size,
                              *SHORT, address_of(daemon))

    @each_backend()
    def test_small_buffers(self, how):
        """more than the kernel holds is sent and received at once"""
        with Daemon(**how) as daemon, \
                Server(honest, buffers=4096) as server:
            for more in (["--mode", "stream"], ["--size", 1000000],
                         ["--size", 300000, "--depth", 4]):
                for own in OWN_BACKENDS:
                    self.good(*more, "--backend", own, *SHORT,
                              address_of(daemon))
                    self.good(*more, "--backend", own, *SHORT,
                              server.address)

    def test_a_server_that_answers_only_whole_messages_is_no_deadlock(self):
        # More than the buffers of both ends hold.
        size = 12000000

        def serve(peer):
            whole = bytearray()
            while part := peer.recv(1 << 20):
                whole += part
                if len(whole) == size:
                    peer.sendall(whole.upper())
                    whole.clear()
        for own in OWN_BACKENDS:
            with Server(serve, buffers=65536) as server:
                self.good("--size", size, "--count", 2, "--backend", own,
                          server.address)

    def test_an_echo_is_measured_as_such(self):
        def echo(peer):
            while part := peer.recv(65536):
                peer.sendall(part)
        with Server(echo) as server:
            for mode in MODES:
                self.good("--answer", "same", "--mode", mode, *SHORT,
                          server.address)
            self.bad("wrong", *IMPATIENT, server.address)
        with Daemon() as daemon:
            for more in ([], ["--mode", "idle", "--connections", 300]):
                self.bad("wrong", "--answer", "same", *IMPATIENT, *more,
                         address_of(daemon))

    @unittest.skipUnless(SHIM and not SANITIZED, "no short-I/O library")
    def test_calls_that_move_1_to_7_bytes_or_fail_for_now_lose_nothing(self):
        with Daemon() as daemon:
            for mode in TALKING:
                for own in OWN_BACKENDS:
                    self.good("--mode", mode, "--backend", own, *SHORT,
                              address_of(daemon), env={
                                  **os.environ, "LD_PRELOAD": SHIM,
                                  "SHORT_IO_SEED": "1"})

    def test_a_daemon_that_is_stopped_ends_the_run(self):
        with Daemon(args=["--drain-timeout", "100ms"]) as daemon:
            with running("--time", "1m", "--connections", 8,
                         address_of(daemon)) as tool:
                wait_until(lambda: daemon.counters()["received"] > 0,
                           "the run has begun")
                daemon.stop()
                _, sentence = tool.communicate(timeout=BOUND)
            self.assertEqual(tool.returncode, 1)
            self.assertRegex(sentence, r"\Aupcbench: connection \d+ to ")


class Figures(BenchCase):
    def test_a_rate_is_not_exceeded_and_kept_roughly(self):
        with Daemon() as daemon:
            for mode in ("ping-pong", "churn"):
                report = self.good("--mode", mode, "--rate", 200, "--time",
                                   "2s", "--connections", 8,
                                   address_of(daemon), may_be_late=True)
                # Those of the warm-up that came late are among them.
                self.assertGreater(report["messages"], 20, mode)
                self.assertLess(report["messages"], 450, mode)
                self.assertEqual(report["rate"], 200)

    def test_a_rate_lasts_as_long_as_it_should(self):
        with Daemon() as daemon:
            report = self.good("--rate", 100, "--count", 101,
                               address_of(daemon), may_be_late=True)
        self.assertGreaterEqual(report["seconds"], 1.0)

    def test_a_stall_shows_in_all_messages_that_were_due_meanwhile(self):
        with Daemon() as daemon:
            with running("--rate", 1000, "--time", "3s", "--warm-up", "0",
                         "--connections", 4, address_of(daemon)) as tool:
                wait_until(lambda: daemon.counters()["received"] > 500 * SIZE,
                           "some messages were answered")
                daemon.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                daemon.send_signal(signal.SIGCONT)
                report, _ = tool.communicate(timeout=BOUND)
        self.assertEqual(tool.returncode, 0)
        latency = json.loads(report)["latency_us"]
        # Each of the four connections had one under way: 4 of 3000 would not
        # reach p99.
        self.assertGreater(latency["p99"], 150000)
        self.assertGreater(latency["max"], 250000)

    def test_a_rate_above_what_the_server_can_is_told(self):
        def serve(peer):
            while part := peer.recv(65536):
                time.sleep(0.02)
                peer.sendall(part.upper())
        with Server(serve) as server:
            done = bench("--rate", 1000, "--time", "1s", "--format", "json",
                         server.address)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"\Aupcbench: the rate was not kept: "
                         r"\d+ messages [^\n]* lower --rate, [^\n]*\n\Z")
        report = json.loads(done.stdout)
        self.assertFalse(report["complete"])
        # What was never sent has waited nearly a second.
        self.assertGreater(report["latency_us"]["p50"], 200000)

    def test_the_three_forms_of_a_report_agree(self):
        with Daemon() as daemon:
            found = []
            for form in ("json", "csv", "text"):
                done = bench("--mode", "mixed", "--count", 300, "--streams",
                             2, "--connections", 3, "--format", form,
                             address_of(daemon))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                found.append(done.stdout)
        report = json.loads(found[0])
        row, = csv.DictReader(io.StringIO(found[1]))
        flat = {key: value for key, value in report.items()
                if not isinstance(value, dict)}
        for group in ("latency_us", "errors"):
            flat.update({f"{group}_{key}": value
                         for key, value in report[group].items()})
        # A program that wants these reads JSON.
        del flat["began"], flat["latency_buckets_ns"]
        self.assertEqual(set(flat), set(row))
        for key in ("mode", "connections", "streams", "size", "depth", "rate",
                    "messages", "established", "errors_wrong"):
            self.assertEqual(str(flat[key]), row[key], key)
        self.assertEqual(row["complete"], "true")
        for line in ("connections   3, 64 bytes a message\n",
                     "streams       2\n", "established   5 connections\n",
                     "messages      300, ", ", complete\n", "errors        0"):
            self.assertIn(line, found[2])

    def test_latencies_are_in_order(self):
        with Daemon() as daemon:
            for mode in ("ping-pong", "churn", "idle", "mixed"):
                latency = list(self.good("--mode", mode, *SHORT, address_of(
                    daemon))["latency_us"].values())
                self.assertEqual(latency, sorted(latency), mode)
                self.assertGreater(latency[0], 0, mode)
            report = self.good("--mode", "stream", *SHORT, address_of(daemon))
        self.assertEqual(set(report["latency_us"].values()), {None})

    def test_the_buckets_have_each_latency_and_the_percentiles(self):
        with Daemon() as daemon:
            report = self.good("--count", 2000, address_of(daemon))
            streamed = self.good("--mode", "stream", *SHORT,
                                 address_of(daemon))
        self.assertEqual(streamed["latency_buckets_ns"], [])
        buckets = report["latency_buckets_ns"]
        self.assertEqual(sum(count for *_, count in buckets), 2000)
        last = -1
        for least, greatest, count in buckets:
            self.assertLess(last, least)
            self.assertGreater(count, 0)
            # No wider than 1/128 of what is in it.
            self.assertLessEqual(greatest - least, least / 128)
            last = greatest

        def bounds(rank):
            """Of the bucket that has the latency of this rank, from 1."""
            for *found, count in buckets:
                if rank <= count:
                    return [time / 1000 for time in found]
                rank -= count
        for name, rank in (("min", 1), ("p50", 1000), ("p90", 1800),
                           ("p99", 1980), ("p99_9", 1998), ("max", 2000)):
            least, greatest = bounds(rank)
            self.assertLessEqual(least, report["latency_us"][name], name)
            self.assertGreaterEqual(greatest, report["latency_us"][name], name)

    def test_a_terminal_is_shown_how_far_the_run_has_come(self):
        main, terminal = os.openpty()
        with Daemon() as daemon, subprocess.Popen(
                [UPCBENCH, "--time", "1500ms", address_of(daemon)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=terminal) as tool:
            self.assertEqual(tool.wait(BOUND), 0)
        os.close(terminal)
        shown = os.read(main, 65536).decode()
        os.close(main)
        self.assertRegex(shown, r"\A\rupcbench: 1 s, measuring, \d+ messages/s"
                         r", [\d.]+ MB/s")
        self.assertTrue(re.search(r"\r +\r\Z", shown), shown)


if __name__ == "__main__":
    tap.main()
