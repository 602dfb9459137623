#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What configure makes of what packagers give it, and what make installs."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import tap

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))
BUILD = os.path.abspath(os.environ.get("builddir", "."))
BOUND = 600


def call(*command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=BOUND, **how)


def environment(**more):
    """What make of the suite has set is not for another one."""
    names = ("PATH", "HOME", "TMPDIR", "LANG")
    return {**{name: os.environ[name] for name in names
               if name in os.environ}, **more}


class BuildCase(unittest.TestCase):
    def shortDescription(self):
        """The whole sentence, over all its lines."""
        return " ".join(self._testMethodDoc.split())

    def setUp(self):
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        if not os.path.exists(f"{SOURCE}/configure"):
            self.skipTest("there is no configure script")
        if os.path.exists(f"{SOURCE}/config.status"):
            self.skipTest("the sources are configured in place")

    def configure(self, *arguments, folder="build"):
        self.build = os.path.join(self.top, folder)
        os.mkdir(self.build)
        return call(f"{SOURCE}/configure", "--quiet", *arguments,
                    cwd=self.build, env=environment())

    def made(self, name):
        """The value of a variable of the Makefile."""
        with open(f"{self.build}/Makefile", encoding="utf-8") as file:
            return re.search(rf"^{name} =\s*(.*)$", file.read(), re.M).group(1)

    def defined(self):
        with open(f"{self.build}/config.h", encoding="utf-8") as file:
            return re.findall(r"^#define (\w+)", file.read(), re.M)


