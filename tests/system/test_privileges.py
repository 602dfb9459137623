#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""No thread has a right too many, however the daemon was started, and it works
where there is next to nothing: as process 1, and in an empty root folder.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import tap
from client import ask, receive
from daemon import (PATIENCE, SANITIZED, SANITIZERS, Case, Daemon, each_backend,
                    linux_only, needs, program, root_only, unstamped,
                    wait_until)
from first import AS_FIRST, First, child_of
from refusal import NO_PERMISSION
from rights import check_rights
from stream import upper

LINE = "ein Stück\n".encode()

# A user and a group that no account database has.
USER, GROUP = 4_000_000_001, 4_000_000_002
NUMBERS = f"{USER}:{GROUP}"

# The system's own numbers from here on are those of the user name space.
MAPPED = 1_000_000_000
IN_NAMESPACE = f"""
import ctypes, os, sys
asked, ask = os.pipe()
if os.fork() == 0:
    os.read(asked, 1)
    for kind in "uid", "gid":
        with open(f"/proc/{{os.getppid()}}/{{kind}}_map", "w") as file:
            file.write("0 {MAPPED} 65536")
    os._exit(0)
if ctypes.CDLL(None).unshare(0x10000000) != 0:
    sys.exit("no user name spaces")
os.write(ask, b"x")
assert os.wait()[1] == 0
os.setgroups([])
os.setgid(0)
os.setuid(0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


IN_GROUPS_OF_ROOT = """
import os, sys
os.setgroups([0, 4])
os.execvp(sys.argv[1], sys.argv[1:])
"""


def python(code):
    return [sys.executable, "-S", "-E", "-c", code]


def can_have_users():
    """Whether there are user name spaces with several users."""
    return subprocess.run([*python(IN_NAMESPACE), "true"], timeout=PATIENCE,
                          stderr=subprocess.DEVNULL).returncode == 0


@contextlib.contextmanager
def copied(kind, how=None, **more):
    """The daemon, not started yet, as a copy that everybody can execute."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        name = program((how or {}).get("backend"))
        daemon = kind(**(how or {}), **more)
        daemon.command[daemon.command.index(name)] = shutil.copy(
            name, os.path.join(folder, "upcased"))
        yield daemon


def pid_of(daemon):
    """The process itself, and not the one that is outside of its container."""
    if isinstance(daemon, First):
        return child_of(daemon.process.pid)
    return daemon.pid


def hand_over(daemon):
    since = len(daemon.lines)
    daemon.send_signal(signal.SIGUSR2)
    daemon.wait_for_line("^going on with ", since)


class RightsCase(Case):
    def check(self, kind, user, group, bounding=0, how=None, **more):
        """Before and after a hand-over it has the rights of that account."""
        with copied(kind, how, **more) as made, made as daemon, \
                daemon.connect() as client:
            for serves_on in (False, True):
                if serves_on:
                    hand_over(daemon)
                client.sendall(LINE)
                self.assertEqual(receive(client, len(upper(LINE))),
                                 upper(LINE))
                # With the counters the start is over.
                daemon.counters()
                n = check_rights(self, pid_of(daemon), user, group, bounding)
                if not SANITIZED:
                    workers = (how or {}).get("workers", 1)
                    self.assertEqual(n > 1, workers > 1)


