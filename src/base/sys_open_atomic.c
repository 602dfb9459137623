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
sys_accept(int fd, struct sockaddr_storage *peer)
{
	int accepted;
	do {
		socklen_t length = sizeof *peer;
		accepted = accept4(fd, (struct sockaddr *)peer,
		    peer == NULL ? NULL : &length,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (accepted == -1 && errno == EINTR);
	return accepted;
}

int
sys_pipe(int ends[2])
{
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}
