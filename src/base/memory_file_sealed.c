/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static int
fail(int fd)
{
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
memory_file_create(size_t size, void **bytes)
{
	int fd = memfd_create("upcased", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	/* Taken now, a lack of memory is an error and not a signal later. */
	int error = posix_fallocate(fd, 0, (off_t)size);
	if (error != 0) {
		errno = error;
		return fail(fd);
	}
	*bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *bytes == MAP_FAILED ? fail(fd) : fd;
}

int
memory_file_seal(int fd, void *bytes, size_t size)
{
	/* While it can be written in memory the kernel does not seal it. */
	if (munmap(bytes, size) == -1)
		return -1;
	return fcntl(fd, F_ADD_SEALS, SEALS) == -1 ? -1 : 0;
}

const void *
memory_file_map(int fd, size_t *size)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1 || fstat(fd, &status) == -1)
		return NULL;
	if ((seals & SEALS) != SEALS || status.st_size <= 0 ||
	    (uint64_t)status.st_size > SIZE_MAX) {
		errno = EINVAL;
		return NULL;
	}
	*size = (size_t)status.st_size;
	void *bytes = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

void
memory_file_unmap(const void *bytes, size_t size)
{
	if (bytes != NULL)
		(void)munmap((void *)(uintptr_t)bytes, size);
}
