# SPDX-License-Identifier: ISC
"""Starts of the daemon that are refused: what they must look like."""

import re
import subprocess

from daemon import PATIENCE, SANDBOX, UPCASED, Case, unstamped

OK, USAGE, NO_USER, NO_HOST, UNAVAILABLE, OS_ERROR, IO_ERROR, \
    NO_PERMISSION, CONFIG = 0, 64, 67, 68, 69, 71, 74, 77, 78


def run(*arguments, wrapper=(), program=UPCASED, config="none", **how):
    """Runs the daemon, which is expected to end, and returns how it ended."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE}
    sandbox = []
    if SANDBOX and not {"--check", "--sandbox"} & set(arguments):
        sandbox = ["--sandbox", SANDBOX]
    done = subprocess.run(
        [*wrapper, program, "--config", config, *sandbox, *arguments],
        timeout=PATIENCE, text=True, **{**streams, **how})
    if done.stderr:
        done.stderr = unstamped(done.stderr)
    return done


class RefusalCase(Case):
    def check(self, status, pattern, *arguments, **how):
        """The daemon ends with the status and one sentence that matches."""
        done = run(*arguments, **how)
        self.check_end(status, pattern, done, done.stderr.splitlines())
        self.assertFalse(done.stdout)

    def check_end(self, status, pattern, done, lines):
        errors = [line for line in lines if not line.startswith("warning: ")]
        self.assertEqual(done.returncode, status, errors)
        self.assertEqual(len(errors), 1, errors)
        self.assertRegex(errors[0], rf"^upcased: .*{pattern}")
        self.assertRegex(errors[0], r"^[ -~]{1,511}$")
        # What is wrong, and what to do about it.
        self.assertTrue(re.search(r"; | is not ", errors[0]), errors[0])