@linux_only
@root_only
class ThreadTest(RightsCase):
    @each_backend(workers=(1, 3))
    def test_default_account(self, how):
        """Started as root, all threads serve as the default account"""
        try:
            account = pwd.getpwnam("upcased")
        except KeyError:
            account = pwd.getpwnam("nobody")
        self.check(Daemon, account.pw_uid, account.pw_gid, how=how)

    def test_accounts(self):
        """Started as root, they serve as --user says by name or in numbers"""
        account = pwd.getpwnam("daemon")
        for text, user, group in (
                ("daemon", account.pw_uid, account.pw_gid),
                (str(account.pw_uid), account.pw_uid, account.pw_gid),
                (f"{account.pw_uid}:60000", account.pw_uid, 60000),
                (NUMBERS, USER, GROUP)):
            for workers in (1, 3):
                with self.subTest(text, workers=workers):
                    self.check(Daemon, user, group, how={"workers": workers},
                               args=["--user", text], wrapper=[
                                   *python(IN_GROUPS_OF_ROOT)])

    @needs("setpriv")
    def test_plain_user(self):
        """Started as a plain user, they have only what comes with the user"""
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}",
                "--clear-groups"]
        more = ["--inh-caps=+net_bind_service,+setuid,+setgid",
                "--ambient-caps=+net_bind_service,+setuid,+setgid"]
        for words in ([], more):
            for arguments in ([], ["--user", NUMBERS], ["--user", str(USER)]):
                with self.subTest(more=words == more, arguments=arguments):
                    # The bounding set only root can empty, for others it has
                    # no meaning without a program that gives rights.
                    self.check(Daemon, USER, GROUP, how={"workers": 3},
                               bounding=-1, args=arguments,
                               wrapper=[*user, *words])

    @needs("setpriv")
    def test_other_numbers(self):
        """A plain user cannot become other numbers, nor get another group"""
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}",
                "--clear-groups"]
        for text in (f"{GROUP}:{GROUP}", f"{USER}:{USER}"):
            with copied(Daemon, wrapper=user, args=["--user", text]) as made:
                done = subprocess.run(
                    made.command, stderr=subprocess.PIPE, text=True,
                    timeout=PATIENCE)
            self.assertEqual(done.returncode, NO_PERMISSION)
            self.assertRegex(unstamped(done.stderr), rf"^upcased: .*{text}; "
                             r".*--user\n$")

    def test_user_namespace(self):
        """Started as root of a user name space, none has a right there"""
        if not can_have_users():
            self.skipTest("needs user name spaces, and the right to them")
        for workers in (1, 3):
            self.check(Daemon, MAPPED + 1234, MAPPED + 4321,
                       how={"workers": workers}, args=["--user", "1234:4321"],
                       wrapper=[*python(IN_NAMESPACE)])

    @needs("unshare")
    def test_first(self):
        """As process 1 of a container, they have the rights of the account"""
        for workers in (1, 3):
            self.check(First, USER, GROUP, how={"workers": workers},
                       args=["--user", NUMBERS])


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(text) for text in children.read().split()]


@linux_only
class OrphanTest(Case):
    def check_gone(self, daemon, pid, orphans):
        wait_until(lambda: not set(orphans) & set(children_of(pid)),
                   "no orphan keeps its place")
        self.assertEqual(ask(daemon, LINE), upper(LINE))

    @root_only
    @needs("unshare", "nsenter")
    @each_backend(workers=(1, 3))
    def test_first(self, how):
        """As process 1 it reaps what others leave, also in a hand-over"""
        with copied(First, how) as made, made as daemon:
            pid = child_of(daemon.process.pid)
            for _ in range(2):
                end, mine = os.pipe()
                mine = os.fdopen(mine, "wb")
                self.addCleanup(mine.close)
                subprocess.run(
                    ["nsenter", f"--target={pid}", "--pid", "sh", "-c",
                     'for i in 1 2 3 4 5; do (exec cat <&"$0") & done',
                     str(end)],
                    check=True, timeout=PATIENCE, pass_fds=(end,),
                    stdout=subprocess.DEVNULL)
                os.close(end)
                orphans = wait_until(
                    lambda: len(children_of(pid)) == 5 and children_of(pid),
                    "the orphans have a new parent")
                # The rehearsal comes behind those that end meanwhile.
                os.kill(orphans[0], signal.SIGKILL)
                since = len(daemon.lines)
                daemon.send_signal(signal.SIGUSR2)
                os.kill(orphans[1], signal.SIGKILL)
                daemon.wait_for_line("^going on with ", since)
                os.kill(orphans[2], signal.SIGKILL)
                self.check_gone(daemon, pid, orphans[:3])
                mine.close()
                self.check_gone(daemon, pid, orphans)
            self.assertEqual(children_of(pid), [])

    def test_inherited(self):
        """It reaps what a shell that executes it has left running"""
        end, mine = os.pipe()
        mine = os.fdopen(mine, "wb")
        self.addCleanup(mine.close)
        with Daemon(pass_fds=(end,), wrapper=[
                "sh", "-c", f'(exec cat <&{end} >/dev/null 2>&1) & true & '
                'exec "$@"', "sh"]) as daemon:
            os.close(end)
            # One of them has ended before anybody could have been told.
            wait_until(lambda: len(children_of(daemon.pid)) == 1,
                       "the one that ended is gone")
            mine.close()
            wait_until(lambda: not children_of(daemon.pid), "both are gone")
            self.assertEqual(ask(daemon, LINE), upper(LINE))


def libraries_of(path):
    """The files that the dynamic linker needs for a program."""
    done = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, timeout=PATIENCE)
    if done.returncode:
        return []  # It is static.
    return re.findall(r"(/\S+) \(0x", done.stdout)


