#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Each call for memory fails once, from the first to the last of a run."""

import tempfile
import unittest

import tap
from client import converse, may_break, mixed_text
from daemon import (FAILING_MALLOC, SANITIZERS, Case, Daemon, each_backend,
                    not_counted, wait_until)
from stream import upper

# So many descriptors that the tables of every back end have to grow.
N = 150

OS_ERROR = 71

# More calls than there can be.
MOST = 200


class Starved(Daemon):
    """A daemon whose given call for memory fails; it may refuse to start."""

    def __init__(self, how, call):
        self.report = tempfile.TemporaryFile()
        self.report.truncate(1)
        fd = self.report.fileno()
        super().__init__(
            **how, preload=FAILING_MALLOC, pass_fds=(fd,),
            env={"FAILING_MALLOC_CALL": str(call),
                 "FAILING_MALLOC_FD": str(fd)})

    def __enter__(self):
        try:
            super().__enter__()
            self.started = True
        except AssertionError:
            self.started = False
        return self

    def __exit__(self, *error):
        if self.started:
            super().__exit__(*error)
        self.report.close()

    def has_failed(self):
        """Whether that many calls were made."""
        self.report.seek(0)
        return self.report.read(1) != b"\0"


@not_counted
@unittest.skipIf("memory" in SANITIZERS,
                 "this sanitizer has the calls for memory inside the program")
@unittest.skipUnless(
    FAILING_MALLOC, "needs the library that lets calls for memory fail")
class MemoryTest(Case):
    def connect(self, daemon):
        """A client, or None if it was reset at once."""
        with may_break():
            client = daemon.connect()
            self.addCleanup(client.close)
            return client
        return None

    @staticmethod
    def converse(client, text):
        """The answer, or None if the client was reset."""
        with may_break():
            return client and converse(client, text)
        return None

    def check_service(self, daemon):
        """At most one client is lost, and counted; the others are served."""
        texts = [mixed_text(3_000, seed) for seed in range(N)]
        clients = [self.connect(daemon) for _ in texts]
        answers = [self.converse(*pair) for pair in zip(clients, texts)]
        lost = answers.count(None)
        self.assertLessEqual(lost, daemon.has_failed())
        for answer, text in zip(answers, texts):
            self.assertIn(answer, (None, upper(text)))
        wait_until(lambda: daemon.counters()["open"] == 0, "all ended")
        self.assertEqual(daemon.counters()["failed"], lost)
        return lost

    def check_refusal(self, daemon):
        errors = [s for s in daemon.lines if s.startswith("upcased: ")]
        self.assertEqual(len(errors), 1, daemon.lines)
        self.assertRegex(errors[0], "Cannot allocate memory$")
        self.assertEqual(errors[0], daemon.lines[-1])
        self.assertEqual(daemon.process.returncode, OS_ERROR)

    @each_backend(workers=(1, 2))
    def test_each_call(self, how):
        """Memory that is missing once is told in one sentence, or costs one
        connection"""
        nrefused = nlost = 0
        for call in range(1, MOST):
            with Starved(how, call) as daemon:
                if daemon.started:
                    nlost += self.check_service(daemon)
                else:
                    nrefused += 1
                    self.check_refusal(daemon)
                if not daemon.has_failed():
                    break
        self.assertLess(call, MOST - 1)
        self.assertGreater(nrefused, 8)
        if how["backend"] != "epoll":
            self.assertGreater(nlost, 0)


if __name__ == "__main__":
    tap.main()
