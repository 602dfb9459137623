#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Nothing that the daemon inherits holds up, ends or widens its service."""

import contextlib
import os
import pwd
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import tap
from client import ask
from daemon import (PATIENCE, SANITIZED, SLOWNESS, UPCASED, Case, Daemon,
                    each_backend, linux_only, needs, not_counted, root_only,
                    unstamped, wait_until, with_mounts)
from injection import calls_in, injecting, with_strace, wrapper
from stream import upper

LINE = "ein Stück\n".encode()

OS_ERROR, NO_PERMISSION = 71, 77

# Descriptors that are kept free for what the C library may open.
SPARE = 4

RUN = "; os.execvp(sys.argv[1], sys.argv[1:])"


def inheriting(code):
    """A wrapper that runs the code before the program."""
    return [sys.executable, "-S", "-E", "-c",
            "import os, resource, signal, sys; " + code + RUN]


def status(pid, thread):
    """The fields of the status of a thread."""
    with open(f"/proc/{pid}/task/{thread}/status") as text:
        return dict(re.findall(r"^(\w+):\t(.*)$", text.read(), re.M))


def limit(pid, name):
    """The soft and the hard limit of that name."""
    with open(f"/proc/{pid}/limits") as text:
        return re.search(rf"^{name} +(\w+) +(\w+)", text.read(), re.M).groups()


def refusal(wrapper, *arguments):
    """The status and the sentence of a daemon that does not start."""
    done = subprocess.run(
        [*wrapper, UPCASED, "--config", "none", "--listen", "127.0.0.1:0",
         *arguments],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE)
    return done.returncode, unstamped(done.stderr)


class DescriptorTest(Case):
    def setUp(self):
        """Many descriptors, one of them far away, and the end of a pipe."""
        self.reader, writer = os.pipe()
        self.addCleanup(os.close, self.reader)
        self.files = []
        self.fds = [writer]
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for i in range(18):
            fd = os.open(f"{self.folder.name}/{i}", os.O_RDWR | os.O_CREAT)
            os.write(fd, b"ours")
            self.files.append(fd)
        self.fds += self.files
        highest = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1
        self.fds.append(os.dup2(self.files[0], min(highest, 9_000)))
        self.addCleanup(self.close)

    def close(self):
        while self.fds:
            os.close(self.fds.pop())

    def check(self, daemon, traced=False):
        self.assertEqual(ask(daemon, LINE), upper(LINE))
        theirs = [name for name in daemon.fds().values()
                  if name.startswith(self.folder.name)]
        self.assertEqual(theirs, [])
        for fd in self.files:
            self.assertEqual(os.lseek(fd, 0, os.SEEK_CUR), 4)
            self.assertEqual(os.fstat(fd).st_size, 4)
        self.close()
        if traced:
            return  # strace keeps what it inherits.
        # Who waits for the end of the pipe does not wait for the daemon.
        self.assertTrue(select.select([self.reader], [], [], PATIENCE)[0])
        self.assertEqual(os.read(self.reader, 1), b"")

    @linux_only
    @each_backend(workers=(1, 2))
    def test_closed(self, how):
        """Descriptors that it inherits are closed, and not used"""
        with Daemon(**how, pass_fds=self.fds) as daemon:
            self.check(daemon)

    @linux_only
    @with_strace
    def test_without_call(self):
        """They are closed also where no system call closes them all"""
        with tempfile.NamedTemporaryFile() as trace:
            with Daemon(pass_fds=self.fds, wrapper=injecting(
                    trace.name, "close_range", "EPERM", "1")) as daemon:
                self.check(daemon, traced=True)

    @linux_only
    @root_only
    @with_mounts
    @with_strace
    def test_without_list(self):
        """They are closed also where nothing tells which there are"""
        with tempfile.NamedTemporaryFile() as trace:
            wrap = injecting(trace.name, "close_range", "ENOSYS", "1")
            hide = ["unshare", "--mount", "sh", "-ec",
                    'mount -t tmpfs none /proc; exec "$@"', "sh"]
            with Daemon(pass_fds=self.fds, wrapper=[*wrap, *hide]) as daemon:
                self.check(daemon, traced=True)

    @linux_only
    @not_counted
    @each_backend(workers=(1, 2))
    def test_counted(self, how):
        """What is announced is what the limit leaves, to the descriptor"""
        for soft, passed in ((64, ()), (200, self.fds)):
            with Daemon(**how, nofile=soft, pass_fds=passed) as daemon:
                announced = int(daemon.wait_for_line(
                    r"at most (\d+) connection").group(1))
                # With it the start is over.
                daemon.counters()
                fds = daemon.fds()
                used = len(fds)
                if how["workers"] == 1:
                    self.assertEqual(announced, soft - used - SPARE, fds)
                self.assertLessEqual(announced, soft - used, fds)
                with contextlib.ExitStack() as clients:
                    for i in range(announced):
                        client = clients.enter_context(daemon.connect())
                        client.sendall(LINE)
                        self.assertEqual(client.recv(1024), upper(LINE),
                                         f"client {i + 1} of {announced}")
                    counters = daemon.counters()
                self.assertEqual(counters["accept-failures"], 0, counters)

    @linux_only
    @with_strace
    def test_time(self):
        """The start does not look at each number that a descriptor can
        have"""
        with tempfile.NamedTemporaryFile() as trace:
            with Daemon(wrapper=wrapper(trace.name)) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
            ncalls = 0
            for _, _, rest in calls_in(trace.name):
                ncalls += 1
                if "listening on" in rest:
                    break
        self.assertLess(ncalls, 1_000)


