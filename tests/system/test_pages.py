# SPDX-License-Identifier: ISC
"""Holds the manual pages, --help, the programs and the tree together."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
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

# The longest time, which a page says once of all.
WEEK = "168h"

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
        timeout=60,
    )


def words_of(text):
    """The words of a text, without the marks behind them."""
    return [word.rstrip(".,:;") for word in text.split()]


class Option:
    """One option as --help or a page describes it."""

    def __init__(self, name, letter, takes_value):
        self.name = name
        self.letter = letter
        self.takes_value = takes_value
        self.text = ""
        self.choices = []

    def words(self):
        return words_of(self.text)

    def key(self):
        return self.name, self.letter, self.takes_value


def help_text(program):
    """What --help prints where the configuration has a folder of usual length:
    that of a build may be as long as it likes."""
    return re.sub(r"/\S+/(\w+\.conf)\b", r"/usr/local/etc/\1",
                  run(program, "--help").stdout)


def options_of_help(program):
    options = []
    for line in help_text(program).splitlines():
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
        lines = help_text(self.PROGRAM).splitlines()
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
        paged = {option.name: option for option in options_of_page(self.page)}
        seen = 0
        for option in self.help:
            default = re.search(r"\(default: ([^)]*)\)", option.text)
            if not default:
                continue
            text = paged[option.name].words()
            self.assertIn("default", text, option.name)
            words = re.findall(r"[\w.:\[\]]*\d[\w.:\[\]]*", default[1])
            # One word alone is a value, too.
            if " " not in default[1]:
                # The directory is that of the build.
                words.append(os.path.basename(default[1]))
            for word in words:
                self.assertIn(word.rstrip(":"), text, option.name)
                seen += 1
        self.assertGreater(seen, 0)

    def test_bounds(self):
        """{}: the page names the bounds of each value"""
        general = words_of(" ".join(section(self.page, "DESCRIPTION")))
        seen = 0
        for option in options_of_page(self.page):
            if not option.takes_value:
                continue
            # What a value should be is said of one that is none.
            said = run(self.PROGRAM, f"--{option.name}", "").stderr
            self.assertIn(f"--{option.name}: '' is not ", said)
            bounds = re.search(
                r"(?:from (\w+) to (\w+)|at (?:least|most) (\w+))$", said)
            for bound in filter(None, bounds.groups() if bounds else ()):
                words = general if bound == WEEK else option.words()
                self.assertIn(bound, words, option.name)
                seen += 1
        self.assertGreater(seen, 1)

    def test_words(self):
        """{}: the page names the words that a value may be"""
        for option in options_of_page(self.page):
            if not option.takes_value:
                continue
            said = run(self.PROGRAM, f"--{option.name}", "").stderr
            words = re.search(r"is not one of (.*) and (\w+)$", said)
            if words:
                words = [*words[1].split(", "), words[2]]
                self.assertEqual(option.choices or words, words)
                for word in words:
                    self.assertIn(word, option.words(), option.name)

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
    FOLDERS = ("base", "config", "daemon", "server")
    SECTIONS = (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "PROTOCOL",
        "SIGNALS",
        "RELOAD",
        "SERVICE MANAGER",
        "ENVIRONMENT",
        "FILES",
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

    def test_environment(self):
        """{}: the page has the variables that the program reads"""
        used = set()
        for folder in self.FOLDERS:
            for path in tree_files(os.path.join("src", folder)):
                used |= set(re.findall(r'getenv\("(\w+)"\)', read(path)))
        named = re.findall(
            r"^\.It Ev (.*)$",
            "\n".join(section(self.page, "ENVIRONMENT")),
            re.M,
        )
        # Only the programs that show progress ask for the terminal.
        used.discard("TERM")
        self.assertEqual(used, set(" , ".join(named).split(" , ")) - {""})

    def test_counters(self):
        """{}: the page has the counters of the source, in their order and
        with the same words"""
        row = r'^COUNTER\(\w+, "([\w-]+)",\s*"\w+",\s*"([^"]+)"\)$'
        rows = re.findall(row, read("src", "server", "counters.def"), re.M)
        self.assertGreater(len(rows), 10)
        listed = "".join(f".It Cm {name}\n{what}\n" for name, what in rows)
        self.assertIn(listed, self.page)


class ConfigPage(unittest.TestCase):
    """Each key is in the table of options, the page, the example, and in what
    --check prints."""

    def setUp(self):
        self.page = read("man", "upcased.conf.5")
        self.rows = re.findall(
            r"(?ms)^    \{\"([a-z0-9-]+)\",\s(.*?)(?=^    \{)",
            read("src", "daemon", "options.c"))
        self.assertGreater(len(self.rows), 10)
        checked = run(UPCASED, "--config", "none", "--check").stdout
        self.defaults = re.findall(
            r"(?m)^(?:# )?([a-z0-9-]+) = \(?(.*?)\)?$", checked)

    def test_keys(self):
        """upcased.conf.5: the page has all keys in their order, with their
        defaults, and whether a reload changes them"""
        listed = re.findall(r"(?m)^\.It Cm (\S+) Ta (.*) Ta (yes|no)$",
                            self.page)
        self.assertEqual([row[:2] for row in listed], self.defaults)
        self.assertEqual(
            [(name, reloads) for name, _, reloads in listed],
            [(name, "yes" if ".reloadable = true" in text else "no")
             for name, text in self.rows if ".is_argument" not in text])

    def test_arguments(self):
        """upcased.conf.5: it names the options that are no keys"""
        text = self.page.partition(".El\n")[2]
        for name, row in self.rows:
            if ".is_argument" in row:
                self.assertIn(f".Cm {name}\n", text)

    def test_reloads(self):
        """upcased.conf.5: it says for whom each change of a reload holds"""
        section_ = "\n".join(section(self.page, "RELOADS"))
        named = " , ".join(re.findall(r"(?m)^\.It Cm (.*)$", section_))
        self.assertEqual(
            named.split(" , "),
            [name for name, text in self.rows if ".reloadable = true" in text
             and name not in ("log-level", "busy-poll", "drain-timeout")] +
            ["drain-timeout", "busy-poll", "log-level"])

    def test_example(self):
        """upcased.conf.example: it has all keys, with their defaults, and
        says which take a restart"""
        text = read("contrib", "upcased.conf.example")
        found = re.findall(r"(?m)^#([a-z0-9-]+) = (.*)$", text)
        names = [name for name, _ in found]
        self.assertEqual(list(dict.fromkeys(names)),
                         [name for name, _ in self.defaults])
        firsts = dict(reversed(found))
        for name, value in self.defaults:
            if " " not in value:
                self.assertEqual(firsts[name], value)
        # The paragraph of each says so, and no other does.
        fixed = {name for name, row in self.rows if ".is_argument" not in row
                 and ".reloadable" not in row}
        said = set()
        for paragraph in text.split("\n\n"):
            # A sentence may be cut by a line end.
            if "Takes a restart." in paragraph.replace("\n# ", " "):
                said |= set(re.findall(r"(?m)^#([a-z0-9-]+) = ", paragraph))
        self.assertEqual(said, fixed)

    def test_example_is_right(self):
        """upcased.conf.example: as it is, and with all that is a comment in
        it, it is a right file"""
        text = read("contrib", "upcased.conf.example")
        taken = re.sub(r"(?m)^#([a-z0-9-]+ = )", r"\1", text)
        # Accounts, controls and back ends are those of this system.
        taken = re.sub(r"(?m)^(user|congestion|backend) = .*$", "", taken)
        for contents in (text, taken):
            with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
                file.write(contents)
                file.flush()
                done = run(UPCASED, "--config", file.name, "--check")
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_messages(self):
        """upcased.conf.5: the messages that it explains are those of the
        program"""
        said = re.findall(r'(?m)^\.It "(.*)"$', self.page)
        self.assertGreater(len(said), 3)
        source = "".join(
            re.sub(r'"\s*"', "", read("src", *path)) for path in (
                ("config", "config_file.c"), ("daemon", "reload.c")))
        for message in said:
            last = message.rpartition("; ")[2]
            self.assertIn(last.replace("listen", "%s"), source)

    def test_lint(self):
        """upcased.conf.5: mandoc finds nothing to warn of in the page"""
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed: the page is not checked")
        done = run("mandoc", "-T", "lint", "-W", "warning",
                   os.path.join(SOURCE, "man", "upcased.conf.5"))
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class ClientPage(Page, unittest.TestCase):
    NAME = "upc.1"
    PROGRAM = UPC
    FOLDERS = ("base", "client", "config")
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
    FOLDERS = ("base", "bench", "config")
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


def readmes():
    paths = [path for path in tree_files("src", "tests", "contrib")
             if os.path.basename(path) == "README"]
    return ["README", *paths]


class Layers:
    """src/LAYERS, and what the sources include."""

    def __init__(self):
        self.below = {}  # folder: the folders that it may include
        for line in read("src", "LAYERS").splitlines():
            if not line.startswith("#"):
                folder, below = line.split(":")
                self.below[folder] = below.split()
        self.includes = {}  # module: the modules that it includes
        self.complaints = []
        for path in tree_files("src"):
            if path.endswith((".c", ".h")):
                self.add(path)

    @staticmethod
    def module(path):
        """A source and the header beside it are one."""
        return path.rpartition(".")[0]

    def add(self, path):
        own = self.module(path.removeprefix("src/"))
        folder = own.partition("/")[0]
        for name in re.findall(r'^# *include "(.*)"', read(path), re.M):
            # What configure found is below everything.
            if name == "config.h":
                continue
            owner = "upcase" if name == "upcase.h" else name.partition("/")[0]
            if owner not in [folder, *self.below[folder]]:
                self.complaints.append(f"{path}: {name} is not below it")
            if self.module(name) != own:
                self.includes.setdefault(own, set()).add(self.module(name))

    def circle(self):
        """Modules that include each other, the first of them again at the
        end, or nothing."""
        done = set()

        def walk(module, way):
            if module in way:
                return [*way[way.index(module):], module]
            if module in done:
                return []
            for other in sorted(self.includes.get(module, ())):
                found = walk(other, [*way, module])
                if found:
                    return found
            done.add(module)
            return []
        for module in sorted(self.includes):
            found = walk(module, [])
            if found:
                return found
        return []


class Tree(unittest.TestCase):
    def test_layers(self):
        """each file includes only what src/LAYERS allows"""
        layers = Layers()
        self.assertEqual(layers.complaints, [])
        self.assertGreater(len(layers.includes), 50)
        # Every folder is there, and nothing else.
        self.assertEqual(sorted(layers.below), sorted(
            name for name in os.listdir(os.path.join(SOURCE, "src"))
            if os.path.isdir(os.path.join(SOURCE, "src", name))))

    def test_no_circle(self):
        """no file includes what includes it"""
        self.assertEqual(Layers().circle(), [])

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
            # Tools of Debian have a format for each; copyright is for all.
            if path.startswith("contrib/debian/") and \
                    not read(path).startswith("#!"):
                continue
            head = read(path).splitlines()[:3]
            if not any("SPDX-License-Identifier: " in line for line in head):
                without.append(path)
        self.assertGreater(len(paths), 50)
        self.assertEqual(without, [])

    def test_readme_width(self):
        """no line of a README is longer than 80 columns"""
        for page in readmes():
            lines = read(page).splitlines()
            self.assertEqual([line for line in lines if len(line) > 80], [])

    def test_readme_paths(self):
        """each file that a README names is there"""
        seen = 0
        for page in readmes():
            folder = os.path.join(SOURCE, page).removesuffix("/README")
            for path in re.findall(r"[\w.-]+/[\w./*-]*\w", read(page)):
                first = path.partition("/")[0]
                for base in {folder, SOURCE}:
                    # Commands are for the build folder, as is "./".
                    if first == "." or first == ".." and base == SOURCE:
                        continue
                    if os.path.isdir(f"{base}/{first}"):
                        self.assertTrue(glob.glob(f"{base}/{path}"),
                                        f"{page}: {path}")
                        seen += 1
        self.assertGreater(seen, 30)

    def test_readme_functions(self):
        """each function that src/README places in a file is there"""
        places = re.findall(r"(\w+_\w+)\s+in\s+(\w+/[\w.*]+\.[ch])",
                            read("src", "README"))
        self.assertGreater(len(places), 4)
        for name, path in places:
            sources = glob.glob(os.path.join(SOURCE, "src", path))
            text = "".join(read(source) for source in sources)
            self.assertTrue(re.search(rf"^{name}\(", text, re.M),
                            f"{name} in {path}")

    def test_news(self):
        """NEWS begins with the version of this tree"""
        version = run(UPCASED, "--version").stdout.split()[1]
        first = next(line for line in read("NEWS").splitlines() if line)
        self.assertEqual(first.split()[:2], ["upcased", version])


if __name__ == "__main__":
    tap.main()
