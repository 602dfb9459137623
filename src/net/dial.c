/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/dial.h"

#include "base/sys.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>

const char *
dial_resolve_error(int status)
{
	if (status != EAI_SYSTEM)
		return gai_strerror(status);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread calls it. */
	return strerror(errno);
}

int
dial_start(int fd, const struct addrinfo *address)
{
	/* A short message must not wait until the last is acknowledged. */
	(void)sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* Interrupted by a signal, a connect goes on like any other. */
	if (sys_connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return 0;
	return -1;
}

int
dial_finish(int fd)
{
	int error = sys_socket_error(fd);
	if (error != 0)
		return error;
	struct sockaddr_storage ours = {0}, theirs = {0};
	if (sys_getpeername(fd, &theirs) == -1)
		return errno == ENOTCONN ? EAGAIN : errno;
	if (sys_getsockname(fd, &ours) == -1)
		return errno;
	/* TCP connects a port to itself when nobody listens at a local one. */
	return memcmp(&ours, &theirs, sizeof ours) == 0 ? ECONNREFUSED : 0;
}
