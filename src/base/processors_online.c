/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/processors.h"

#include <unistd.h>

unsigned
processors_count(void)
{
	/* Not in POSIX.1, but every system has it. */
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	return count > 0 ? (unsigned)count : 1;
}
