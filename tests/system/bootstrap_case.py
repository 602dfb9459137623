# SPDX-License-Identifier: ISC
"""A tree that ./bootstrap may take for the sources, and a machine around it.

What the script calls is played: configure and make by a few lines each, which
put the daemon and the client that were built already into place; the tools
that install packages, and those that make the configure script, by what a test
says.  Of the machine's own programs there are only those that are named here.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
UPCASED = os.path.abspath(os.environ.get("UPCASED", "upcased"))
UPC = os.path.abspath(os.environ.get("UPC", "upc"))
BOUND = 120

TOOLS = """awk cat chmod cp cut date dirname env find grep head id kill ln mkdir
mkfifo mktemp mv nproc printf rm sed setsid sh sleep sort stty tail timeout touch
tr true uname wc""".split()

CONFIGURE = """#!/bin/sh
echo configure >>"$CALLS"
echo 'checking whether this is a test... yes'
cat >config.status <<END
#!/bin/sh
echo "$*"
END
chmod +x config.status
echo "ac_pwd='$(pwd)'" >>config.status
: >Makefile
ln -sf "$REAL_UPCASED" upcased
ln -sf "$REAL_UPC" upc
"""

# What is needed of each package is there, but for those of $MISSING.
DPKG_QUERY = """#!/bin/sh
for package; do :; done
case " $MISSING " in *" $package "*) echo not-installed ;; *) echo installed ;; esac
"""

MAKE = """#!/bin/sh
echo "make $*" >>"$CALLS"
echo '  CC       src/base/one.o'
"""


def executable(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


class BootstrapCase(unittest.TestCase):
    """Each test has a tree, self.tree, and a machine of its own."""

    folder = "upcased"

    def shortDescription(self):
        """The whole sentence, over all its lines."""
        return " ".join(self._testMethodDoc.split())

    def setUp(self):
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.tree = os.path.join(self.top, self.folder)
        self.bin = os.path.join(self.top, "bin")
        self.scratch = os.path.join(self.top, "tmp")
        self.calls = os.path.join(self.top, "calls")
        for path in (self.tree, self.bin, self.scratch):
            os.mkdir(path)
        # Anybody may be the user here.
        os.chmod(self.top, 0o755)
        for name in TOOLS:
            found = shutil.which(name)
            if found is None:
                self.skipTest(f"there is no {name}")
            os.symlink(found, os.path.join(self.bin, name))
        shutil.copy(f"{TOP}/bootstrap", self.tree)
        shutil.copytree(f"{TOP}/contrib/bootstrap",
                        f"{self.tree}/contrib/bootstrap")
        os.mkdir(f"{self.tree}/tests")
        shutil.copy(f"{TOP}/tests/results", f"{self.tree}/tests")
        for name in ("configure.ac", "Makefile.am", "tests/local.mk",
                     "Makefile.in", "config.h.in"):
            with open(f"{self.tree}/{name}", "w"):
                pass
        executable(f"{self.tree}/configure", CONFIGURE)
        self.tool("dpkg-query", DPKG_QUERY)
        self.tool("apt-get", "#!/bin/sh\nexit 1\n")
        self.tool("make", MAKE)
        self.environment = {
            "PATH": self.bin, "HOME": self.top, "TMPDIR": self.scratch,
            "CALLS": self.calls, "REAL_UPCASED": UPCASED, "REAL_UPC": UPC,
            "TOP": self.top, "MISSING": "", "LC_ALL": "C.UTF-8", "CI": "1",
            "TERM": "xterm"}

    def tool(self, name, text):
        """Puts a program in the place of the one of that name."""
        path = os.path.join(self.bin, name)
        if os.path.lexists(path):
            os.unlink(path)
        executable(path, text)

    @contextlib.contextmanager
    def start(self, *arguments, **how):
        """The process of it, which ends with the block that fails."""
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        # In a session of its own, as at a terminal that nothing else has, with
        # the signals as they are there.
        process = subprocess.Popen(
            ["env", "--default-signal", f"{self.tree}/bootstrap", *arguments],
            env=self.environment, stdin=subprocess.DEVNULL,
            start_new_session=True, text=True, **how)
        with process:
            try:
                yield process
            except BaseException:
                for pid, _ in self.mine():
                    os.kill(pid, signal.SIGKILL)
                raise

    def call(self, *arguments, status=0, **how):
        """Runs it to its end; returns what it printed, and complained of."""
        with self.start(*arguments, **how) as process:
            output, errors = process.communicate(timeout=BOUND)
        self.assertEqual(process.returncode, status, (output, errors))
        self.assert_nothing_left()
        return output, errors

    def called(self):
        """The calls of what is played, without their arguments for speed."""
        if not os.path.exists(self.calls):
            return []
        with open(self.calls, encoding="utf-8") as file:
            return file.read().splitlines()

    def mine(self):
        """The processes that have the mark of this test in the environment."""
        mark = f"CALLS={self.calls}".encode()
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark not in file.read().split(b"\0"):
                        continue
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    found.append((int(name), file.read()))
            except OSError:
                pass
        return found

    def assert_nothing_left(self):
        self.assertEqual(self.mine(), [])
        self.assertEqual(os.listdir(self.scratch), [])
