# SPDX-License-Identifier: ISC
"""--metrics: what the daemon tells of itself over HTTP."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import tap
from client import receive
from crowd import Crowd
from daemon import LATE, PATIENCE, UPCASED, Case, Daemon, each_backend, \
    linux_only, needs, wait_until
from test_handover import hand_over

SOURCE = os.environ["srcdir"]
UPCBENCH = os.environ.get("UPCBENCH")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
HEADERS = {
    "connection": "close", "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer"}
SAMPLE = re.compile(r'([a-z_]+)(?:\{([^}]*)\})? (\d+(?:\.\d+)?)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
# What else a name of base units may end in.
UNITS = ("_seconds", "_bytes", "_events", "_fds", "_info", "_limit",
         "_connections", "_workers", "_draining")


def counter_rows():
    """From the name of a counter in the log to the metric."""
    with open(os.path.join(SOURCE, "src", "server", "counters.def"),
              encoding="utf-8") as file:
        rows = re.findall(r'COUNTER\([A-Z_]+, "([^"]+)", "([^"]+)"',
                          file.read())
    return {name: "upcased_" + metric for name, metric in rows}


def served(how=None, args=(), **more):
    return Daemon(**(how or {}), args=["--metrics", "127.0.0.1:0", *args],
                  **more)


def place(daemon, since=0):
    """Where the metrics are."""
    found = daemon.wait_for_line(
        r"^metrics: listening on \[?([^]]+?)\]?:(\d+)$", since)
    return found[1], int(found[2])


def read_to_end(client):
    """All that comes; a reset would be an error."""
    answer = b""
    while more := client.recv(65536):
        answer += more
    return answer


def ask(daemon, request, address=None):
    """The whole answer to the bytes of a request."""
    with daemon.connect(address or place(daemon)) as client:
        client.sendall(request)
        return read_to_end(client)


def split(answer):
    """The status, the headers by name, and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return (int(re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", first)[1]),
            {name.lower(): value for name, value in headers.items()}, body)


def get(daemon, path, headers="", method="GET", address=None):
    return split(ask(daemon, f"{method} {path} HTTP/1.1\r\nHost: localhost"
                             f"\r\n{headers}\r\n".encode(), address))


def parse(text):
    """The metrics in the text format, strictly: their types by name, and the
    values by name and labels.  Raises ValueError for what is not as it should
    be."""
    kinds, helps, values, current = {}, {}, {}, None
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, current, sentence = line.split(" ", 3)
            if current in helps:
                raise ValueError(f"twice: {line}")
            helps[current] = sentence
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != current or name in kinds:
                raise ValueError(f"not after its HELP: {line}")
            kinds[name] = kind
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            base = name
            if kinds[current] == "histogram":
                base = re.sub("_(bucket|sum|count)$", "", name)
            if base != current or current not in kinds:
                raise ValueError(f"not below its TYPE: {line}")
            pairs = tuple(LABEL.findall(labels or ""))
            if ",".join(f'{k}="{v}"' for k, v in pairs) != (labels or ""):
                raise ValueError(f"labels: {line}")
            if (name, pairs) in values:
                raise ValueError(f"twice: {line}")
            values[name, pairs] = float(value)
    return kinds, helps, values


def lint(text):
    """What is wrong with the metrics of a text."""
    kinds, helps, values = parse(text)
    complaints = []
    for name, kind in kinds.items():
        if (kind == "counter") != name.endswith("_total"):
            complaints.append(f"{name} is a {kind}")
        if not re.match("(upcased|process)_", name):
            complaints.append(f"{name}: prefix")
        if kind != "counter" and not name.endswith(UNITS):
            complaints.append(f"{name}: unit")
        if not re.match("[A-Z0-9].*[.]$", helps[name]):
            complaints.append(f"{name}: {helps[name]}")
        if kind == "histogram":
            buckets = [(dict(labels)["le"], value)
                       for (other, labels), value in values.items()
                       if other == name + "_bucket"]
            bounds = [float(le) for le, _ in buckets]
            counts = [value for _, value in buckets]
            if bounds != sorted(set(bounds)) or bounds[-1] != float("inf"):
                complaints.append(f"{name}: bounds {bounds}")
            if counts != sorted(counts) or \
                    counts[-1] != values[name + "_count", ()]:
                complaints.append(f"{name}: counts {counts}")
    return complaints


def scrape(daemon, address=None):
    status, headers, body = get(daemon, "/metrics", address=address)
    if (status, headers["content-type"]) != (200, TEXT):
        raise AssertionError(f"{status} {headers}")
    return parse(body.decode())[2]


def total(values, name, **labels):
    return sum(value for (other, pairs), value in values.items()
               if other == name and labels.items() <= dict(pairs).items())


class MetricsTest(Case):
    @each_backend(workers=(1, 2))
    def test_counters(self, how):
        """Each counter has the value that SIGUSR1 shows"""
        with served(how, ["--invalid", "close"]) as daemon:
            for text in (b"one", b"two", b"\xff"):
                with daemon.connect() as client:
                    client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(100):
                        pass
            with daemon.connect() as client:
                client.sendall(b"open")
                receive(client, 4)
                # What is sent is counted a moment later.
                wait_until(lambda: daemon.counters()["open"] == 1 and
                           daemon.counters()["sent"] == 10, "four letters")
                values = scrape(daemon)
                counters = daemon.counters()
                self.assertEqual(counters["received"], 11)
                self.assertEqual(counters["ended"], 2)
                for name, metric in counter_rows().items():
                    self.assertEqual(total(values, metric), counters[name],
                                     metric)
                self.assertEqual(total(values, "upcased_connections"), 1)
                self.assertEqual(total(
                    values, "upcased_connections", state="receiving"), 1)
                self.assertEqual(total(values, "upcased_log_dropped_total"),
                                 counters["log-dropped"])

    @each_backend(workers=(1, 2))
    def test_states(self, how):
        """Connections are counted in their states, and their output"""
        with served(how) as daemon, contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(daemon.connect())
            # It never reads, so its answer stays here.
            greedy = stack.enter_context(daemon.connect(receive_buffer=4096))
            greedy.setblocking(False)

            def is_full():
                with contextlib.suppress(BlockingIOError):
                    greedy.send(b"a" * 65536)
                values = scrape(daemon)
                return total(values, "upcased_connections", state="sending") \
                    and total(values, "upcased_output_bytes") and values
            values = wait_until(is_full, "a full connection")
            self.assertEqual(total(values, "upcased_connections"), 6)
            self.assertEqual(
                total(values, "upcased_connections", state="receiving"), 5)
            stack.close()

            def is_empty():
                values = scrape(daemon)
                return total(values, "upcased_connections") == 0 and \
                    total(values, "upcased_output_bytes") == 0
            wait_until(is_empty, "no connection")

    @each_backend(workers=(1, 2))
    def test_format(self, how):
        """The text passes a lint, and the JSON has the same"""
        with served(how) as daemon, daemon.connect() as client:
            client.sendall(b"text")
            receive(client, 4)
            # It is counted a moment after it was sent.
            wait_until(lambda: total(
                scrape(daemon), "upcased_sent_bytes_total") == 4, "the text")
            status, headers, body = get(daemon, "/metrics")
            self.assertEqual((status, headers["content-type"]), (200, TEXT))
            self.assertEqual(lint(body.decode()), [])
            kinds, helps, values = parse(body.decode())
            status, headers, body = get(daemon, "/status.json")
            self.assertEqual((status, headers["content-type"]),
                             (200, "application/json"))
            metrics = json.loads(body)["metrics"]
            self.assertEqual({m["name"]: m["type"] for m in metrics}, kinds)
            self.assertEqual({m["name"]: m["help"] for m in metrics}, helps)
            samples = {
                (s["name"], tuple(s["labels"].items())): s["value"]
                for m in metrics for s in m["samples"]}
            self.assertEqual(list(samples), list(values))
            for key in (("upcased_sent_bytes_total", ()),
                        ("upcased_workers", ())):
                self.assertEqual(samples[key], values[key])

    @each_backend(workers=(1, 2))
    def test_loop(self, how):
        """Each turn of the loop is in both of its histograms"""
        with served(how) as daemon, Crowd(daemon, 50):
            values = scrape(daemon)
            turns = total(values, "upcased_loop_turns_total")
            for name in ("turn_seconds", "ready_events"):
                counted = total(values, f"upcased_loop_{name}_count")
                # The one in which it is written has begun.
                self.assertLessEqual(abs(counted - turns), how["workers"] * 4)
            self.assertGreaterEqual(
                total(values, "upcased_loop_ready_events_sum"), 1)

    @needs("promtool")
    def test_promtool(self):
        """promtool has nothing to complain of"""
        with served() as daemon:
            _, _, body = get(daemon, "/metrics")
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=body, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, b""))

    @linux_only
    def test_process(self):
        """What it says of the process is what the system says"""
        with served() as daemon:
            values = scrape(daemon)
            self.assertGreater(values["process_cpu_seconds_total", ()], 0)
            self.assertGreater(values["process_resident_memory_bytes", ()],
                               1 << 19)
            self.assertGreater(values["process_virtual_memory_bytes", ()],
                               values["process_resident_memory_bytes", ()])
            with open(f"/proc/{daemon.pid}/limits") as limits:
                found = re.search(r"open files +(\d+)", limits.read())
            self.assertEqual(values["process_max_fds", ()], int(found[1]))
            if ("process_open_fds", ()) in values:
                self.assertLessEqual(
                    abs(values["process_open_fds", ()] - len(daemon.fds())), 2)
            age = time.time() - values["process_start_time_seconds", ()]
            # The time of the boot is known to a second.
            self.assertTrue(-2 < age < PATIENCE, age)

    def test_build(self):
        """The build is that of --version"""
        version = subprocess.run([UPCASED, "--version"], text=True,
                                 stdout=subprocess.PIPE, check=True).stdout
        with served() as daemon:
            values = scrape(daemon)
            [labels] = [dict(pairs) for name, pairs in values
                        if name == "upcased_build_info"]
        self.assertIn(f"upcased {labels['version']} "
                      f"(Unicode {labels['unicode']})\n", version)
        self.assertIn(f"back ends: {labels['backend']}", version)
        self.assertIn(f"kernel: {labels['kernel']},", version)

    def test_page(self):
        """upcased-metrics.7 has each metric with its kind and sentence"""
        with served() as daemon:
            _, _, body = get(daemon, "/metrics")
        kinds, helps, _ = parse(body.decode())
        with open(os.path.join(SOURCE, "man", "upcased-metrics.7"),
                  encoding="utf-8") as file:
            page = file.read()
        found = re.findall(
            r"^\.It Va (\S+) \((\w+)\)\n((?:[^.].*\n)+)", page, re.M)
        self.assertEqual([(name, kind, " ".join(text.split()))
                          for name, kind, text in found],
                         [(name, kinds[name], helps[name]) for name in kinds])


