/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/processors.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* More processors than any kernel is built for. */
enum { PROCESSORS_MAX = 1 << 16 };

unsigned
processors_count(void)
{
	int count = 0;
	/* The set must be as large as the kernel's own, which it does not say.
	 */
	for (int n = CPU_SETSIZE; n <= PROCESSORS_MAX && count == 0; n *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)n);
		if (set == NULL)
			break;
		size_t size = CPU_ALLOC_SIZE((size_t)n);
		bool is_known = sched_getaffinity(0, size, set) == 0;
		if (is_known)
			count = CPU_COUNT_S(size, set);
		int error = errno;
		CPU_FREE(set);
		if (!is_known && error != EINVAL)
			break;
	}
	return count > 0 ? (unsigned)count : 1;
}
