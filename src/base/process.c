/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/process.h"

#include <sys/resource.h>

static uint64_t
microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

void
process_figures_read(struct process_figures *figures)
{
	struct rusage usage;
	struct rlimit limit;
	*figures = (struct process_figures){.cpu_us = 0};
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		figures->cpu_us = microseconds(&usage.ru_utime) +
				  microseconds(&usage.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		figures->descriptors_limit = (uint64_t)limit.rlim_cur;
	process_add_system(figures);
}
