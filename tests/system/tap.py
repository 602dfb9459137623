# SPDX-License-Identifier: ISC
"""Runs the unittest cases of a program and reports them as TAP on stdout.

A test case is described by the first line of its docstring, or by its name
with blanks for underscores.
"""

import os
import signal
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        # A test or the programs it starts may print: TAP keeps its own copy.
        self.stream = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def plan(self):
        self.stream.write(f"1..{self.count}\n")

    def line(self, verdict, test, comment=""):
        self.count += 1
        name = test.shortDescription() or test.id().split(".test_", 1)[-1]
        name = name.replace("_", " ").replace("#", "no. ")
        self.stream.write(f"{verdict} {self.count} - {name}{comment}\n")

    def diagnose(self, test, error):
        lines = "".join(traceback.format_exception(*error)).splitlines()
        self.stream.write("".join(f"# {line}\n" for line in lines))

    def addSuccess(self, test):
        self.line("ok", test)

    def addSkip(self, test, reason):
        self.line("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, error):
        self.line("not ok", test)
        self.diagnose(test, error)

    def addError(self, test, error):
        self.addFailure(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(subtest, error)


def main():
    """Runs the cases of the calling program, or those named as arguments."""
    # What nohup, or a shell for its background, has ignored would be ignored
    # by the programs too.
    for signo in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
        if signal.getsignal(signo) is signal.SIG_IGN:
            signal.signal(signo, signal.SIG_DFL)
    loader = unittest.defaultTestLoader
    module = sys.modules["__main__"]
    names = sys.argv[1:]
    if names:
        suite = loader.loadTestsFromNames(names, module)
    else:
        suite = loader.loadTestsFromModule(module)
    result = TapResult()
    suite.run(result)
    # Known at the end only: a test may fail in several of its parts.
    result.plan()
    # The driver reads the lines; another status would say "crash".
    result.stream.flush()
