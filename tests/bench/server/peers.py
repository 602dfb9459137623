# SPDX-License-Identifier: ISC
"""The servers that are compared: what they are called, how they are started.

A server is NAME, as it is usually written, or NAME:BYTES, where it moves that
many bytes at once.
"""

import dataclasses
import os
import re
import subprocess
import sys

import contenders
import results
import whole

SOURCE = os.path.dirname(os.path.abspath(__file__))

# The floor, to which all others are compared.
FLOOR = "epoll"

OURS = "upcased"
BUSY = "upcased-busy"
WORKERS = "upcased-workers"
BEFORE = "upcased-before"

# Names the program that is upcased before a change, to be compared too.
PROGRAM_BEFORE = "UPCASED_BEFORE"

# How long upcased polls before it sleeps, in the row that shows this.
BUSY_POLL = "100us"

# How many workers it has in the row that shows what handing over costs.
NWORKERS = "2"

# What is run when nothing is asked for: each peer as it is usually written, and
# with the buffer that is best for bulk, where that makes a difference: libevent
# reads at most 4 KiB at once, and Node.js 64 KiB.
DEFAULT = (
    *(OURS, BUSY, WORKERS, FLOOR, "libev", "libev:524288", "libuv", "libuv:524288"),
    *("libevent", "go", "go:524288", "tokio", "tokio:524288", "node"),
    *("asyncio", "asyncio:524288", "socat", "xinetd"),
)

# A server of these is a process for each connection.
FORKING = ("socat", "xinetd")

XINETD = """service echo
{{
	type = INTERNAL UNLISTED
	id = echo-stream
	socket_type = stream
	protocol = tcp
	port = {port}
	bind = 127.0.0.1
	flags = NODELAY
	user = {user}
	wait = no
	instances = UNLIMITED
	cps = 1000000 1
	log_type = FILE /dev/null
}}
"""


@dataclasses.dataclass
class Peer:
    name: str
    command: list
    # What stands for a port, as text, in a file that the command is given.
    config: str = ""
    answer: str = "same"
    # The text it is given whatever the scenario has, as it knows no other.
    text: str = ""
    # Its line when it is ready; without one it is asked until it answers.
    ready: str = "ready "
    version: str = ""

    @property
    def base(self):
        return self.name.partition(":")[0]

    @property
    def forks(self):
        return self.base in FORKING

    @property
    def title(self):
        base, _, size = self.name.partition(":")
        if not size:
            return {BUSY: "upcased --busy-poll",
                    WORKERS: f"upcased --workers {NWORKERS}",
                    BEFORE: "upcased before",
                    FLOOR: "raw epoll",
                    "socat": "socat with tr"}.get(base, base)
        return f"{base}, {results.size_name(int(size))}"


class Missing(Exception):
    """Why a peer is left out."""


def tool(name, package=None):
    path = contenders.installed(name)
    if path is None and os.path.exists(f"/usr/sbin/{name}"):
        return f"/usr/sbin/{name}"
    if path is None:
        raise Missing(f"{package or name} is not installed")
    return path


def version(name, *command):
    """The name of a program and the first number that it says it has, and of
    upcased what converts the text."""
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60)
    found = re.search(r"\d+(\.\d+)+", ran.stdout)
    kernel = re.search(r"^kernel: (\w+)", ran.stdout, re.M)
    number = found.group() if found else "of unknown version"
    return f"{name} {number}" + (f", kernel {kernel[1]}" if kernel else "")


def upcased(build, name=OURS, *options):
    program = os.environ.get("UPCASED") or os.path.join(build, "upcased")
    if not os.path.exists(program):
        raise Missing("it is not built")
    return ours(name, program, "--config", "none", *options)


def ours(name, program, *options):
    return Peer(name, [program, "--listen", "127.0.0.1:{port}", *options],
                answer="upper", ready="listening on ",
                version=version("upcased", program, "--version"))


def before():
    program = os.environ.get(PROGRAM_BEFORE)
    if not program:
        raise Missing(f"{PROGRAM_BEFORE} names no program")
    return ours(BEFORE, program)


def busy(build):
    peer = upcased(build, BUSY, "--busy-poll", BUSY_POLL)
    listed = subprocess.run([peer.command[0], "--help"], text=True,
                            stdout=subprocess.PIPE, timeout=60).stdout
    if "--busy-poll" not in listed:
        raise Missing("this upcased has no --busy-poll")
    return peer


