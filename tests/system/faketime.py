# SPDX-License-Identifier: ISC
"""A wall clock that shows another time, by the library of faketime.

Both it and the program around it leave semaphores behind, which are named by
the process.  Where a process of the same number has left one, the program fails
and the library copes, so it is used alone.
"""

import glob

# The library to preload, or None.
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1") +
                     glob.glob("/usr/lib*/faketime/libfaketime.so.1")), None)