class HttpTest(Case):
    def check(self, answer, status):
        """The status, and the headers that all answers have; the body."""
        got, headers, body = split(answer)
        self.assertEqual(got, status, answer)
        for name, value in HEADERS.items():
            self.assertEqual(headers[name], value)
        self.assertEqual(headers.get("allow"),
                         "GET, HEAD" if status == 405 else None)
        self.assertEqual(int(headers["content-length"]), len(body))
        self.assertRegex(headers["date"], r"^\w{3}, \d\d \w{3} \d{4} "
                                          r"\d\d:\d\d:\d\d GMT$")
        return body

    @each_backend(workers=(1, 2))
    def test_statuses(self, how):
        """Requests get the status that is right for them"""
        host = b"\r\nHost: localhost\r\n\r\n"
        requests = [
            (200, b"GET /healthz HTTP/1.1" + host),
            (200, b"GET /readyz HTTP/1.1" + host),
            (200, b"GET /readyz?verbose HTTP/1.0\r\n\r\n"),
            (200, b"GET http://localhost/readyz HTTP/1.1" + host),
            (404, b"GET / HTTP/1.1" + host),
            (404, b"GET /metrics/ HTTP/1.1" + host),
            (404, b"GET /Metrics HTTP/1.1" + host),
            (404, b"GET /../metrics HTTP/1.1" + host),
            (405, b"POST /metrics HTTP/1.1" + host),
            (400, b"GET /metrics HTTP/1.1\n"),
            (400, b"\x16\x03\x01"),
            (414, b"GET /" + b"a" * 2000),
            (431, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000),
            (505, b"GET / HTTP/2.0\r\n"),
            (421, b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            (421, b"GET http://evil.example/ HTTP/1.1" + host),
            (421, b"GET /metrics HTTP/1.1\r\nHost:\r\n\r\n"),
            (400, b"GET /metrics HTTP/1.1\r\nHost: a b\r\n\r\n"),
            (200, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"),
            (200, b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
            # A body is not read, and what follows gets no answer.
            (200, b"GET /healthz HTTP/1.1\r\nContent-Length: 5" + host +
             b"hello"),
            (200, 3 * (b"GET /healthz HTTP/1.1" + host)),
        ]
        with served(how) as daemon:
            at = place(daemon)
            for status, request in requests:
                body = self.check(ask(daemon, request, at), status)
                self.assertRegex(body, rb"^%d [A-Z]" % status)
            values = scrape(daemon)
            for status in {status for status, _ in requests}:
                self.assertEqual(
                    total(values, "upcased_metrics_responses_total",
                          code=str(status)),
                    sum(status == other for other, _ in requests))
            # They are no connections of the service.
            self.assertEqual(daemon.counters()["accepted"], 0)

    def test_bytes(self):
        """A request may come byte by byte"""
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with served() as daemon, daemon.connect(place(daemon)) as client:
            for i in range(len(request)):
                client.sendall(request[i:i + 1])
            self.check(read_to_end(client), 200)

    def test_head(self):
        """HEAD gets the headers of GET, and no body"""
        with served() as daemon:
            for path in ("/metrics", "/healthz", "/none"):
                status, headers, _ = get(daemon, path)
                got = get(daemon, path, method="HEAD")
                self.assertEqual((got[0], got[2]), (status, b""))
                self.assertEqual(set(got[1]), set(headers))
                self.assertGreater(int(got[1]["content-length"]), 0)

    def test_own_name(self):
        """The name in the option is a host that may be asked for"""
        with Daemon(args=["--metrics", "ip6-localhost:0"
                          if has_name("ip6-localhost") else "localhost:0"]) \
                as daemon:
            name = daemon.command[-1].rpartition(":")[0]
            request = f"GET /healthz HTTP/1.1\r\nHost: {name.upper()}.\r\n\r\n"
            self.check(ask(daemon, request.encode()), 200)

    @each_backend()
    def test_late(self, how):
        """Who has not asked within 10 s gets 408, also one that sends on"""
        with served(how) as daemon:
            at = place(daemon)
            with daemon.connect(at) as silent, daemon.connect(at) as slow:
                start = time.monotonic()
                slow.sendall(b"GET /metrics HTTP/1.1\r\nA: ")
                slow.settimeout(0.5)
                answer = b""
                while not answer and time.monotonic() < start + 10 + LATE:
                    slow.sendall(b"b")
                    with contextlib.suppress(socket.timeout):
                        answer = slow.recv(65536)
                self.assertGreater(time.monotonic() - start, 9.9)
                slow.settimeout(PATIENCE)
                self.check(answer, 408)
                self.check(read_to_end(silent), 408)
            self.assertEqual(get(daemon, "/healthz", address=at)[0], 200)

    @each_backend(workers=(1, 2))
    def test_crowded(self, how):
        """One client too many waits until another has ended"""
        with served(how) as daemon, contextlib.ExitStack() as stack:
            at = place(daemon)
            clients = [stack.enter_context(daemon.connect(at))
                       for _ in range(16)]
            late = stack.enter_context(daemon.connect(at))
            late.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            daemon.wait_for_line("the metrics have as many clients as they "
                                 "can, more wait")
            # The clients of the service do not wait for them.
            with daemon.connect() as client:
                client.sendall(b"a")
                self.assertEqual(receive(client, 1), b"A")
            late.setblocking(False)
            self.assertRaises(BlockingIOError, late.recv, 1)
            late.settimeout(PATIENCE)
            clients[3].close()
            self.check(read_to_end(late), 200)

    @each_backend(workers=(1, 2))
    def test_drain(self, how):
        """In a drain the metrics are served, and it is not ready"""
        with served(how, ["--drain-timeout", "0"]) as daemon:
            at = place(daemon)
            with daemon.connect(receive_buffer=4096) as client:
                # It has something to wait for, for which it takes its time.
                client.setblocking(False)

                def is_full():
                    with contextlib.suppress(BlockingIOError):
                        client.send(b"a" * 65536)
                    return total(scrape(daemon), "upcased_connections",
                                 state="sending")
                wait_until(is_full, "a full connection")
                self.assertEqual(get(daemon, "/readyz", address=at)[0], 200)
                daemon.send_signal(signal.SIGTERM)
                daemon.wait_for_line("^draining")
                self.check(ask(daemon, b"GET /readyz HTTP/1.0\r\n\r\n", at),
                           503)
                self.assertEqual(get(daemon, "/healthz", address=at)[0], 200)
                values = scrape(daemon, at)
                self.assertEqual(total(values, "upcased_draining"), 1)
                self.assertEqual(total(values, "upcased_connections"), 1)
            self.assertEqual(daemon.wait(), 0)

    @each_backend(workers=(1, 2))
    def test_hand_over(self, how):
        """A hand-over in the middle of a request answers it and serves on"""
        with served(how) as daemon:
            at = place(daemon)
            with daemon.connect() as client, daemon.connect(at) as half, \
                    daemon.connect(at) as silent:
                client.sendall(b"text")
                receive(client, 4)
                half.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
                # It is served by now, as this one came later.
                before = scrape(daemon, at)
                self.assertEqual(hand_over(daemon), 1)
                self.check(read_to_end(half), 503)
                self.check(read_to_end(silent), 503)
                values = scrape(daemon, at)
                for name in ("received_bytes", "connections_accepted"):
                    key = f"upcased_{name}_total", ()
                    self.assertEqual(values[key], before[key])
                self.assertEqual(total(values, "upcased_connections"), 1)
                client.sendall(b"more")
                self.assertEqual(receive(client, 4), b"MORE")
            # Once more, for what the next process has set up.
            self.assertEqual(hand_over(daemon), 0)
            self.assertEqual(get(daemon, "/readyz", address=at)[0], 200)

    @each_backend(workers=(1, 2))
    def test_crowd(self, how):
        """While 1000 clients are busy each scrape is right"""
        with served(how, nofile=4096) as daemon:
            at = place(daemon)
            host, port = daemon.address
            bench = subprocess.Popen(
                [UPCBENCH, f"{host}:{port}", "--connections", "1000",
                 "--time", "3s"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            last, n = 0, 0
            while bench.poll() is None:
                values = scrape(daemon, at)
                self.assertGreaterEqual(
                    total(values, "upcased_sent_bytes_total"), last)
                last = total(values, "upcased_sent_bytes_total")
                n += total(values, "upcased_connections") > 900
            self.assertEqual((bench.returncode, bench.communicate()[1]),
                             (0, b""))
            self.assertGreater(n, 0)


def has_name(name):
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False


class StartTest(unittest.TestCase):
    def fail_to_start(self, *args):
        done = subprocess.run(
            [UPCASED, "--config", "none", "--listen", "127.0.0.1:0", *args],
            timeout=PATIENCE, text=True, capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_in_use(self):
        """An address that is in use is named, with the option"""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            error = self.fail_to_start("--metrics", f"127.0.0.1:{port}")
        self.assertIn(f"127.0.0.1:{port} is in use; stop the other server, or "
                      "choose another port with --metrics\n", error)

    def test_unknown(self):
        """A name that has no address is named, with the option"""
        error = self.fail_to_start("--metrics", "no-name.invalid:1")
        self.assertIn("--metrics no-name.invalid:1: ", error)

    def test_off(self):
        """Without the option nothing is listened on for it"""
        with Daemon() as daemon:
            self.assertFalse([line for line in daemon.lines
                              if line.startswith("metrics")])


if __name__ == "__main__":
    tap.main()
