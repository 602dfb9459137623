/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Where the system cannot list the open descriptors, each number below this is
 * tried.  The limit of descriptors may be far too large, such as 2^30.
 */
enum { TRIED_MAX = 65536 };

/* The directory in which the system lists the descriptors of a process. */
#ifdef __linux__
#define LIST_OF_OPEN "/proc/self/fd"
/* From Linux 6.2 on, its size is how many there are: 18,000 take 90 ms else. */
#define SIZE_IS_COUNT true
#elif defined __APPLE__
#define LIST_OF_OPEN  "/dev/fd"
#define SIZE_IS_COUNT false
#else
/* On other systems it may not be mounted, or is not exact. */
#define LIST_OF_OPEN  ""
#define SIZE_IS_COUNT false
#endif

/* One system call for all of them, where there is one. */
#if defined HAVE_CLOSE_RANGE
static int
close_from(int first)
{
	return close_range((unsigned)first, UINT_MAX, 0);
}
#elif defined HAVE_CLOSEFROM && !defined __GLIBC__
static int
close_from(int first)
{
	(void)closefrom(first);
	return 0;
}
#else
static int
close_from(int first)
{
	(void)first;
	errno = ENOSYS;
	return -1;
}
#endif

/* Calls see for each open descriptor, except the one that reads the list. */
static void
for_each_open(void (*see)(int fd, void *arg), void *arg)
{
	DIR *list = opendir(LIST_OF_OPEN);
	if (list == NULL) {
		for (int fd = 0; fd < TRIED_MAX; fd++) {
			if (fcntl(fd, F_GETFD) != -1)
				see(fd, arg);
		}
		return;
	}
	const struct dirent *entry;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the list is ours alone. */
	while ((entry = readdir(list)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);
		if (end != entry->d_name && *end == '\0' && fd != dirfd(list))
			see((int)fd, arg);
	}
	(void)closedir(list);
}

static void
close_one(int fd, void *arg)
{
	if (fd > *(const int *)arg)
		(void)close(fd);
}

/* Closes those between two that stay. */
static void
close_gap(int first, int last)
{
	for (int fd = first; fd <= last; fd++)
		(void)close(fd);
}

static void
count_one(int fd, void *arg)
{
	(void)fd;
	++*(size_t *)arg;
}

void
sys_close_inherited(const int *spared, size_t n)
{
	int last = STDERR_FILENO;
	for (size_t i = 0; i < n; i++) {
		close_gap(last + 1, spared[i] - 1);
		last = spared[i];
		(void)fcntl(last, F_SETFD, FD_CLOEXEC);
	}
	/* A filter of system calls that is older may forbid this one. */
	if (close_from(last + 1) == -1)
		for_each_open(close_one, &last);
}

int
sys_adopt(int fd)
{
	int status = fcntl(fd, F_GETFL);
	if (status == -1 || fcntl(fd, F_SETFL, status | O_NONBLOCK) == -1)
		return -1;
	return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void
sys_count_descriptors(struct sys_descriptors *descriptors)
{
	struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	/* Some systems allow less than the maximum that they report. */
	for (rlim_t most = limit.rlim_max; most > limit.rlim_cur; most /= 2) {
		struct rlimit raised = {most, limit.rlim_max};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
			limit.rlim_cur = most;
			break;
		}
	}
	descriptors->limit = SIZE_MAX;
	if ((uint64_t)limit.rlim_cur < SIZE_MAX)
		descriptors->limit = (size_t)limit.rlim_cur;
	struct stat list;
	descriptors->open = 0;
	if (SIZE_IS_COUNT && stat(LIST_OF_OPEN, &list) == 0 && list.st_size > 0)
		descriptors->open = (size_t)list.st_size;
	else
		for_each_open(count_one, &descriptors->open);
}
