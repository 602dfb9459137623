/* SPDX-License-Identifier: ISC */
/* Random bytes from a device, where no call has them: random(4). */
#include "config.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
sys_entropy(void *bytes, size_t n)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	ssize_t got = sys_read(fd, bytes, n);
	(void)sys_close(fd);
	if (got == (ssize_t)n)
		return 0;
	if (got >= 0)
		errno = EIO;
	return -1;
}
