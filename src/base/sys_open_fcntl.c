/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that get their flags after they are made, for systems without
 * accept4 and pipe2 (macOS).  A fork in another thread could inherit one in
 * between; this program never forks.
 */
#include "config.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * Sets both flags or closes the descriptor.  Both are always set: whether an
 * accepted socket inherits O_NONBLOCK differs between systems.
 */
static int
set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != -1)
		return fd;
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
sys_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);
	return fd == -1 ? -1 : set_flags(fd);
}

int
sys_accept(int fd, struct sockaddr_storage *peer)
{
	int accepted;
	do {
		socklen_t length = sizeof *peer;
		accepted = accept(
		    fd, (struct sockaddr *)peer, peer == NULL ? NULL : &length);
	} while (accepted == -1 && errno == EINTR);
	return accepted == -1 ? -1 : set_flags(accepted);
}

int
sys_pipe(int ends[2])
{
	if (pipe(ends) == -1)
		return -1;
	if (set_flags(ends[0]) == -1) {
		(void)close(ends[1]);
		return -1;
	}
	if (set_flags(ends[1]) == -1) {
		(void)close(ends[0]);
		return -1;
	}
	return 0;
}