def in_c(name, build):
    path = os.path.join(build, f"bench-echo-{name}")
    if not os.path.exists(path):
        raise Missing("configure has not found its library")
    return Peer(name, [path, "{port}"])


def run(command, where, **environment):
    """Runs a compiler; what it says is the reason if it fails."""
    try:
        subprocess.run(command, cwd=where, check=True, timeout=600, text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT,
                       env={**os.environ, **environment})
    except subprocess.CalledProcessError as error:
        last = error.stdout.strip().rpartition("\n")[2]
        raise Missing(f"it could not be compiled: {last}") from error


def go(folder):
    target = os.path.join(folder, "bench-echo-go")
    compiler = tool("go", "golang-go")
    run([compiler, "build", "-o", target, os.path.join(SOURCE, "echo.go")],
        folder, GOCACHE=os.path.join(folder, "go"), GO111MODULE="off")
    return Peer("go", [target, "{port}"])


# Where Debian has the sources of libraries for Rust.
CRATES = "/usr/share/cargo/registry"


def tokio(folder):
    cargo = tool("cargo")
    if not any(name.startswith("tokio-1") for name in listing(CRATES)):
        raise Missing("librust-tokio-dev is not installed")
    project = os.path.join(folder, "tokio")
    os.makedirs(project, exist_ok=True)
    for name in "Cargo.toml", "echo.rs":
        copy_changed(os.path.join(SOURCE, "tokio", name),
                     os.path.join(project, name))
    number = next(name for name in sorted(listing(CRATES))
                  if name.startswith("tokio-1")).partition("-")[2]
    run([cargo, "build", "--release", "--offline",
         "--config", 'source.crates-io.replace-with="debian"',
         "--config", f'source.debian.directory="{CRATES}"'], project,
        CARGO_HOME=os.path.join(folder, "cargo"), RUSTC=tool("rustc"),
        TOKIO_VERSION=number)
    return Peer("tokio", [f"{project}/target/release/bench-echo-tokio",
                          "{port}"])


def listing(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def copy_changed(source, target):
    """A file with its old time is not compiled again."""
    with open(source, "rb") as file:
        content = file.read()
    if not os.path.exists(target) or open(target, "rb").read() != content:
        with whole.written(target, "wb", source) as file:
            file.write(content)


def script(name, interpreter, source):
    return Peer(name, [interpreter, os.path.join(SOURCE, source), "{port}"])


def socat():
    """Only this one does something to the text, and to ASCII alone."""
    program = tool("socat")
    translate = f"EXEC:{tool('stdbuf', 'coreutils')} -o0 tr a-z A-Z"
    listen = "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay," \
        "backlog=4096"
    return Peer("socat", [program, "-b", "65536", listen, translate],
                answer="upper", text="ascii", ready="",
                version=version("socat", program, "-V"))


def xinetd():
    program = tool("xinetd")
    return Peer("xinetd", [program, "-dontfork", "-filelog", "/dev/null",
                           "-pidfile", "{config}.pid", "-f", "{config}"],
                config=XINETD, ready="",
                version=version("xinetd", program, "-version"))


def make(base, build, folder):
    """The server of that name, as it is usually written."""
    makers = {
        OURS: lambda: upcased(build),
        BUSY: lambda: busy(build),
        WORKERS: lambda: upcased(build, WORKERS, "--workers", NWORKERS),
        BEFORE: before,
        "go": lambda: go(folder),
        "tokio": lambda: tokio(folder),
        "node": lambda: script("node", tool("node", "nodejs"), "echo.js"),
        "asyncio": lambda: script("asyncio", sys.executable, "echo.py"),
        "socat": socat,
        "xinetd": xinetd,
    }
    return makers[base]() if base in makers else in_c(base, build)


BASES = sorted({BEFORE, *(name.partition(":")[0] for name in DEFAULT)})


def find(names, build, folder):
    """The peers of these names, and why others are left out, by name."""
    found, missing, bases = {}, {}, {}
    os.makedirs(folder, exist_ok=True)
    for name in names:
        base, _, size = name.partition(":")
        if base not in bases:
            try:
                bases[base] = make(base, build, folder)
            except (Missing, OSError, subprocess.SubprocessError) as error:
                bases[base] = error
        if isinstance(bases[base], Exception):
            missing[base] = str(bases[base])
            continue
        command = bases[base].command + ([size] if size else [])
        found[name] = dataclasses.replace(bases[base], name=name,
                                          command=command)
    return found, missing
