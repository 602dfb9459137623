# SPDX-License-Identifier: ISC
"""What the servers are put through."""

import dataclasses

import peers

MESSAGE, GB, CONNECTION = "message", "GB", "connection"


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    # What stands above its column, in one line or two.
    heads: tuple
    arguments: tuple
    unit: str = MESSAGE
    # Of tests/bench/texts.py, or THREE; it is the same for all servers.
    text: str = "english"
    group: str = "main"
    # Where it stands on its curve.
    x: int = 0
    # The servers for which it is worth the time; None for all.
    only: tuple = None
    # Rounds after which it is not run any more; None for no limit.
    rounds: int = None

    @property
    def title(self):
        return " ".join(self.heads)

    def wanted(self, peer):
        if peer.base == peers.BUSY:
            return self.name == "single"
        if peer.base == peers.WORKERS:
            return self.name in FOR_WORKERS
        if peer.forks:
            return self.name in FOR_FORKING
        return self.only is None or peer.name in self.only


# Where connections are handed over, and how little is left of that later: all
# threads have one core, so this shows no more than the cost.
FOR_WORKERS = ("churn", "ping-64")

# Where a process for each connection makes sense.
FOR_FORKING = ("ping-64", "bulk-1", "churn")

# Half English, a quarter French, a quarter Russian.
THREE = "three"

# Those with curves, and those whose transform or latency is looked at closely.
CURVES = (peers.OURS, peers.FLOOR, "libev", "libuv:524288", "go", "tokio",
          "node")
CLOSE = (peers.OURS, peers.BEFORE, peers.FLOOR)
SINGLE = (*CURVES, peers.BEFORE, "libuv")


def ping(connections, size, *more):
    return ("--mode", "ping-pong", "--connections", str(connections),
            "--size", str(size), *more)


def stream(connections):
    return ("--mode", "stream", "--connections", str(connections))


MAIN = (
    Scenario("ping-64", ("64 B", "× 64"), ping(64, 64)),
    Scenario("ping-1000", ("64 B", "× 1,000"), ping(1000, 64)),
    Scenario("deep", ("64 B × 64", "16 deep"), ping(64, 64, "--depth", "16")),
    Scenario("ping-4k", ("4 KiB", "× 64"), ping(64, 4096)),
    Scenario("bulk-1", ("bulk", "× 1"), stream(1), GB, "ascii"),
    Scenario("bulk-8", ("bulk", "× 8"), stream(8), GB, "ascii"),
    Scenario("churn", ("connect,", "close"),
             ("--mode", "churn", "--connections", "8", "--size", "64"),
             CONNECTION),
)

# How many ping-pong connections there are beside bulk.
BESIDE = 32

FURTHER = (
    Scenario("three", ("bulk, 3", "languages"), stream(1), GB, THREE, "further",
             only=CLOSE),
    Scenario("quiet", ("64 B", f"× {BESIDE}"), ping(BESIDE, 64), group="mixed"),
    Scenario("mixed", ("64 B", f"× {BESIDE} beside bulk"),
             ("--mode", "mixed", "--connections", str(BESIDE), "--streams",
              "1", "--size", "64"), group="mixed"),
    Scenario("single", ("64 B", "× 1"), ping(1, 64), group="single",
             only=SINGLE),
)

# Curves are lines through points of one round.
COUNTS = (1, 10, 100, 1000, 10000, 19000)
SIZES = (16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)


def curves(most):
    """Up to that many connections, as a process has descriptors."""
    counts = sorted({min(count, most) for count in COUNTS})
    return [
        *(Scenario(f"connections-{n}", (f"{n:,}", "connections"), ping(n, 64),
                   group="connections", x=n, only=CURVES, rounds=1)
          for n in counts),
        *(Scenario(f"size-{n}", (f"{n:,}", "bytes"), ping(16, n), group="sizes",
                   x=n, only=CURVES, rounds=1)
          for n in SIZES),
    ]


# Those that are no load: see idle.py and counts.py.
IDLE, COUNTED = "idle", "counted"

NAMES = (*(scenario.name for scenario in (*MAIN, *FURTHER)), "connections",
         "sizes", IDLE, COUNTED)


def choose(names, most):
    """The scenarios of these names, in which a group has one name."""
    return [scenario for scenario in (*MAIN, *FURTHER, *curves(most))
            if scenario.name in names or scenario.group in names]
