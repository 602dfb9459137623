# SPDX-License-Identifier: ISC
"""Files that are there whole, or as they were before."""

import contextlib
import os
import shutil
import sys


@contextlib.contextmanager
def beside(path, *sources):
    """The name of a file to write, which gets that of the path at the end.

    An exception leaves what was there, and so does it when nothing was written.
    One of the sources, which are read for it, is refused with a sentence.
    """
    path = os.path.realpath(path)
    if os.path.exists(path):
        for source in sources:
            if os.path.samefile(path, source):
                sys.exit(f"{path} is read for what is written to it; "
                         "name another file")
        if not os.path.isfile(path):
            # A device or a pipe is nobody's to replace.
            yield path
            return
    name = f"{path}.{os.getpid()}.tmp"
    try:
        yield name
        if os.path.exists(name):
            if os.path.exists(path):
                shutil.copymode(path, name)
            os.replace(name, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)


@contextlib.contextmanager
def written(path, mode, *sources, **how):
    """The same as a file that is open."""
    with beside(path, *sources) as name, open(name, mode, **how) as file:
        yield file
