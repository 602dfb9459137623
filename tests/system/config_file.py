# SPDX-License-Identifier: ISC
"""Configuration files of the tests, and forty that are broken."""

import contextlib
import os
import shutil
import socket
import tempfile

from daemon import UPCASED
from refusal import CONFIG, NO_HOST, NO_USER, OK, UNAVAILABLE


class ConfigFile:
    """A file that every account can read, as a context manager."""

    def __init__(self, text=""):
        self.text = text

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory()
        self.folder = self.holder.name
        # The daemon is another account by the time of a reload.
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "upcased.conf")
        self.write(self.text)
        return self

    def __exit__(self, *error):
        self.remove()
        self.holder.cleanup()

    def remove(self):
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(self.path) and not os.path.islink(self.path):
                os.rmdir(self.path)
            else:
                os.unlink(self.path)

    def write(self, contents):
        """Puts another file in the place of this one."""
        new = self.path + ".new"
        data = contents.encode() if isinstance(contents, str) else contents
        with open(new, "wb") as file:
            file.write(data)
        os.chmod(new, 0o644)
        if os.path.isdir(self.path) and not os.path.islink(self.path):
            os.rmdir(self.path)
        os.replace(new, self.path)

    def copy_program(self):
        """The daemon where every account can execute it."""
        return shutil.copy(UPCASED, self.folder)


def _directory(path):
    os.mkdir(path)


def _fifo(path):
    os.mkfifo(path)


def _device(path):
    os.symlink("/dev/zero", path)


def _terminal(path):
    os.symlink("/dev/tty", path)


def _nowhere(path):
    os.symlink("no-such-file", path)


def _circle(path):
    os.symlink(path, path)


def _below_a_file(path):
    os.symlink("/dev/null/upcased.conf", path)


class Broken:
    """A file that is refused: what it is, how a start ends, what is said."""

    def __init__(self, contents, status, *patterns, checks=None, line=1):
        self.contents = contents
        self.status = status
        # --check binds nothing.
        self.checked = status if checks is None else checks
        place = "" if line is None else f"conf:{line}: .*"
        self.patterns = [place + pattern for pattern in patterns]

    def put(self, file):
        file.remove()
        if callable(self.contents):
            self.contents(file.path)
        else:
            file.write(self.contents)

    def __str__(self):
        if callable(self.contents):
            return self.contents.__name__
        return str(self.contents[:60])


def _bad(contents, pattern, **how):
    return Broken(contents, CONFIG, pattern, **how)


NO_FILE = "this is not a regular file; "

