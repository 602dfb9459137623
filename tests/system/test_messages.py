#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What comes from outside does no harm in a message of any program.

Whatever an argument or a variable is, a message is one line of printable
characters, which are whole, and what it shows of the value is quoted.
"""

import os
import re
import subprocess
import tempfile
import unicodedata
import unittest

import tap
from daemon import PATIENCE, UPCASED, linux_only, needs, root_only, unstamped
from scripted import Server, honest
from upc_case import UPC
from upcbench_case import UPCBENCH

PROGRAMS = (UPCASED, UPC, UPCBENCH)

# Values and names, as bytes.  No option takes any of them.
STRANGE = tuple(text if isinstance(text, bytes) else text.encode()
                for text in (
    "\x1b[31mred\x1b]0;title\x07", "a\rb", "a\nforged: line", "\x07\x08\x7f",
    "\x9b31m", "\u0085", "\u202egnp.exe", "\u2066a\u2069", "\u200b", "\ufeff",
    "\u2028", "\u00ad", "\U000e0041", "\ufffe", b"\xff\xfe", b"\xc3",
    b"\xe2\x82", b"\xf0\x9f\x8c", b"\xed\xa0\x80", b"\xc0\xaf",
    b"\xf4\x90\x80\x80", b"\x80\xbf", "\\x41\\", "%s%n%s%n", "é",
    "é" * 5000, "x" * 5000 + "\x1b", "\x1b" * 5000, "🌮" * 300, " ", ""))

# A letter, an umlaut and so on: what a user may well have meant.
READABLE = ("é", "ß", "Ω", "я", "中", "🌮", "e\u0301", "a b")


def run(program, *arguments, argv0=None, **variables):
    """The program with no descriptor that it could wait at."""
    environment = {**os.environb, **{
        name.encode(): value for name, value in variables.items()}}
    environment.pop(b"UPC_SERVER", None)
    environment.update({name.encode(): value
                        for name, value in variables.items()})
    name = os.fsencode(program) if argv0 is None else argv0
    return subprocess.run([name, *arguments], executable=program,
                          env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE)


def options(program):
    """The long options of a program, and whether each takes a value."""
    page = run(program, b"--help").stdout.decode()
    found = re.findall(r"(?m)^ {2,6}(?:-., )?--([\w-]+)( \S+)?", page)
    return {name: bool(value) for name, value in found}


def is_printable(char):
    return (unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp", "Cs")
            and ord(char) & 0xfffe != 0xfffe
            and not 0xfdd0 <= ord(char) <= 0xfdef)


class Messages(unittest.TestCase):
    def assert_fit(self, done, *of):
        """One line, which may be shown on any terminal."""
        self.assertGreater(done.returncode, 0, of)
        self.assertTrue(done.stderr.endswith(b"\n"), (of, done.stderr))
        text = unstamped(done.stderr.decode())[:-1]
        self.assertEqual([char for char in text if not is_printable(char)], [],
                         of)
        self.assertRegex(text, r"\A(upcased|upc|upcbench): ")
        self.assertLess(len(done.stderr), 1000, of)
        self.assertEqual(done.stdout, b"", of)
        return text

    def test_values_of_each_option(self):
        for program in PROGRAMS:
            for name, takes_value in options(program).items():
                for value in STRANGE:
                    done = run(program, b"--%s=%s" % (name.encode(), value),
                               *([b"--listen", b"127.0.0.1:0"]
                                 if program == UPCASED else []))
                    text = self.assert_fit(done, program, name, value)
                    if takes_value:
                        self.assertRegex(text, r"'.*'|--listen |\A[^:]*: /")

    def test_names_of_options(self):
        for program in PROGRAMS:
            some = next(iter(options(program))).encode()
            for value in STRANGE[:-1]:
                for word in (b"--" + value, some[:3] + value,
                             b"--" + some + value, b"--" + value + b"=x",
                             b"--version=" + value):
                    if word.startswith(b"--"):
                        self.assertIn("'", self.assert_fit(
                            run(program, word), program, word))

    def test_operands(self):
        for program in (UPCASED, UPCBENCH):
            for value in STRANGE:
                if not value.startswith(b"-"):
                    text = self.assert_fit(run(program, value), program, value)
                    self.assertIn("'", text)
                    self.assert_fit(run(program, b"--", b"a:1", value),
                                    program, value)

    def test_each_byte_as_a_short_option(self):
        for program in PROGRAMS:
            short = re.findall(r"(?m)^  -(.),",
                               run(program, b"--help").stdout.decode())
            for byte in range(1, 256):
                if chr(byte) in short or byte == ord("-"):
                    continue
                # Also as the last of a word, and after an operand.
                for words in ([b"-%c" % byte], [b"-%c%c" % (byte, byte)],
                              [b"text", b"-%c" % byte, b"text"]):
                    text = self.assert_fit(run(program, *words), program, byte)
                    shown = re.search(r"unknown option '-(.*)'; see", text)[1]
                    self.assertIn(shown, (chr(byte), rf"\x{byte:02x}"))

    def test_characters_as_short_options_are_shown_whole(self):
        for program in PROGRAMS:
            for char in ("é", "Ω", "中", "🌮"):
                for words in (["-" + char], ["-" + char + "x"],
                              ["text", "-" + char], ["-" + char, "-b"],
                              ["-" + char, "--help"], ["-" + char + char]):
                    done = run(program, *(word.encode() for word in words))
                    self.assertIn(f"unknown option '-{char}'; see",
                                  self.assert_fit(done, program, words))
        # A word behind is not taken for the one that was refused.
        self.assertIn(r"'-\xc3'", self.assert_fit(
            run(UPC, b"-\xc3", "-é".encode())))
        self.assertIn(r"'-é'", self.assert_fit(
            run(UPC, b"--timeout", b"1s", "-4é".encode(), b"-\xc3")))
        self.assertIn(r"'-\xe2\x80\xae'", self.assert_fit(
            run(UPC, "-\u202e".encode())))

    def test_what_can_be_read_is_shown_as_it_is(self):
        for text in READABLE:
            self.assertIn(f"'{text}'", self.assert_fit(
                run(UPC, b"--timeout", text.encode())))
            self.assertIn(f"'{text}'", self.assert_fit(
                run(UPCBENCH, text.encode())))

    def test_each_character_that_changes_others_is_escaped(self):
        bad = [chr(code) for code in range(1, 0x110000)
               if not 0xd800 <= code < 0xe000 and not is_printable(chr(code))]
        for i in range(0, len(bad), 6):
            some = "".join(bad[i : i + 6]).encode()
            text = self.assert_fit(run(UPCBENCH, some), some)
            self.assertIn("'" + "".join(rf"\x{byte:02x}" for byte in some),
                          text)

    def test_long_values_end_at_a_character_and_in_dots(self):
        for char in ("é", "中", "🌮"):
            for before in range(5):
                value = "x" * before + char * 300
                text = self.assert_fit(run(UPC, b"--timeout", value.encode()))
                self.assertRegex(text, f"'x{{{before}}}{char}+\\.\\.\\.'")

    def test_variables(self):
        for value in STRANGE[:-1]:
            text = self.assert_fit(run(UPC, b"x", UPC_SERVER=value), value)
            self.assertIn("'", text)
            text = self.assert_fit(
                run(UPCASED, b"--version", b"--workers", b"0",
                    UPCASED_KERNEL=value), value)
            text = self.assert_fit(run(UPCASED, UPCASED_KERNEL=value), value)
            self.assertRegex(text, "UPCASED_KERNEL: '.*' is no kernel")
            self.assert_fit(run(UPCASED, b"--user", b"no such account",
                                b"--listen", b"127.0.0.1:0",
                                JOURNAL_STREAM=value), value)

    def test_what_the_log_cuts_ends_at_a_character_and_in_dots(self):
        for char, escaped in (("é", r"\xc3\xa9"), ("🌮", r"\xf0\x9f\x8c\xae")):
            for before in range(4):
                name = ("x" * before + char * 60).encode()
                text = self.assert_fit(run(
                    UPCASED, b"--listen", b"127.0.0.1:0", b"--user", name))
                self.assertRegex(
                    text, f"'x{{{before}}}({re.escape(escaped)})+\\.\\.\\.'")
                text = self.assert_fit(run(
                    UPCASED, b"--listen", name[:250] + b":1"))
                self.assertRegex(text, f"--listen x{{{before}}}"
                                 f"({re.escape(escaped)})+\\.\\.\\.:1")
                text = self.assert_fit(run(
                    UPCASED, b"--listen", b"[fe80::1%" + name + b"]:1"))
                self.assertRegex(text, f"interface x{{{before}}}"
                                 f"({re.escape(escaped)})+\\.\\.\\.,")

    def test_hosts_that_are_not_found(self):
        for value in ("\u202egnp", "\u0085", "\u9b31", "é" * 100,
                      b"\xff\xfe", b"a\xc3", "\\x1b"):
            host = value if isinstance(value, bytes) else value.encode()
            for program, words in (
                    (UPC, [b"--server", host + b":1", b"x"]),
                    (UPC, [b"--server", b"[::1%" + host + b"]:1", b"x"]),
                    (UPCBENCH, [host + b":1"]),
                    (UPCBENCH, [b"[::1%" + host + b"]:1"]),
                    (UPCASED, [b"--listen", host + b":1"]),
                    (UPCASED, [b"--listen", b"[::1%" + host + b"]:1"])):
                self.assert_fit(run(program, *words), program, words)

    def test_files(self):
        with Server(honest) as server, \
                tempfile.TemporaryDirectory() as folder:
            address = server.address.encode()
            for value in STRANGE[:-1]:
                name = os.fsencode(folder) + b"/" + value[:100]
                text = self.assert_fit(
                    run(UPCBENCH, b"--text", name, address), name)
                self.assertIn(f"--text: cannot read '{folder}/", text)
                for content, more, what in (
                        (b"", [], "is empty"), (b"\xff", [], "is not UTF-8"),
                        ("é".encode(), [b"--size", b"1"], "is longer")):
                    with open(name, "wb") as file:
                        file.write(content)
                    text = self.assert_fit(run(
                        UPCBENCH, b"--text", name, *more, address), name)
                    self.assertIn(what, text)
                    os.remove(name)

    def test_names_of_the_program_itself(self):
        for program in PROGRAMS:
            for value in STRANGE[:-1]:
                self.assert_fit(run(program, b"--frob", argv0=value), value)
                page = run(program, b"--help", argv0=value).stdout.decode()
                self.assertRegex(page, r"\Ausage: (upcased|upc|upcbench) ")

    @linux_only
    @root_only
    @needs("ip", "unshare")
    def test_names_of_interfaces(self):
        """An interface may have any name, and be part of an address"""
        # Loopback, the first of a network of its own, under another name.
        script = ('ip link set lo name "$0" && ip link set "$0" up && '
                  'ip addr add fe80::5/64 dev "$0" nodad && exec "$@"')
        inside = [b"unshare", b"-n", b"sh", b"-c", script.encode()]
        if subprocess.run([*inside, b"x", b"true"],
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("needs a network of its own")
        for name in (b"\x1b[31m", "\u202egnp".encode(), b"\xff", b"a\x7fb"):
            for program, words in (
                    (UPC, [b"--server", b"[fe80::5%1]:1", b"x"]),
                    (UPCBENCH, [b"[fe80::5%1]:1"])):
                done = subprocess.run(
                    [*inside, name, os.fsencode(program), *words],
                    stdin=subprocess.DEVNULL, capture_output=True,
                    timeout=PATIENCE)
                text = self.assert_fit(done, program, name)
                # Whichever: the interface has only just come.
                self.assertRegex(text, r"\\x.*: (Connection refused|Network "
                                 r"is unreachable)")


if __name__ == "__main__":
    tap.main()
