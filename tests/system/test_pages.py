# SPDX-License-Identifier: ISC
"""Holds the manual pages, --help, the programs and the tree together."""

import os
import re
import shutil
import subprocess
import unittest

import tap

SOURCE = os.path.abspath(os.environ.get("srcdir", "."))
UPCASED = os.environ["UPCASED"]
UPC = os.environ["UPC"]
UPCBENCH = os.environ["UPCBENCH"]

# Exit statuses by their names in sysexits.h.
SYSEXITS = {
    "EX_USAGE": 64,
    "EX_DATAERR": 65,
    "EX_NOINPUT": 66,
    "EX_NOUSER": 67,
    "EX_NOHOST": 68,
    "EX_UNAVAILABLE": 69,
    "EX_SOFTWARE": 70,
    "EX_OSERR": 71,
    "EX_OSFILE": 72,
    "EX_CANTCREAT": 73,
    "EX_IOERR": 74,
    "EX_TEMPFAIL": 75,
    "EX_PROTOCOL": 76,
    "EX_NOPERM": 77,
    "EX_CONFIG": 78,
}

HELP_ROW = re.compile(r" {2}(?:-(\w), | {4})--([a-z0-9-]+)(?: (\S+))?")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def run(*command):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )


class Option:
    """One option as --help or a page describes it."""

    def __init__(self, name, letter, takes_value):
        self.name = name
        self.letter = letter
        self.takes_value = takes_value
        self.text = ""
        self.choices = []

    def key(self):
        return self.name, self.letter, self.takes_value


def options_of_help(program):
    options = []
    for line in run(program, "--help").stdout.splitlines():
        row = HELP_ROW.match(line)
        if row:
            options.append(Option(row[2], row[1] or "", row[3] is not None))
        if options:
            options[-1].text += f"{line.strip()} "
    return options


