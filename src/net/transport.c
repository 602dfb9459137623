/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/transport.h"

#include "base/sys.h"

#include <errno.h>

/* A size is not halved to less than this, in bytes. */
enum { SIZE_LEAST = 16384 };

int
transport_set_buffer(int fd, int name, int size)
{
	while (sys_setsockopt(fd, SOL_SOCKET, name, size) == -1) {
		if (errno != ENOBUFS || size / 2 < SIZE_LEAST)
			return -1;
		size /= 2;
	}
	return 0;
}
