#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""./bootstrap: what it prints, asks for, does once, and leaves behind."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import time
import unittest

import tap
from bootstrap_case import BOUND, BootstrapCase

# A command that takes until the test says so; what it has started ends with it.
HELD = """#!/bin/sh
[ ! -e "$TOP/held" ] || exit 0
: >"$TOP/held"
sleep 1000 &
while [ ! -e "$TOP/go" ]; do sleep 0.1; done
kill $!
"""

# Of the legs of check-long, one has ended and two run.
LEGS = """#!/bin/sh
case " $* " in *" check-long "*) ;; *) exit 0 ;; esac
printf '%s\\n' 'one: begins' 'one: 3 s' 'two: begins'
echo 'three: begins' >build/long-computed
while [ ! -e "$TOP/go" ]; do sleep 0.1; done
echo '1 passed, 0 failed, 0 skipped'
"""


def wait_for_path(path, process):
    deadline = time.monotonic() + BOUND
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{path} does not come")
        time.sleep(0.02)


class Success(BootstrapCase):
    def check_lines(self, output):
        """Nothing but what is done, and the answers."""
        for line in output.splitlines():
            self.assertRegex(
                line, r"^(Configuring in |Building in |upcased listens on "
                r"|Port 5220 is taken|upcased is stopped|  (sent|answer)  "
                r"|  (configuring|building), \d+ s: )")
        self.assertIn("  answer  STRASSE\n", output)

    def test_run(self):
        """run prints what it does and the answers, and nothing else"""
        output, errors = self.call("run")
        self.check_lines(output)
        self.assertEqual(errors, "")

    def test_port(self):
        """run takes another port when 5220 is in use"""
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 5220))
                taken.listen()
            except OSError:
                pass  # Others have it.
            output, _ = self.call("run")
        self.check_lines(output)
        self.assertIn("Port 5220 is taken; using another port.\n", output)

    def test_archive(self):
        """run in a release archive needs no autotools, whatever time its
        files have"""
        os.utime(f"{self.tree}/configure", (1, 1))
        self.environment["MISSING"] = \
            "autoconf automake autoconf-archive pkg-config"
        self.check_lines(self.call("run")[0])

    def test_clone(self):
        """run in a clone whose configure is old asks for the autotools"""
        with open(f"{self.tree}/.gitignore", "w"):
            pass
        os.utime(f"{self.tree}/configure", (1, 1))
        self.environment["MISSING"] = "automake autoconf-archive"
        self.tool("sleep", "#!/bin/sh\nexit 0\n")
        output, _ = self.call("run", status=1)
        self.assertIn("missing: automake autoconf-archive \n", output)

    def test_shared(self):
        """check compiles in what run has configured"""
        self.call("run")
        self.call("check")
        self.assertEqual(self.called().count("configure"), 1)
        self.assertFalse([call for call in self.called()
                          if call.endswith("clean")])

    def test_silence(self):
        """While a step takes long, lines say how it gets on"""
        self.tool("make", HELD)
        with self.start("run") as process:
            deadline = time.monotonic() + BOUND
            seen = ""
            while "  building, " not in seen:
                self.assertLess(time.monotonic(), deadline)
                if select.select([process.stdout], [], [], BOUND)[0]:
                    seen += os.read(process.stdout.fileno(), 9999).decode()
            with open(f"{self.top}/go", "w"):
                pass
            process.communicate(timeout=BOUND)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("\r", seen)

    def test_legs(self):
        """check-long says which legs run"""
        self.tool("make", LEGS)
        with self.start("check-long") as process:
            for line in process.stdout:
                if re.match(r"  testing, \d+ s: ", line):
                    break
            with open(f"{self.top}/go", "w"):
                pass
            process.communicate(timeout=BOUND)
        self.assertRegex(line, r"s: two, three$")
        self.assertEqual(process.returncode, 0)

    def test_row(self):
        """On a terminal that is one row, which is drawn again"""
        self.tool("make", HELD)
        master, slave = pty.openpty()
        with self.start("run", stdout=slave) as process:
            os.close(slave)
            seen = b""
            while seen.count(b"\r\x1b[K  building, ") < 3:
                self.assertTrue(select.select([master], [], [], BOUND)[0])
                seen += os.read(master, 9999)
            with open(f"{self.top}/go", "w"):
                pass
            try:
                while more := os.read(master, 9999):
                    seen += more
            except OSError:
                pass
            process.wait(BOUND)
        os.close(master)
        self.assertEqual(process.returncode, 0)
        for row in re.findall(rb"\r\x1b\[K(  [^\r]*)", seen):
            self.assertLess(len(row), 80)
        # It is gone when the next line comes.
        self.assertIn(b"\r\x1b[Kupcased listens on ", seen)


