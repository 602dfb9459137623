# SPDX-License-Identifier: ISC
"""The comparison with other servers counts right, and sees what goes wrong."""

import contextlib
import csv
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
TESTS = os.path.dirname(BENCH)
sys.path[1:1] = [BENCH, TESTS, os.path.join(TESTS, "system")]

import contenders
import counts
import figures
import load
import machine
import peers
import process
import tap

BUILD = os.environ["builddir"]

# Takes the place of upcased: it is right at first, which is what is proven, and
# then does what its name says.
LIAR = """#!{python}
import os
import socket
import sys
import threading

if "--version" in sys.argv:
    print("upcased 0.0.0")
    sys.exit()

def serve(conn, number):
    while text := conn.recv(1 << 20):
        if number > {right}:
            if "{name}" == "dies":
                os._exit(3)
            text = text.replace(b"e", b"x")
        conn.sendall(text.upper())
    conn.close()

address = sys.argv[sys.argv.index("--listen") + 1]
listener = socket.create_server(
    ("127.0.0.1", int(address.rpartition(":")[2])), backlog=100)
print("listening on it", flush=True)
number = 0
while True:
    conn = listener.accept()[0]
    number += 1
    threading.Thread(target=serve, args=(conn, number), daemon=True).start()
"""

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.006000           5      1205           sendto
 40.00    0.004000           3      1207         2 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.010000           4      2412         2 total
"""


class FiguresTest(unittest.TestCase):
    def figures(self, **servers):
        found = figures.Figures("floor")
        for server, values in servers.items():
            for turn, value in enumerate(values):
                if value is not None:
                    found.add("ping", server, turn, {"cpu": value})
        return found

    def test_ratio(self):
        """a ratio is the median of those within a round"""
        # The machine is ten times slower in the second round.
        found = self.figures(floor=[1, 10, 1.2], ours=[2, 30, 1.2])
        self.assertAlmostEqual(found.of_floor("ping", "ours", "cpu"), 2)
        self.assertEqual(found.median("ping", "ours", "cpu"), 2)

    def test_missing_round(self):
        """a round in which one of two is missing does not count"""
        found = self.figures(floor=[1, None, 4], ours=[None, 5, 6])
        self.assertAlmostEqual(found.of_floor("ping", "ours", "cpu"), 1.5)
        self.assertIsNone(found.of_floor("ping", "other", "cpu"))
        self.assertIsNone(found.median("ping", "other", "cpu"))

    def test_summary(self):
        """the summary has median, least, most and the ratio"""
        found = self.figures(floor=[1, 2, 4], ours=[3, 2, 2])
        rows = {row[1]: row for row in found.summary()}
        self.assertEqual(rows["ours"],
                         ("ping", "ours", "cpu", 3, "2", "2", "3", "1.00"))

    def test_number(self):
        """three digits count"""
        for value, text in ((0.123, "0.12"), (9.87, "9.87"), (12.34, "12.3"),
                            (123.4, "123"), (12345, "12,345"), (None, "-")):
            self.assertEqual(figures.number(value), text)


class LoadTest(unittest.TestCase):
    def test_time_at_a_moment(self):
        """what was spent at a moment lies between two looks"""
        looks = [(0, 0), (2, 1), (4, 4)]
        for moment, spent in ((-1, 0), (0, 0), (1, 0.5), (3, 2.5), (9, 4)):
            self.assertAlmostEqual(load.at(looks, moment), spent)

    def test_units(self):
        """the cost is in µs for a message and in ms for a GB"""
        report = {"messages_per_second": 50e3, "bytes_per_second": 2e9,
                  "latency_us": {"p50": 7, "p99": None}}
        self.assertEqual(load.values(report, 0.5, "message"),
                         {"cpu": 10, "rate": 50e3, "p50": 7})
        self.assertAlmostEqual(load.values(report, 0.5, "GB")["cpu"], 250)
        with self.assertRaises(load.NoAnswer):
            load.values({"messages_per_second": 0}, 0.5, "message")


class CountsTest(unittest.TestCase):
    def test_instructions(self):
        """the total of callgrind is read"""
        self.assertEqual(counts.instructions("events: Ir\nsummary: 123\n"),
                         {"instructions": 123})
        with self.assertRaises(process.Failure):
            counts.instructions("")

    def test_calls(self):
        """the table of strace is read, with errors and without"""
        self.assertEqual(counts.calls(STRACE),
                         {"sendto": 1205, "recvfrom": 1207})

    def test_difference(self):
        """what comes at the start falls out"""
        few = {"sendto": 205, "brk": 7}
        many = {"sendto": 1205, "brk": 7, "recvfrom": 500}
        self.assertEqual(counts.difference(few, many, 1000),
                         {"sendto": 1, "recvfrom": 0.5})


class FolderCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def liar(self, name, right):
        """A program in the place of upcased that answers some rightly."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(LIAR.format(python=sys.executable, name=name,
                                   right=right))
        os.chmod(path, 0o700)
        return path


