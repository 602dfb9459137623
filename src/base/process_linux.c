/* SPDX-License-Identifier: ISC */
/*
 * From /proc (proc(5)).  Its files stay open, so that reading them takes no
 * path, and one call.
 */
#include "config.h"

#include "base/process.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int stat_fd = -1, fds_fd = -1;
static uint64_t booted_s; /* since 1970; 0: unknown */

/* The time at which the system started, which is in the line "btime N". */
static uint64_t
read_boot_time(void)
{
	char line[128];
	uint64_t time = 0;
	FILE *file = fopen("/proc/stat", "re");
	if (file == NULL)
		return 0;
	/* Lines that are longer come in several pieces, none of which begins
	 * so.
	 */
	while (time == 0 && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "btime ", 6) == 0)
			time = strtoull(line + 6, NULL, 10);
	}
	(void)fclose(file);
	return time;
}

void
process_figures_open(void)
{
	process_figures_close();
	stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	fds_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	booted_s = read_boot_time();
}

void
process_figures_close(void)
{
	if (stat_fd != -1)
		(void)close(stat_fd);
	if (fds_fd != -1)
		(void)close(fds_fd);
	stat_fd = fds_fd = -1;
}

/* Field n of /proc/self/stat, counted from 1; they follow the name, field 2. */
static uint64_t
field(const char *text, unsigned n)
{
	/* The name is in parentheses, and may have some within. */
	const char *at = strrchr(text, ')');
	for (unsigned i = 2; at != NULL && i < n; i++)
		at = strchr(at + 1, ' ');
	return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

static void
read_stat(struct process_figures *figures)
{
	enum { VIRTUAL = 23, RESIDENT = 24, STARTED = 22 };
	char text[1024];
	ssize_t n =
	    stat_fd == -1 ? -1 : pread(stat_fd, text, sizeof text - 1, 0);
	long page = sysconf(_SC_PAGESIZE), ticks = sysconf(_SC_CLK_TCK);
	if (n <= 0 || page <= 0 || ticks <= 0)
		return;
	text[n] = '\0';
	figures->virtual_ = field(text, VIRTUAL);
	figures->resident = field(text, RESIDENT) * (uint64_t)page;
	if (booted_s != 0)
		figures->started_ms = booted_s * 1000 + field(text, STARTED) *
							    1000 /
							    (uint64_t)ticks;
}

void
process_add_system(struct process_figures *figures)
{
	struct stat status;
	/* Its size is their number since Linux 6.2, and 0 before. */
	if (fds_fd != -1 && fstat(fds_fd, &status) == 0)
		figures->descriptors = (uint64_t)status.st_size;
	read_stat(figures);
}