class Blanks(Success):
    """The same in a folder with such a name."""

    folder = "a b & c's"


class Refusal(BootstrapCase):
    def test_command(self):
        """An unknown command is named, with the usage"""
        for arguments in (["build"], ["run", "check"], ["-x"]):
            output, errors = self.call(*arguments, status=64)
            self.assertEqual(output, "")
            self.assertTrue(errors.startswith("bootstrap: "), errors)
            self.assertIn("usage: ./bootstrap ", errors)
        self.assertIn("no command '-x'", errors)

    def test_help(self):
        """help goes to the standard output"""
        output, errors = self.call("help")
        self.assertTrue(output.startswith("usage: ./bootstrap "))
        self.assertEqual(errors, "")

    def test_plain_user(self):
        """A plain user without sudo is told what root has to do"""
        self.environment["MISSING"] = "gcc make"
        self.tool("id", "#!/bin/sh\necho 1000\n")
        output, errors = self.call("run", status=1)
        self.assertEqual(
            errors, "bootstrap: packages are missing and only root can "
            "install them; as root: apt-get install "
            "--no-install-recommends gcc make \n")

    def test_network(self):
        """Without a network it says so, and what it wanted"""
        self.environment["MISSING"] = "gcc"
        self.tool("sleep", "#!/bin/sh\nexit 0\n")
        self.tool("apt-get", """#!/bin/sh
echo "W: Failed to fetch http://deb.example/InRelease  Temporary failure resolving 'deb.example'" >&2
exit 100
""")
        output, errors = self.call("run", status=1)
        self.assertIn("trying again in 3 s", output)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertRegex(errors, r"cannot reach the packages: Failed to fetch "
                         r".*connected to a network\? Missing are: gcc $")

    def test_package(self):
        """What apt-get says of a package it does not have is shown"""
        self.environment["MISSING"] = "gcc"
        self.tool("sleep", "#!/bin/sh\nexit 0\n")
        self.tool("apt-get", """#!/bin/sh
case " $* " in *" update "*) exit 0 ;; esac
echo 'E: Unable to locate package gcc' >&2
exit 100
""")
        _, errors = self.call("run", status=1)
        self.assertIn("E: Unable to locate package gcc\n", errors)
        self.assertRegex(errors, "could not install: gcc ")

    def test_autotools(self):
        """Each tool that is missing for the configure script is named"""
        macros = f"{self.top}/macros"
        os.mkdir(macros)
        aclocal = f"#!/bin/sh\necho {macros}\n"
        every = {"autoreconf": "autoconf", "automake": "automake",
                 "ax_append_compile_flags.m4": "autoconf-archive",
                 "pkg.m4": "pkg-config"}
        self.tool("aclocal", aclocal)
        for left_out, package in every.items():
            for name in every:
                if name.endswith(".m4"):
                    path = f"{macros}/{name}"
                else:
                    path = f"{self.bin}/{name}"
                if name == left_out:
                    if os.path.exists(path):
                        os.unlink(path)
                else:
                    with open(path, "w", encoding="ascii") as file:
                        file.write("#!/bin/sh\n")
                    os.chmod(path, 0o755)
            _, errors = self.call(status=1)
            self.assertEqual(len(errors.splitlines()), 1, errors)
            self.assertTrue(errors.endswith(
                f"apt-get install --no-install-recommends {package} \n"),
                errors)

    def test_compiler(self):
        """When the build fails, the end of its log is shown, and its place"""
        self.tool("make", "#!/bin/sh\necho 'x.c:1: error: no'\nexit 2\n")
        _, errors = self.call("run", status=1)
        self.assertIn("x.c:1: error: no\n", errors)
        self.assertRegex(errors.splitlines()[-1], r"/build/bootstrap-\w+\.log$")

    @unittest.skipIf(os.geteuid() == 0 and os.access("/", os.W_OK),
                     "root may write everywhere")
    def test_read_only(self):
        """A folder that may not be written is named"""
        os.chmod(self.tree, 0o555)
        _, errors = self.call("run", status=1)
        self.assertIn(f"{self.tree}/build", errors)

    def test_failures(self):
        """What failed, and the place of its log, stands right before the
        total"""
        self.tool("make", """#!/bin/sh
case " $* " in
*" check TESTS= "*) ;;
*" check "*)
	mkdir -p build/tests/unit
	echo 'not ok 2 - one & two | three' >build/tests/unit/x.log
	echo ':test-result: FAIL' >build/tests/unit/x.trs
	printf 'FAIL: tests/unit/x 2 - one & two | three\\n# PASS:  7\\n# FAIL:  1\\n'
	exit 2 ;;
esac
""")
        output, _ = self.call("check", status=2)
        self.assertEqual(
            output.splitlines()[-2:],
            ["failed: check: tests/unit/x 2 - one & two | three; "
             "see build/tests/unit/x.log", "7 passed, 1 failed, 0 skipped"])

    def test_no_tests(self):
        """A build that fails in check is a failure with a log and a total"""
        self.tool("make", "#!/bin/sh\necho 'x.c:1: error: no'\nexit 2\n")
        output, _ = self.call("check", status=2)
        self.assertRegex(output.splitlines()[-2],
                         r"^failed: check: make ended .*; see .*\.log$")
        self.assertEqual(output.splitlines()[-1],
                         "0 passed, 1 failed, 0 skipped")