class TimerTest(Case):
    def test_timers(self):
        """Timers that it inherits do not end it"""
        code = ("[signal.setitimer(timer, 0.05, 0.01) for timer in "
                "(signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, "
                "signal.ITIMER_PROF)]")
        # The timers of processor time need some.
        text = LINE * 100_000
        with Daemon(wrapper=inheriting(code)) as daemon:
            daemon.watch(0.1)
            while daemon.cpu_time() < 0.2 * SLOWNESS:
                self.assertEqual(ask(daemon, text), upper(text))

    @linux_only
    @with_strace
    def test_stopped(self):
        """Timers that it inherits are stopped"""
        with tempfile.NamedTemporaryFile() as trace:
            with Daemon(wrapper=wrapper(trace.name, "trace=setitimer")):
                pass
            stopped = {rest.split(",")[0] for _, _, rest
                       in calls_in(trace.name)}
        self.assertEqual(
            stopped, {"ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF"})

    @linux_only
    @root_only
    def test_slack(self):
        """Waits of no thread end later than it asked, whatever was
        inherited"""
        code = ("import ctypes; "
                "ctypes.CDLL(None).prctl(29, ctypes.c_ulong(10 ** 10))")
        with Daemon(workers=2, wrapper=inheriting(code)) as daemon:
            for thread in os.listdir(f"/proc/{daemon.pid}/task"):
                with open(f"/proc/{thread}/timerslack_ns") as slack:
                    self.assertEqual(slack.read(), "50000\n")


class PlaceTest(Case):
    @linux_only
    def test_place(self):
        """It works in /, and lets nobody else use a file that it makes"""
        with tempfile.TemporaryDirectory() as folder:
            wrap = inheriting(f"os.umask(0); os.chdir({folder!r})")
            with Daemon(workers=2, wrapper=wrap) as daemon:
                self.assertEqual(os.readlink(f"/proc/{daemon.pid}/cwd"), "/")
                for thread in os.listdir(f"/proc/{daemon.pid}/task"):
                    self.assertEqual(status(daemon.pid, thread)["Umask"],
                                     "0077")

    @linux_only
    def test_lost_place(self):
        """It serves also when the directory that it was started in is gone"""
        code = ("import tempfile; folder = tempfile.mkdtemp(); "
                "os.chdir(folder); os.rmdir(folder)")
        with Daemon(wrapper=inheriting(code)) as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))


# Soft and hard limits that bind a program and must not bind the service, as
# prlimit(1) names them.
HARMLESS = ("--cpu=1:100", "--fsize=0", "--locks=0", "--memlock=0",
            "--msgqueue=0", "--nice=0", "--rss=0", "--rtprio=0",
            "--sigpending=0", "--stack=16384:1000000", "--core=0")


class LimitTest(Case):
    @unittest.skipIf(SANITIZED, "sanitizers need more of everything")
    @needs("prlimit")
    def test_harmless(self):
        """Limits that do not concern it do not hold it up"""
        for option in HARMLESS:
            with self.subTest(option), Daemon(
                    workers=2, wrapper=["env", "-i", "prlimit",
                                        option]) as daemon:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                daemon.counters()

    @linux_only
    @needs("prlimit")
    def test_processor_time(self):
        """A limit of processor time is raised, or else warned of"""
        with Daemon(wrapper=["prlimit", "--cpu=1:5000"]) as daemon:
            self.assertEqual(limit(daemon.pid, "Max cpu time"),
                             ("5000", "5000"))
            daemon.wait_for_line(r"^warning: .* 5000 seconds .*ulimit -t")
        with Daemon(wrapper=["prlimit", "--cpu=5000:"]) as daemon:
            daemon.counters()
            self.assertFalse([s for s in daemon.lines if "processor" in s])

    @linux_only
    def test_core(self):
        """Its memory, with the text of clients, never becomes a core file"""
        for code in ("pass", "resource.setrlimit(resource.RLIMIT_CORE, "
                     "[resource.getrlimit(resource.RLIMIT_CORE)[1]] * 2)"):
            with Daemon(wrapper=inheriting(code)) as daemon:
                soft, hard = limit(daemon.pid, "Max core file size")
                self.assertIn(soft, "01")
                self.assertEqual(soft, hard)

    @linux_only
    @root_only
    @needs("setpriv", "prlimit")
    def test_no_dump(self):
        """Nor where the limit of core files is none and cannot be changed"""
        # Then the kernel would hand them to a program all the same.
        wrapper = ["prlimit", "--core=0:0", "setpriv", "--reuid=65534",
                   "--regid=65534", "--clear-groups"]
        with Daemon(wrapper=wrapper) as daemon:
            self.assertEqual(limit(daemon.pid, "Max core file size"),
                             ("0", "0"))
            # What cannot be dumped belongs to root: proc(5).
            self.assertEqual(os.stat(f"/proc/{daemon.pid}/mem").st_uid, 0)
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    @unittest.skipIf(SANITIZED, "sanitizers need a larger stack themselves")
    @needs("prlimit")
    def test_stack(self):
        """A stack that is too small is refused with one sentence"""
        for size in (16384, 100_000):
            # The environment is on the stack as well.
            code, sentence = refusal(
                ["env", "-i", "prlimit", f"--stack={size}:{size}"])
            self.assertEqual(code, OS_ERROR)
            self.assertRegex(sentence, r"^upcased: .*ulimit -s.*\n$")