class ServerTest(FolderCase):
    def server(self, *command, **how):
        peer = peers.Peer("upcased", list(command), **how)
        return process.Server(peer, self.folder)

    def python(self, code, **how):
        return self.server(sys.executable, "-c", code, "{port}", **how)

    def test_wrong_answer(self):
        """a server that answers wrongly is noticed"""
        path = self.liar("lies", 1)
        with self.server(path, "--listen", "127.0.0.1:{port}",
                         answer="upper", ready="listening on ") as server, \
                self.assertRaisesRegex(process.Failure, "answers wrongly"):
            server.prove()

    def test_death(self):
        """a server that ends by itself is noticed"""
        path = self.liar("dies", 0)
        with self.server(path, "--listen", "127.0.0.1:{port}",
                         answer="upper", ready="listening on ") as server, \
                self.assertRaisesRegex(process.Failure, "ended by itself|"
                                       "does not answer|answers wrongly"):
            server.prove()
        self.assertEqual(server.process.returncode, 3)

    def test_no_start(self):
        """a server that does not start says why"""
        with self.assertRaisesRegex(process.Failure, "no tacos"), \
                self.python("print('no tacos')"):
            pass

    def test_stubborn(self):
        """a server that does not end when it is asked to is ended"""
        grace, process.GRACE = process.GRACE, 0.1
        self.addCleanup(setattr, process, "GRACE", grace)
        with self.python(
                "import signal, time\n"
                "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "print('ready', 'x', flush=True)\n"
                "time.sleep(100)") as server:
            self.assertTrue(process.alive(server.pid))
        self.assertFalse(process.alive(server.pid))

    def test_family(self):
        """the processes that a server has started end with it"""
        with self.python(
                "import os, time\n"
                "if os.fork() == 0 and os.fork() == 0:\n"
                "    print('ready', 'x', flush=True)\n"
                "time.sleep(100)") as server:
            family = process.family(server.pid)
            self.assertEqual(len(family), 3)
        self.assertEqual([pid for pid in family if process.alive(pid)], [])

    def test_times(self):
        """the time of a server is that of all its threads"""
        with self.python(
                "import threading, time\n"
                "def spin():\n"
                "    while time.thread_time() < 0.1:\n"
                "        pass\n"
                "thread = threading.Thread(target=spin)\n"
                "thread.start()\n"
                "spin()\n"
                "thread.join()\n"
                "print('ready', 'x', flush=True)\n"
                "time.sleep(100)") as server:
            self.assertGreater(server.cpu_time(), 0.19)
            self.assertGreater(server.memory(), 1 << 20)


class PeersTest(FolderCase):
    def check(self, name):
        found, missing = peers.find([name], BUILD, self.folder)
        for base, why in missing.items():
            self.skipTest(f"{base} is left out: {why}")
        self.prove(found[name])

    def prove(self, peer):
        with process.Server(peer, self.folder) as server:
            server.prove()
            self.flood(server)
            self.assertRegex(peer.version, r"\d")
            family = process.family(server.pid)
        self.assertEqual([pid for pid in family if process.alive(pid)], [])

    def flood(self, server):
        """Sends more than a connection holds, and reads only then."""
        question = (b"so hungry, so many tacos, so far away. " * 220000)
        with server.connect() as client:
            def send():
                with contextlib.suppress(OSError):
                    client.sendall(question)
                    client.shutdown(socket.SHUT_WR)
            sender = threading.Thread(target=send)
            sender.start()
            # Either the server takes no more now, or it keeps everything.
            sender.join(0.1)
            answer = b""
            while len(answer) <= len(question) and \
                    (more := client.recv(1 << 20)):
                answer += more
        sender.join()
        upper = server.peer.answer == "upper"
        # No text of megabytes in the report.
        self.assertTrue(answer == (question.upper() if upper else question))

    def check_built(self, base, path):
        """Those that are not compiled here: only if the benchmark has been."""
        program = os.path.join(BUILD, "bench", "server", path)
        if not os.path.exists(program):
            self.skipTest("it is compiled by make bench")
        self.prove(peers.Peer(base, [program, "{port}"]))
        self.prove(peers.Peer(base, [program, "{port}", "1000"]))

    def test_go(self):
        """Go echoes"""
        self.check_built("go", "bench-echo-go")

    def test_tokio(self):
        """tokio echoes"""
        self.check_built("tokio", "tokio/target/release/bench-echo-tokio")

    def test_missing(self):
        """what is not there is left out, with the reason"""
        installed = contenders.installed
        self.addCleanup(setattr, contenders, "installed", installed)
        contenders.installed = lambda name: None
        names = ["libuv", "libuv:1000", "go", "tokio", "node", "asyncio"]
        found, missing = peers.find(names, self.folder, self.folder)
        self.assertEqual(list(found), ["asyncio"])
        self.assertEqual(missing, {
            "libuv": "configure has not found its library",
            "go": "golang-go is not installed",
            "tokio": "cargo is not installed",
            "node": "nodejs is not installed"})


