# SPDX-License-Identifier: ISC
"""What each thread of a process may do, as Linux tells it."""

import os
import re


def threads_of(pid):
    """The fields of the status of each thread, by its number."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as text:
            found[int(thread)] = dict(
                re.findall(r"^(\w+):\t(.*)$", text.read(), re.M))
    return found


def check_rights(case, pid, user, group, bounding=0):
    """No thread has a right that does not come with the account.

    Of the bounding set may be left what is given; returns how many threads
    there are.
    """
    threads = threads_of(pid)
    for thread, fields in threads.items():
        with case.subTest(thread=thread):
            case.assertEqual(fields["Uid"].split(), [str(user)] * 4)
            case.assertEqual(fields["Gid"].split(), [str(group)] * 4)
            case.assertIn(fields["Groups"].split(), ([], [str(group)]))
            case.assertNotIn(0, (user, group))
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                case.assertEqual(int(fields[kind], 16), 0, kind)
            case.assertEqual(int(fields["CapBnd"], 16) & ~bounding, 0)
            case.assertEqual(fields["NoNewPrivs"], "1")
    case.assertIn(pid, threads)
    return len(threads)
