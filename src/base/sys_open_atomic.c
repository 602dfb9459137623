/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that are made non-blocking and close-on-exec by one call, where
 * the system has such calls.  sys_open_fcntl.c is for the others.
 */
#include "config.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
sys_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int
sys_accept(int fd)
{
	int peer;
	do
		peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (peer == -1 && errno == EINTR);
	return peer;
}

int
sys_pipe(int ends[2])
{
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}
