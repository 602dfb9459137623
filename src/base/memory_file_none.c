/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/memory_file.h"

#include <errno.h>

int
memory_file_create(size_t size)
{
	(void)size;
	errno = ENOSYS;
	return -1;
}

int
memory_file_extend(int fd, size_t size)
{
	(void)fd, (void)size;
	errno = ENOSYS;
	return -1;
}

int
memory_file_fill(int fd, const void *bytes, size_t size)
{
	(void)fd, (void)bytes, (void)size;
	errno = ENOSYS;
	return -1;
}

const void *
memory_file_map(int fd, size_t *size)
{
	(void)fd;
	*size = 0;
	errno = ENOSYS;
	return NULL;
}

void
memory_file_unmap(const void *bytes, size_t size)
{
	(void)bytes, (void)size;
}