class Configure(BuildCase):
    def test_flags(self):
        """Warnings that are errors change nothing that is found; fortification
        of one's own stays alone; signs in the prefix arrive in the unit"""
        with open(f"{BUILD}/config.h", encoding="utf-8") as file:
            usual = re.findall(r"^#define (HAVE_\w+)", file.read(), re.M)
        done = self.configure(
            "--prefix=/opt/r&d 100% a|b", "CPPFLAGS=-D_FORTIFY_SOURCE=3",
            "CFLAGS=-O2 -Wstrict-prototypes -Wmissing-prototypes "
            "-pedantic-errors -Werror=return-type -Werror",
            "--with-systemdsystemunitdir=${prefix}/units",
            "CC=" + os.environ.get("CC", "cc"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual([name for name in usual if name not in
                          self.defined()], [])
        self.assertNotIn("FORTIFY", self.made("HARDEN_CPPFLAGS"))
        self.assertIn("-pedantic-errors -Werror=return-type -Werror",
                      self.made("CFLAGS"))
        done = call("make", "-s", "upcased.service", cwd=self.build,
                    env=environment())
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(f"{self.build}/upcased.service", encoding="utf-8") as file:
            unit = file.read()
        # The program is one word; what follows it is none of its name.
        program = '"/opt/r&d 100%% a|b/sbin/upcased"'
        self.assertIn(f"\nExecStart={program} $UPCASED_OPTIONS\n", unit)
        self.assertIn(f"\nExecReload={program} --check $UPCASED_OPTIONS\n",
                      unit)

    def test_static(self):
        """A static program is none of the other kind, and the unit is below
        the prefix"""
        done = self.configure("LDFLAGS=-static", "CFLAGS=-O2",
                              folder="a b | c")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("-pie", self.made("HARDEN_LDFLAGS"))
        self.assertNotIn("-fPIE", self.made("HARDEN_CFLAGS"))
        if "HAVE_EPOLL" in self.defined():
            self.assertEqual(self.made("systemdsystemunitdir"),
                             "${prefix}/lib/systemd/system")

    def test_refused(self):
        """A folder that make cannot bear, or one that is none, is refused"""
        for i, (name, value) in enumerate(
                (("prefix", "/opt/a'b"), ("prefix", '/opt/a"b'),
                 ("prefix", "/opt/a$b"), ("prefix", "/opt/a#b"),
                 ("prefix", "/opt/a\\b"), ("prefix", "/opt/a`b"),
                 ("prefix", "/opt/a "), ("sbindir", "/opt/a#b"),
                 ("mandir", "${prefix}/a'b"))):
            done = self.configure(f"--{name}={value}", folder=str(i))
            self.assertNotEqual(done.returncode, 0, value)
            self.assertIn(f"error: --{name}={value}: make cannot install in a "
                          "folder with ", done.stdout)


# All that is installed, by the variable of make that names its folder.
INSTALLED = {
    "bindir": ["upc", "upcbench"],
    "sbindir": ["upcased"],
    "docdir": ["upcased.conf.example", "without-network.conf"],
    "mandir": ["man1/upc.1", "man1/upcbench.1", "man5/upcased.conf.5",
               "man7/upcased-security.7", "man8/upcased.8"],
    "bashcompletiondir": ["upc", "upcased", "upcbench"],
    "zshcompletiondir": ["_upc", "_upcased", "_upcbench"],
    "fishcompletiondir": ["upc.fish", "upcased.fish", "upcbench.fish"],
    "systemdsystemunitdir": ["upcased.service", "upcased.socket"],
}
# Where these folders are if nobody says otherwise.
FOLDERS = {
    "bindir": "bin", "sbindir": "sbin", "docdir": "share/doc/upcased",
    "mandir": "share/man",
    "bashcompletiondir": "share/bash-completion/completions",
    "zshcompletiondir": "share/zsh/site-functions",
    "fishcompletiondir": "share/fish/vendor_completions.d",
    "systemdsystemunitdir": "lib/systemd/system",
}


def expected(prefix, **folders):
    """The files below a prefix, with some folders elsewhere or nowhere."""
    return sorted(os.path.normpath(os.path.join(
        prefix, folders.get(kind, FOLDERS[kind]), name))
        for kind, names in INSTALLED.items() for name in names
        if folders.get(kind, "") is not None)


class Install(BuildCase):
    @staticmethod
    def files(top):
        return sorted(os.path.join(folder, name)[len(top):]
                      for folder, _, names in os.walk(top) for name in names)

    def check(self, wanted, *arguments, destdir="to here & c|d"):
        """What these arguments of configure install, and that it goes."""
        done = self.configure(*arguments, folder=f"build {len(wanted)}")
        self.assertEqual(done.returncode, 0, done.stdout)
        # Empty files stand for the programs, so that nothing is compiled.
        root = f"{self.top}/{destdir}"
        for name in "upc", "upcased", "upcbench":
            with open(f"{self.build}/{name}", "w", encoding="ascii"):
                pass
        for targets, files in ((["install-exec-am", "install-data-am"], wanted),
                               (["uninstall"], [])):
            done = call("make", "-s", *targets, f"DESTDIR={root}",
                        "-o", "upc", "-o", "upcased", "-o", "upcbench",
                        cwd=self.build, env=environment())
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(self.files(root), files)
        self.assertEqual([folder for folder, *_ in os.walk(root)
                          if re.search("/(systemd|doc|docs|man.|units of b|"
                                       "zsh|fish|bash-completion)(/|$)",
                                       folder)], [])
        # All of it was below DESTDIR.
        for name in os.listdir(self.top):
            self.assertIn(name, (destdir, os.path.basename(self.build)))
        shutil.rmtree(root)
        shutil.rmtree(self.build)

    def test_list(self):
        """make install puts down what is listed here and no more, in the usual
        folders, and make uninstall takes all of it away"""
        self.check(expected("/usr/local"))

    def test_elsewhere(self):
        """so it does in folders of one's own, with blanks, and without units"""
        self.check(expected("/opt/a b", mandir="/opt/pages of b",
                            systemdsystemunitdir="/etc/units of b"),
                   "--prefix=/opt/a b", "--mandir=/opt/pages of b",
                   "--sysconfdir=/etc/a b", "--with-systemdsystemunitdir="
                   "/etc/units of b")
        self.check(expected("/usr", sbindir="/usr/bin",
                            docdir="/usr/share/docs",
                            systemdsystemunitdir=None),
                   "--prefix=/usr", "--sbindir=/usr/bin",
                   "--docdir=/usr/share/docs", "--sysconfdir=/etc",
                   "--without-systemdsystemunitdir")

    def test_pages(self):
        """each program that is installed has its page, and completions for
        three shells; the units name a page"""
        pages = {os.path.basename(name) for name in INSTALLED["mandir"]}
        for kind, section in ("bindir", 1), ("sbindir", 8):
            for name in INSTALLED[kind]:
                self.assertIn(f"{name}.{section}", pages)
                self.assertIn(name, INSTALLED["bashcompletiondir"])
                self.assertIn(f"_{name}", INSTALLED["zshcompletiondir"])
                self.assertIn(f"{name}.fish", INSTALLED["fishcompletiondir"])
        for name in INSTALLED["mandir"]:
            with open(f"{SOURCE}/man/{os.path.basename(name)}",
                      encoding="utf-8") as file:
                self.assertRegex(file.read(), r"(?m)^\.Sh NAME\n\.Nm ")
        for name in INSTALLED["systemdsystemunitdir"]:
            place = f"{SOURCE}/contrib/systemd/{name}"
            with open(place if os.path.exists(place) else place + ".in",
                      encoding="utf-8") as file:
                self.assertIn("\nDocumentation=man:upcased(8)\n", file.read())

    def test_both_ways(self):
        """make uninstall takes away what make install has put down, and that
        alone, with blanks and other signs in DESTDIR"""
        root = f"{self.top}/a b & c|d"
        os.makedirs(f"{root}/usr/local/bin")
        mine = f"{root}/usr/local/bin/mine"
        with open(mine, "w", encoding="ascii"):
            pass
        for target in "install", "uninstall":
            done = call("make", "-s", target, f"DESTDIR={root}", cwd=BUILD,
                        env=environment())
            self.assertEqual(done.returncode, 0, done.stdout)
            found = self.files(root)
            if target == "install":
                for name in "upcased", "upc", "upcbench", "mine":
                    self.assertIn(name, map(os.path.basename, found))
        self.assertEqual(found, [mine[len(root):]])
        # The folders of units, pages and the example are gone as well; others
        # are for everybody.
        self.assertEqual([folder for folder, *_ in os.walk(root)
                          if re.search("/(systemd|doc|man/man.)", folder)], [])


if __name__ == "__main__":
    tap.main()
