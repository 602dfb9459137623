# SPDX-License-Identifier: ISC
"""The daemon as process 1 of a container."""

import contextlib
import os

from daemon import Daemon

# Without its parent it ends as well.
AS_FIRST = ("unshare", "--pid", "--fork", "--kill-child")


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        found = children.read().split()
    return int(found[0]) if found else None


class First(Daemon):
    """A daemon that is process 1."""

    def __init__(self, wrapper=(), **how):
        super().__init__(wrapper=[*AS_FIRST, *wrapper], **how)

    def send_signal(self, signo):
        # It may be gone before the one who waits for it is.
        pid = child_of(self.process.pid)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)