class Ends(BootstrapCase):
    def test_reader(self):
        """When its reader goes, it ends without a word and leaves nothing"""
        for nlines in range(4):
            with self.start("run") as process:
                for _ in range(nlines):
                    process.stdout.readline()
                process.stdout.close()
                errors = process.stderr.read()
                process.wait(BOUND)
            self.assertEqual(errors, "")
            # Or well, if all had been written before the reader went.
            self.assertIn(process.returncode, (-signal.SIGPIPE, 0))
            self.assert_nothing_left()

    def test_full(self):
        """When its output cannot be written, it says so"""
        with open("/dev/full", "w", encoding="ascii") as full:
            _, errors = self.call("run", stdout=full, status=1)
        self.assertEqual(
            errors, "bootstrap: cannot write to the standard output\n")

    def interrupt(self, signo):
        with self.start("run") as process:
            wait_for_path(f"{self.top}/held", process)
            process.send_signal(signo)
            process.communicate(timeout=BOUND)
        # A shell that has called it then ends its own loop or list as well.
        self.assertEqual(process.returncode, -signo)
        self.assert_nothing_left()
        os.unlink(f"{self.top}/held")

    def test_build(self):
        """A signal ends what it runs, whatever that has started"""
        self.tool("make", HELD)
        for signo in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            self.interrupt(signo)

    def test_defaults(self):
        """What it runs is ended by an interrupt, as it would be without it"""
        self.tool("make", """#!/bin/sh
grep -q '^SigIgn:.*[2367abef]$' /proc/$$/status && echo ignored >>"$CALLS"
exit 0
""")
        self.call("run")
        self.assertEqual(self.called(), ["configure"])

    def test_configure(self):
        """A signal while it configures leaves nothing behind"""
        with open(f"{self.tree}/configure", "w", encoding="ascii") as file:
            file.write(HELD)
        self.interrupt(signal.SIGTERM)

    def test_apt(self):
        """apt-get is interrupted while it fetches, and is waited for while it
        installs"""
        self.environment["MISSING"] = "gcc"
        self.tool("apt-get", """#!/bin/sh
trap 'echo interrupted >>"$CALLS"; : >"$TOP/go"; trap "" INT' INT
: >"$TOP/held"
while [ ! -e "$TOP/go" ]; do sleep 0.1; done
echo ended >>"$CALLS"
exit 100
""")
        self.interrupt(signal.SIGTERM)
        self.assertEqual(self.called(), ["interrupted", "ended"])

    def test_daemon(self):
        """A signal while upcased serves stops it"""
        real = self.environment["REAL_UPC"]
        path = f"{self.top}/upc"
        with open(path, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\n: >"$TOP/held"\nsleep 0.2\n'
                       f'exec "{real}" "$@"\n')
        os.chmod(path, 0o755)
        self.environment["REAL_UPC"] = path
        self.interrupt(signal.SIGTERM)


if __name__ == "__main__":
    tap.main()