@contextlib.contextmanager
def in_empty_root(kind=Daemon, wrapper=(), **how):
    """A daemon in a root folder with nothing but its program.

    Returns the daemon, not started yet, and that folder.
    """
    name = program(None)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(name, f"{folder}/upcased")
        for path in libraries_of(name):
            os.makedirs(folder + os.path.dirname(path), exist_ok=True)
            shutil.copy(path, folder + path)
        how.setdefault("args", ["--user", NUMBERS])
        daemon = kind(wrapper=[*wrapper, "chroot", folder], **how)
        daemon.command[daemon.command.index(name)] = "/upcased"
        yield daemon, folder


# What they report, and how, needs more than an empty folder.
@unittest.skipIf(SANITIZED, "sanitizers and valgrind need /proc")
@unittest.skipIf("GCOV_PREFIX" in os.environ, "the counts need their folder")
@linux_only
@root_only
@needs("chroot", "ldd", "unshare")
class EmptyRootTest(Case):
    def test_service(self):
        """In an empty root folder it does all that it does elsewhere"""
        for kind in (Daemon, First):
            for workers in (1, 3):
                with in_empty_root(kind, workers=workers) as (made, folder), \
                        made as daemon, daemon.connect() as client:
                    for _ in range(3):
                        client.sendall(LINE)
                        self.assertEqual(receive(client, len(upper(LINE))),
                                         upper(LINE))
                        self.assertEqual(ask(daemon, LINE), upper(LINE))
                        check_rights(self, pid_of(daemon), USER, GROUP)
                        hand_over(daemon)
                    self.assertIn("there is no configuration file",
                                  daemon.reload()[-1])
                    self.assertEqual(daemon.counters()["open"], 1)
                    daemon.send_signal(signal.SIGTERM)
                    daemon.wait_for_line("^draining: open=1")
                    client.sendall(LINE)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(receive(client, len(upper(LINE))),
                                     upper(LINE))
                    self.assertEqual(client.recv(1), b"")
                    self.assertEqual(daemon.wait(), 0)

    def test_gone(self):
        """A hand-over is refused where the program is gone, and all goes on"""
        for kind in (Daemon, First):
            with in_empty_root(kind) as (made, folder), made as daemon, \
                    daemon.connect() as client:
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                for path in os.listdir(folder):
                    path = os.path.join(folder, path)
                    if os.path.isdir(path):
                        shutil.rmtree(path)
                    else:
                        os.unlink(path)
                for _ in range(2):
                    since = len(daemon.lines)
                    daemon.send_signal(signal.SIGUSR2)
                    daemon.wait_for_line(
                        "no hand-over: cannot execute /upcased; all is served "
                        "as before: No such file", since)
                    client.sendall(LINE)
                    self.assertEqual(receive(client, len(upper(LINE))),
                                     upper(LINE))
                self.assertEqual(ask(daemon, LINE), upper(LINE))
                check_rights(self, pid_of(daemon), USER, GROUP)
                self.assertEqual(daemon.stop(), 0)

    def test_closed_streams(self):
        """It serves there also with closed streams, in which no socket is"""
        with in_empty_root(wrapper=(
                "sh", "-c", 'exec "$@" <&- >&-', "sh")) as (made, _), \
                made as daemon:
            self.assertEqual(ask(daemon, LINE), upper(LINE))
            for fd in (0, 1):
                self.assertNotIn("socket", daemon.fds()[fd])

    def test_name(self):
        """A name or a lone number cannot be looked up there, and it says so"""
        for text in ("nobody", "65534"):
            with in_empty_root(args=["--user", text]) as (made, _):
                done = subprocess.run(
                    made.command, stderr=subprocess.PIPE, text=True,
                    timeout=PATIENCE)
                self.assertIn(done.returncode, (67, 71))
                self.assertRegex(unstamped(done.stderr),
                                 rf"^upcased: .*'?{text}'?.*\n$")


def core_pattern():
    with open("/proc/sys/kernel/core_pattern") as pattern:
        return pattern.read().strip()


def core_of(folder):
    """The bytes of the core file in a folder, or None."""
    names = [name for name in os.listdir(folder) if name.startswith("core")]
    if not names:
        return None
    with open(os.path.join(folder, names[0]), "rb") as file:
        return file.read()