def add_peers():
    for name in ("epoll", "libev", "libevent", "libuv", "asyncio"):
        for words in name, f"{name}:1000":
            def test(self, name=words):
                self.check(name)
            test.__doc__ = f"{words} echoes"
            setattr(PeersTest, f"test_{words}", test)
    for name in ("node", "socat", "xinetd", "upcased"):
        def test(self, name=name):
            self.check(name)
        test.__doc__ = f"{name} answers"
        setattr(PeersTest, f"test_{name}", test)


add_peers()


@unittest.skipUnless(load.program(BUILD), "upcbench is not built")
@unittest.skipUnless(os.path.exists(os.path.join(BUILD, "bench-echo-epoll")),
                     "there is no epoll")
class RunTest(FolderCase):
    def run_it(self, *options, **environment):
        return subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "compare.py"),
             "--no-fetch", "--servers", "upcased,epoll", "--output",
             self.folder, *options],
            env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120)

    def test_run(self):
        """each server has figures in each scenario, and a page has them"""
        ran = self.run_it("--seconds", "0.3", "--rounds", "2", "--connections",
                          "60", "--scenarios", "ping-64,bulk-1,churn,idle")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        with open(os.path.join(self.folder, "summary.csv")) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(
            sorted((row["scenario"], row["server"], row["rounds"])
                   for row in rows if row["metric"] in ("cpu", "idle")),
            sorted((scenario, server, "1" if scenario == "idle" else "2")
                   for scenario in ("ping-64", "bulk-1", "churn", "idle")
                   for server in ("upcased", "epoll")))
        for row in rows:
            if row["metric"] in ("cpu", "rate"):
                self.assertGreater(float(row["of_floor"]), 0)
        with open(os.path.join(self.folder, "RESULTS")) as file:
            page = file.read()
        for word in (machine.kernel(), "congestion control", "upcased 0",
                     "64 B", "bulk"):
            self.assertIn(word, page)

    def test_wrong_at_first(self):
        """a server that answers wrongly is left out, and the run fails"""
        ran = self.run_it("--quick", "--scenarios", "ping-64",
                          UPCASED=self.liar("lies", 1))
        self.assertRegex(ran.stdout,
                         "(?m)^upcased is left out: answers wrongly")
        self.assertNotIn("not measured", ran.stdout)
        self.assertRegex(ran.stdout, "(?m)^raw epoll +1.00")
        self.assertEqual(ran.returncode, 1, ran.stderr)

    def test_wrong_later(self):
        """a wrong answer under load fails the run"""
        ran = self.run_it("--quick", "--scenarios", "ping-64",
                          UPCASED=self.liar("lies", 60))
        self.assertRegex(ran.stdout,
                         "(?m)^not measured: upcased in ping-64: upcbench:")
        self.assertEqual(ran.returncode, 1, ran.stderr)

    def test_death_later(self):
        """a server that dies under load fails the run"""
        ran = self.run_it("--quick", "--scenarios", "ping-64",
                          UPCASED=self.liar("dies", 60))
        self.assertRegex(ran.stdout, "(?m)^not measured: upcased in ping-64: "
                         "ended by itself with status 3")
        self.assertEqual(ran.returncode, 1, ran.stderr)


tap.main()
