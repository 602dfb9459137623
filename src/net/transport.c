/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/transport.h"

#include "base/sys.h"

#include <errno.h>

int
transport_set_buffer(int fd, int name, int size)
{
	while (sys_setsockopt(fd, SOL_SOCKET, name, size) == -1) {
		if (errno != ENOBUFS || size == 0)
			return -1;
		size /= 2;
	}
	return 0;
}