def section(page, title):
    """The lines of one section of a page."""
    found = re.search(rf"^\.Sh {title}$(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)
    return found[1].strip().splitlines() if found else []


def flags(line):
    """The flags of a line of mdoc, without their first dash."""
    found, inside = [], False
    for word in line.lstrip(".").split():
        if word == "Fl":
            inside = True
        elif inside and re.fullmatch(r"-?\w[\w-]*", word):
            if word in ("Ar", "Cm"):
                break
            found.append(word)
    return found


def options_of_page(page):
    options = []
    for line in section(page, "DESCRIPTION"):
        if line.startswith(".It Fl "):
            names = flags(line)
            long = next(name for name in names if name.startswith("-"))
            letters = [name for name in names if not name.startswith("-")]
            value = re.search(r" (?:Ar|Cm) ", line) is not None
            options.append(Option(long[1:], "".join(letters), value))
            choices = re.search(r" Cm (.*)", line)
            if choices:
                options[-1].choices = choices[1].split(" | ")
        elif line == ".El" and options:
            break
        if options:
            options[-1].text += line.replace("\\&", "") + " "
    return options


class Page:
    """What is true of all pages; mixed into a case for each."""

    def setUp(self):
        self.page = read("man", self.NAME)
        self.help = options_of_help(self.PROGRAM)

    def test_same_options(self):
        """{}: --help and the page have the same options in the same order"""
        self.assertGreater(len(self.help), 2)
        self.assertEqual(
            [option.key() for option in self.help],
            [option.key() for option in options_of_page(self.page)],
        )

    def test_width(self):
        """{}: no line of --help is longer than 80 columns"""
        lines = run(self.PROGRAM, "--help").stdout.splitlines()
        self.assertEqual([line for line in lines if len(line) > 80], [])

    def test_synopsis(self):
        """{}: the synopsis of the page has the options in that order"""
        letters = {option.letter: option.name for option in self.help}
        names = []
        for line in section(self.page, "SYNOPSIS"):
            for flag in flags(line):
                long = flag.startswith("-")
                names.append(flag[1:] if long else letters[flag])
        self.assertEqual(names, [option.name for option in self.help])

    def test_program_takes_options(self):
        """{}: the program takes each option, with a value or without"""
        for option in self.help:
            spellings = [f"--{option.name}"]
            if option.letter:
                spellings.append(f"-{option.letter}")
            for spelling in spellings:
                if option.takes_value:
                    done = run(self.PROGRAM, spelling)
                    self.assertEqual(done.returncode, 64, spelling)
                    self.assertIn("value is missing", done.stderr)
                else:
                    done = run(self.PROGRAM, spelling, "--help")
                    self.assertEqual(done.returncode, 0, spelling)
                    self.assertEqual(done.stderr, "")

    def test_choices(self):
        """{}: the program takes the words that the page gives for a value"""
        for option in options_of_page(self.page):
            for word in option.choices:
                done = run(self.PROGRAM, f"--{option.name}", word, "--help")
                self.assertEqual(done.returncode, 0, (option.name, word))
                done = run(self.PROGRAM, f"--{option.name}", word + "x")
                self.assertEqual(done.returncode, 64, (option.name, word))

    def test_defaults(self):
        """{}: the page names the defaults that --help names"""
        texts = {
            option.name: option.text for option in options_of_page(self.page)
        }
        seen = 0
        for option in self.help:
            default = re.search(r"\(default: ([^)]*)\)", option.text)
            if not default:
                continue
            for word in re.findall(r"[\w.:\[\]]*\d[\w.:\[\]]*", default[1]):
                self.assertIn(word.rstrip(":"), texts[option.name])
                seen += 1
        self.assertGreater(seen, 0)

    def test_exit_status(self):
        """{}: the page names the exit statuses that the source names"""
        used = set()
        for folder in self.FOLDERS:
            for name in os.listdir(os.path.join(SOURCE, "src", folder)):
                if name.endswith(".c"):
                    text = read("src", folder, name)
                    used |= set(re.findall(r"\bEX_[A-Z]+\b", text))
        used.discard("EX_OK")
        named = re.findall(
            r"^\.It (\d+)$",
            "\n".join(section(self.page, "EXIT STATUS")),
            re.M,
        )
        self.assertEqual(
            sorted(SYSEXITS[name] for name in used),
            [int(number) for number in named],
        )

    def test_sections(self):
        """{}: the page has the sections that its readers look for"""
        titles = re.findall(r"^\.Sh (.*)$", self.page, re.M)
        self.assertEqual([t for t in self.SECTIONS if t not in titles], [])

    def test_lint(self):
        """{}: mandoc finds nothing to warn of in the page"""
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed: the page is not checked")
        path = os.path.join(SOURCE, "man", self.NAME)
        done = run("mandoc", "-T", "lint", "-W", "warning", path)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def shortDescription(self):
        return super().shortDescription().format(self.NAME)


class DaemonPage(Page, unittest.TestCase):
    NAME = "upcased.8"
    PROGRAM = UPCASED
    FOLDERS = ("base", "daemon", "server")
    SECTIONS = (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "PROTOCOL",
        "SIGNALS",
        "EXIT STATUS",
        "EXAMPLES",
        "SEE ALSO",
        "STANDARDS",
        "CAVEATS",
        "SECURITY CONSIDERATIONS",
    )

    def test_unicode(self):
        """{}: the page names the version of Unicode that is compiled in"""
        version = run(UPCASED, "--version").stdout
        number = re.search(r"Unicode (\d+\.\d+)\.\d+", version)[1]
        named = set(re.findall(r"Unicode (\d+\.\d+)", self.page))
        self.assertEqual(named, {number})


class ClientPage(Page, unittest.TestCase):
    NAME = "upc.1"
    PROGRAM = UPC
    FOLDERS = ("base", "client")
    SECTIONS = (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "ENVIRONMENT",
        "EXIT STATUS",
        "EXAMPLES",
        "SEE ALSO",
        "CAVEATS",
    )


class BenchPage(Page, unittest.TestCase):
    NAME = "upcbench.1"
    PROGRAM = UPCBENCH
    FOLDERS = ("base", "bench")
    SECTIONS = (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "EXIT STATUS",
        "EXAMPLES",
        "DIAGNOSTICS",
        "SEE ALSO",
        "CAVEATS",
    )


def tree_files(*folders):
    """The paths of the files that people wrote, below the given folders."""
    made = (".o", ".a", ".so", ".pyc", ".trs", ".log", ".Po", ".dirstamp")
    for top in folders:
        for folder, folders_below, names in os.walk(os.path.join(SOURCE, top)):
            folders_below[:] = [
                name
                for name in folders_below
                if name not in (".deps", "__pycache__")
            ]
            for name in names:
                if not name.endswith(made):
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, SOURCE)


