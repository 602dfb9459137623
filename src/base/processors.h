/* SPDX-License-Identifier: ISC */
/* How many processors this process may run on. */
#ifndef PROCESSORS_H
#define PROCESSORS_H

/* At least 1.  Counts at the time of the call; a limit of time is no limit. */
unsigned processors_count(void);

#endif