# What one account alone shows is in the tests that use these.
BROKEN = (
    # What is no file.
    _bad(_directory, NO_FILE, line=None),
    _bad(_fifo, NO_FILE, line=None),
    _bad(_device, NO_FILE, line=None),
    _bad(_terminal, "(?:not a regular|cannot open it)", line=None),
    _bad(_nowhere, "link to a file that does not exist; ", line=None),
    _bad(_circle, "cannot open it: ", line=None),
    _bad(_below_a_file, "cannot open it: ", line=None),
    _bad(lambda path: None, "(?:no such file; name|the file is gone; put it)",
         line=None),
    # What is no text of ours.
    _bad("#\n" * (1 << 19) + "#", "larger than 1 MiB; ", line=None),
    _bad("# " + 4095 * "x", "longer than 4096 bytes; shorten it"),
    _bad("\nlisten = 5220\0\n", "has a NUL; ", line=2),
    _bad("listen = 5220\n".encode("utf-16"), "has a NUL; "),
    _bad(b"# Gr\xfc\xdfe\n", "is not UTF-8; convert the file"),
    _bad(b"invalid = \xed\xa0\x80\n", "is not UTF-8; convert the file"),
    # Lines.
    _bad("[upcased]\nlisten = 0\n", r"'\[upcased\]' has no '='; "),
    _bad("listen 5220\n", "'listen 5220' has no '='; write key = value"),
    _bad("listen: 5220\n", "'listen: 5220' has no '='; "),
    _bad("= 5220\n", "'' is no key; "),
    _bad("invalid = pass\n\ninvalid = pass\n",
         "invalid is in line 1 already; leave one out", line=3),
    # Keys.
    _bad("\n\nlisen = 5220\n", r"'lisen' is no key; did you mean listen\?",
         line=3),
    _bad("--listen = 0\n", r"'--listen' is no key; did you mean listen\?"),
    _bad("max_connections = 5\n", r"did you mean max-connections\?"),
    _bad("Log-Level = info\n", r"did you mean log-level\?"),
    _bad("l = 0\n", "'l' is no key; keys are named as options"),
    _bad("include = /etc/passwd\n", "'include' is no key; "),
    _bad("\x1b[31m = 5\n", r"'\\x1b\[31m' is no key; "),
    _bad("config = /etc/x\n", "config is for the command line only; "),
    _bad("check = yes\n", "check is for the command line only; "),
    # Values.
    _bad('invalid = "pass"\n', "'\"pass\"' is not one of .*; leave the quo"),
    _bad("idle-timeout = 5s # short\n", "is not a time .*; a comment is a"),
    _bad("idle-timeout =\n", "idle-timeout: '' is not a time "),
    _bad("idle-timeout = 169h\n", "'169h' is not a time .*at most 168h"),
    _bad("idle-timeout = 5 s\n", "'5 s' is not a time "),
    _bad("workers = 257\n", "'257' is not auto or a number from 1 to 256"),
    _bad("workers = 3\nmemory-limit = 128K\n",
         "memory-limit(?:: 131072 bytes are less than 64K for each of 3 "
         "workers| cannot change from )",
         line=2),
    _bad("log-level = loud\n", "'loud' is not one of error, warn, info and"),
    _bad("backend = select\n", "backend: 'select' is not "),
    _bad("allow = 192.0.2.7/24\n", "'192.0.2.7/24' is not an address or a "
         "prefix such as .* with no bit set behind it"),
    _bad("source-exempt = localhost\n", "'localhost' is not an address or"),
    _bad("source-prefix-ipv4 = 33\n", "'33' is not a number from 0 to 32"),
    _bad("connection-rate-per-source = 5/s\n",
         "'5/s' is not off or a number from 1 to 1000000"),
    _bad("allow = all\n" * 65, "is not one of the first 64, ", line=65),
    _bad("listen = udp:5220\n", "'udp:5220' is not an address "),
    _bad('listen = "localhost"\n', "is not an address .*; leave the quotes"),
    _bad("listen = 1,other\n", "'1,other' is not an address .*1,proxy"),
    _bad("listen = 1,proxy,proxy\n", "'1,proxy,proxy' is not an address "),
    _bad("listen = 1,\n", "'1,' is not an address "),
    _bad("listen = 1,proxy\n",
         "listen 1,proxy: its proxies are not known; give their addresses as "
         "proxy-from, "),
    _bad("proxy-from = 192.0.2.1/24\n",
         "'192.0.2.1/24' is not an address or a prefix "),
    _bad("listen = 127.0.0.1:0\n" * 65, "is not one of the first 64, ",
         line=65),
    # Addresses.
    _bad("listen = 127.0.0.1:5999\nlisten = :5999\n",
         "listen 127.0.0.1:5999 and .*conf:2: listen :5999 both mean "),
    _bad("listen = 127.0.0.1:0\nlisten = 999.0.0.1\n",
         "listen 999.0.0.1:5220: this is no IPv4 or IPv6 address; ", line=2),
    _bad("listen = 224.0.0.1\n", "listen 224.0.0.1:5220 is .*multicast"),
    _bad("listen = [::ffff:127.0.0.1]\n", "write it as IPv4"),
    Broken("#\nlisten = nowhere.invalid\n", NO_HOST,
           "listen nowhere.invalid:5220: (?:the name has no address|no name "
           "server answers)", line=2),
    Broken("listen = 203.0.113.1\n", UNAVAILABLE,
           "203.0.113.1:5220 is not an address of this host, or not ready "
           "yet; choose one, or try again", checks=OK),
    # What does not depend on addresses.
    Broken("user = no-such-account\n", NO_USER,
           "(?:there is no account 'no-such-account'; |user cannot change )",
           line=None),
    Broken("listen = 0\ncongestion = nonsense\n", UNAVAILABLE,
           "(?:there is no congestion control 'nonsense'; |congestion cannot)",
           line=2),
)

# Files that look strange and are right.
GOOD = (
    "", "\n", "#", "# listen = x", "\n \t\n  # a comment\n",
    "listen = 127.0.0.1:0", "listen=127.0.0.1:0\n",
    "  listen\t=\t 127.0.0.1:0 \t\r\n",
    "\ufeffinvalid = pass\r\nlisten = 127.0.0.1:0\r\n",
    "listen = 127.0.0.1:0\nlisten = 127.0.0.1:0\nlisten = tcp:127.0.0.1:0\n",
    "# Grüße, Ελλάδα, 🌮\nlog-level = info\n",
    "# " + 4094 * "x" + "\n", "#\n" * (1 << 19),
    "listen = 127.0.0.1:0,proxy\nproxy-from = ::/0\nproxy-from = loopback\n",
    "workers = auto\nmax-connections = auto\nmemory-limit = auto\n",
    "max-connections-per-source = auto\nconnection-rate-per-source = off\n",
    "source-exempt = none\nallow = all\nallow = none\nallow = ::/0\n",
)


def taken_port(case):
    """A port that another program listens on until the test ends."""
    holder = socket.socket()
    case.addCleanup(holder.close)
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder.getsockname()[1]