class Layers:
    """src/LAYERS, as read."""

    def __init__(self):
        self.below = {}  # folder: the folders that it may include
        self.files = {}  # folder: its file names, the lowest first
        self.owner = {}  # header in include/: the folder it belongs to
        text = re.sub(r"^#.*\n", "", read("src", "LAYERS"), flags=re.M)
        for line in re.sub(r"\n[ \t]+", " ", text).split("\n"):
            if line:
                folder, below, names = re.split(r": *| *\| *", line)
                self.below[folder] = below.split()
                self.files[folder] = []
                for name in names.split():
                    self.add(folder, name)

    def add(self, folder, name):
        for file in [name] if "." in name else [f"{name}.h", f"{name}.c"]:
            if self.path(folder, file):
                self.files[folder].append(file)
        if os.path.exists(os.path.join(SOURCE, "include", f"{name}.h")):
            self.owner[f"{name}.h"] = folder
        elif os.path.exists(os.path.join(SOURCE, "include", name)):
            self.owner[name] = folder

    def path(self, folder, file):
        """Where a file of a folder is, or an empty string."""
        for path in f"src/{folder}/{file}", f"include/{file}":
            if os.path.exists(os.path.join(SOURCE, path)):
                return path
        return ""

    def complaint(self, folder, file, included):
        """Says why a file may not include a header, or nothing."""
        files = self.files[folder]
        if included in files:
            if files.index(included) < files.index(file):
                return ""
            return f"{included} stands behind it"
        owner = self.owner.get(included)
        if owner is None:
            return f"{included} is no header that src/LAYERS names"
        if owner not in self.below[folder]:
            return f"{included} belongs to {owner}, which is not below"
        return ""


class Tree(unittest.TestCase):
    def test_layers(self):
        """each file includes only what src/LAYERS allows"""
        layers = Layers()
        complaints, seen = [], 0
        for folder, files in layers.files.items():
            for file in files:
                text = read(layers.path(folder, file))
                for name in re.findall(r'^# *include "(.*)"', text, re.M):
                    # What configure found is below everything.
                    if name == "config.h":
                        continue
                    seen += 1
                    why = layers.complaint(folder, file, name)
                    if why:
                        complaints.append(f"{folder}/{file}: {why}")
        self.assertEqual(complaints, [])
        self.assertGreater(seen, 50)

    def test_layers_complete(self):
        """src/LAYERS names each source and header once"""
        layers = Layers()
        named = [
            layers.path(folder, file)
            for folder, files in layers.files.items()
            for file in files
        ]
        found = [
            path
            for path in tree_files("src", "include")
            if path.endswith((".c", ".h"))
        ]
        self.assertEqual(sorted(named), sorted(found))

    def test_licence(self):
        """each file names its licence in one of its first three lines"""
        paths = ["bootstrap", "configure.ac", "Makefile.am"]
        # A distribution comes without these.
        paths += [
            path
            for path in (".ci/run", ".clang-format", ".gitignore")
            if os.path.exists(os.path.join(SOURCE, path))
        ]
        paths += tree_files("src", "include", "tests", "man", "contrib")
        without = []
        for path in paths:
            if os.path.basename(path) in ("LICENSE", "README") or \
                    "/results/" in path:
                continue
            head = read(path).splitlines()[:3]
            if not any("SPDX-License-Identifier: " in line for line in head):
                without.append(path)
        self.assertGreater(len(paths), 50)
        self.assertEqual(without, [])

    def test_news(self):
        """NEWS begins with the version of this tree"""
        version = run(UPCASED, "--version").stdout.split()[1]
        first = next(line for line in read("NEWS").splitlines() if line)
        self.assertEqual(first.split()[:2], ["upcased", version])


if __name__ == "__main__":
    tap.main()
