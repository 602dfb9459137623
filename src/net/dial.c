/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/dial.h"

#include "base/sys.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

const char *
dial_resolve_error(int status)
{
	if (status != EAI_SYSTEM)
		return gai_strerror(status);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
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

/* Waits for a socket that was started; the result is that of dial_finish. */
static int
await(int fd, uint32_t timeout)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	uint64_t deadline = sys_now() + timeout;
	int error = EAGAIN;
	while (error == EAGAIN) {
		uint64_t now = sys_now();
		int wait = now < deadline ? (int)(deadline - now) : 0;
		int n = poll(&writable, 1, timeout == 0 ? -1 : wait);
		if (n == 0)
			error = ETIMEDOUT;
		else if (n == 1)
			error = dial_finish(fd);
		else if (errno != EINTR)
			error = errno;
	}
	return error;
}

/* A connected socket, or -1 with the errno in *error. */
static int
dial_one(const struct addrinfo *address, uint32_t timeout, int *error)
{
	int fd = sys_socket(address->ai_family);
	if (fd == -1) {
		*error = errno;
		return -1;
	}
	*error = dial_start(fd, address) == 0 ? await(fd, timeout) : errno;
	if (*error == 0)
		return fd;
	(void)sys_close(fd);
	return -1;
}

/* Adds "ADDRESS: reason" to the list, or nothing when it does not fit. */
static void
add_tried(char tried[static DIAL_TRIED_MAX], const struct addrinfo *address,
    int error)
{
	char text[ADDRESS_TEXT_MAX];
	size_t end = strlen(tried);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
	const char *reason = strerror(error);
	int n = snprintf(tried + end, DIAL_TRIED_MAX - end, "%s%s: %s",
	    end == 0 ? "" : "; ", address_format(address->ai_addr, text),
	    reason);
	if (n < 0 || (size_t)n >= DIAL_TRIED_MAX - end)
		tried[end] = '\0';
}

int
dial_any(const struct addrinfo *list, uint32_t timeout,
    const struct addrinfo **last, char tried[static DIAL_TRIED_MAX])
{
	tried[0] = '\0';
	for (; list != NULL; list = list->ai_next) {
		int error;
		*last = list;
		int fd = dial_one(list, timeout, &error);
		if (fd != -1)
			return fd;
		add_tried(tried, list, error);
	}
	return -1;
}