@linux_only
class RightsTest(Case):
    def check(self, daemon, account, group, bounding=0):
        """No thread has a right that does not come with the account."""
        self.assertEqual(ask(daemon, LINE), upper(LINE))
        for thread in os.listdir(f"/proc/{daemon.pid}/task"):
            fields = status(daemon.pid, thread)
            self.assertEqual(fields["Uid"].split(), [str(account)] * 4)
            self.assertEqual(fields["Gid"].split(), [str(group)] * 4)
            self.assertIn(fields["Groups"].split(), ([], [str(group)]))
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(fields[kind], 16), 0, kind)
            self.assertEqual(int(fields["CapBnd"], 16) & ~bounding, 0)
            self.assertEqual(fields["NoNewPrivs"], "1")

    @root_only
    @needs("setpriv")
    def test_root(self):
        """What root inherits, no thread of the service has"""
        account = pwd.getpwnam("daemon")
        for words in (
                ["--groups", "0,4,24"],
                ["--inh-caps=+net_bind_service,+kill",
                 "--ambient-caps=+net_bind_service,+kill"],
                # It keeps the capabilities of root in another account.
                ["--securebits=+no_setuid_fixup"],
                ["--securebits=+keep_caps_locked,+noroot_locked",
                 "--inh-caps=+setuid,+setgid,+setpcap,+net_admin",
                 "--ambient-caps=+setuid,+setgid,+setpcap,+net_admin"]):
            with self.subTest(" ".join(words)), Daemon(
                    workers=2, args=["--user", "daemon"],
                    wrapper=["setpriv", *words]) as daemon:
                self.check(daemon, account.pw_uid, account.pw_gid)

    @root_only
    @needs("setpriv")
    def test_plain_user(self):
        """What a plain user was given besides, the service gives up"""
        account = pwd.getpwnam("daemon")
        user = ["setpriv", f"--reuid={account.pw_uid}",
                f"--regid={account.pw_gid}", "--clear-groups"]
        with tempfile.TemporaryDirectory() as folder:
            # Where the build is, others may have no way to.
            os.chmod(folder, 0o755)
            program = shutil.copy(UPCASED, folder)
            for words in ([], ["--inh-caps=+net_bind_service",
                               "--ambient-caps=+net_bind_service"]):
                daemon = Daemon(
                    workers=2, wrapper=[*user, *words],
                    listen=["127.0.0.1:1022" if words else "127.0.0.1:0"])
                daemon.command[daemon.command.index(UPCASED)] = program
                with self.subTest(" ".join(words)), daemon:
                    # Only who has the right to can shrink that.
                    self.check(daemon, account.pw_uid, account.pw_gid,
                               bounding=-1)

    @root_only
    @with_mounts
    def test_group_of_root(self):
        """An account whose group is that of root is refused"""
        with tempfile.NamedTemporaryFile("w") as accounts:
            accounts.write("root:x:0:0::/:/bin/sh\nupcased:x:901:0::/:/bin/sh\n"
                           "other:x:902:0::/:/bin/sh\n")
            accounts.flush()
            os.chmod(accounts.name, 0o644)
            mount = ["unshare", "--mount", "sh", "-ec",
                     'mount --bind "$0" /etc/passwd && exec "$@"',
                     accounts.name]
            for arguments, name in (((), "upcased"),
                                    (("--user", "other"), "other")):
                code, sentence = refusal(mount, *arguments)
                self.assertEqual(code, NO_PERMISSION)
                self.assertRegex(
                    sentence, f"^upcased: the group of {name} .*--user\n$")


if __name__ == "__main__":
    tap.main()
