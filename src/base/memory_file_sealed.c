/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int
memory_file_create(size_t size)
{
	int fd = memfd_create("upcased", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (size == 0 || memory_file_extend(fd, size) == 0)
		return fd;
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
memory_file_extend(int fd, size_t size)
{
	/* A lack of memory is found out now. */
	int error = posix_fallocate(fd, 0, (off_t)size);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int
memory_file_fill(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;
	while (size > 0) {
		ssize_t n = write(fd, next, size);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			next += n;
			size -= (size_t)n;
		}
	}
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
	void *mapping;
	/* munmap takes no const, but writes nothing there. */
	memcpy(&mapping, &bytes, sizeof mapping);
	if (mapping != NULL)
		(void)munmap(mapping, size);
}