@unittest.skipIf(SANITIZED, "sanitizers and valgrind have cores of their own")
@linux_only
@root_only
@needs("prlimit", "setpriv")
class CoreTest(Case):
    ALLOW = ["--core-dumps"]
    # Which lets no file be made.
    OUTSIDE = ["--sandbox", "off"]
    MARKER = b"a text that nobody else may read"

    def crash(self, folder, made):
        """What becomes a core file when it crashes with a text in flight."""
        os.chmod(folder, 0o777)
        with made as daemon, daemon.connect() as client:
            client.sendall(self.MARKER)
            self.assertEqual(receive(client, len(self.MARKER)),
                             self.MARKER.upper())
            daemon.status_due = -signal.SIGABRT
            daemon.send_signal(signal.SIGABRT)
            self.assertEqual(daemon.wait(), -signal.SIGABRT)
        return core_of(folder)

    @unittest.skipIf(re.search("[|/]", core_pattern()) if os.path.exists(
        "/proc/sys/kernel/core_pattern") else True,
        "core files do not go where the daemon is (core_pattern)")
    @unittest.skipIf("GCOV_PREFIX" in os.environ, "counts need their folder")
    def test_files(self):
        """There is a core file, with the text of clients, only if allowed"""
        greatest = ["prlimit", "--core=unlimited"]
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}",
                "--clear-groups"]
        for wrapper in (greatest, [*greatest, *user]):
            for allowed in (False, True):
                # It changes to the root folder, so that is one of its own.
                more = [*self.OUTSIDE, *(self.ALLOW if allowed else [])]
                if wrapper == greatest:
                    more = [*more, "--user", NUMBERS]
                with in_empty_root(args=more) as (made, folder):
                    at = made.command.index("/upcased")
                    if wrapper == greatest:
                        made.command[:0] = wrapper
                    else:
                        # Only root can change to another root folder.
                        made.command[:at] = [
                            *greatest, "chroot", f"--userspec={NUMBERS}",
                            "--groups=", folder]
                    core = self.crash(folder, made)
                if not allowed:
                    self.assertIsNone(core)
                    continue
                self.assertTrue(self.MARKER in core or
                                self.MARKER.upper() in core)

    def limit(self, pid):
        """The soft and the hard limit of core files."""
        with open(f"/proc/{pid}/limits") as text:
            return re.search(r"^Max core file size +(\w+) +(\w+)",
                             text.read(), re.M).groups()

    def owner(self, pid):
        """Root where the memory cannot become a core file: proc(5)."""
        return os.stat(f"/proc/{pid}/mem").st_uid

    def test_allowed(self):
        """Where core files are allowed, their limit is the inherited one"""
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}",
                "--clear-groups"]
        for wrapper, arguments in (([], ["--user", NUMBERS]), (user, [])):
            with copied(Daemon, args=[*self.ALLOW, *arguments], wrapper=[
                    "prlimit", "--core=1000000:2000000", *wrapper]) as made, \
                    made as daemon:
                for _ in range(2):
                    self.assertEqual(self.limit(daemon.pid),
                                     ("1000000", "2000000"))
                    self.assertEqual(self.owner(daemon.pid), USER)
                    hand_over(daemon)
                    self.assertEqual(ask(daemon, LINE), upper(LINE))
                self.assertFalse([s for s in daemon.lines if "core" in s])

    def test_warning(self):
        """Where they are allowed and their limit is 0, it warns of that"""
        with copied(Daemon, args=self.ALLOW, wrapper=[
                "prlimit", "--core=0:"]) as made, made as daemon:
            daemon.wait_for_line("^warning: core-dumps: .*LimitCORE=")
            self.assertEqual(ask(daemon, LINE), upper(LINE))

    def test_forbidden(self):
        """No limit, no change of the account and no hand-over allows them"""
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}",
                "--clear-groups"]
        cannot_raise = ["setpriv", "--bounding-set=-sys_resource"]
        for wrapper, arguments in (
                (["--core=unlimited"], ["--user", NUMBERS]),
                (["--core=unlimited", *user], []),
                (["--core=0:0"], ["--user", NUMBERS]),
                (["--core=0:0", *cannot_raise], ["--user", NUMBERS]),
                (["--core=0:0", *user], [])):
            with self.subTest(wrapper=wrapper), copied(
                    Daemon, args=arguments,
                    wrapper=["prlimit", *wrapper]) as made, made as daemon:
                for _ in range(2):
                    limit, most = self.limit(daemon.pid)
                    self.assertEqual(limit, most)
                    self.assertIn(limit, "01")
                    # At 0 the kernel hands it to a program all the same; and
                    # what root has begun others of the account do not read.
                    if limit == "0" or arguments:
                        self.assertEqual(self.owner(daemon.pid), 0)
                    hand_over(daemon)
                    self.assertEqual(ask(daemon, LINE), upper(LINE))


if __name__ == "__main__":
    tap.main()
