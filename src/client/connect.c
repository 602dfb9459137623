/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/connect.h"

#include "base/say.h"
#include "base/sys.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Waits until the socket is writable; -1 with ETIMEDOUT after the timeout. */
static int
await_writable(int fd, uint32_t timeout)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	uint64_t deadline = sys_now() + timeout;
	int n, wait = -1;
	do {
		if (timeout != 0) {
			uint64_t now = sys_now();
			wait = now < deadline ? (int)(deadline - now) : 0;
		}
		n = poll(&writable, 1, wait);
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n == 1 ? 0 : -1;
}

/*
 * The outcome of a connection that became writable.  A connection from a
 * local port to itself, which TCP allows when nobody listens there, is none.
 */
static int
check_connected(int fd)
{
	int error = sys_socket_error(fd);
	if (error != 0) {
		errno = error;
		return -1;
	}
	struct sockaddr_storage ours = {0}, theirs = {0};
	if (sys_getpeername(fd, &theirs) == -1 ||
	    sys_getsockname(fd, &ours) == -1)
		return -1;
	if (memcmp(&ours, &theirs, sizeof ours) == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	return 0;
}

static int
connect_one(const struct addrinfo *address, uint32_t timeout)
{
	int fd = sys_socket(address->ai_family);
	if (fd == -1)
		return -1;
	/* Interrupted by a signal, a connect goes on like any other. */
	if (sys_connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
	    ((errno == EINPROGRESS || errno == EINTR) &&
		await_writable(fd, timeout) == 0)) {
		if (check_connected(fd) == 0)
			return fd;
	}
	int saved = errno;
	(void)sys_close(fd);
	errno = saved;
	return -1;
}

/* Adds "ADDRESS: reason" to the list, or nothing when it does not fit. */
static void
add_tried(char tried[static CONNECT_TRIED_MAX], const char *peer, int error)
{
	size_t end = strlen(tried);
	int n = snprintf(tried + end, CONNECT_TRIED_MAX - end, "%s%s: %s",
	    end == 0 ? "" : "; ", peer, strerror(error));
	if (n < 0 || (size_t)n >= CONNECT_TRIED_MAX - end)
		tried[end] = '\0';
}

int
connect_any(const struct addrinfo *list, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX], char tried[static CONNECT_TRIED_MAX])
{
	tried[0] = '\0';
	for (; list != NULL; list = list->ai_next) {
		(void)address_format(list->ai_addr, peer);
		int fd = connect_one(list, timeout);
		if (fd != -1)
			return fd;
		add_tried(tried, peer, errno);
	}
	return -1;
}

int
connect_server(const struct address *server, int family, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX])
{
	struct addrinfo *list;
	int status = address_resolve(server, family, &list);
	if (status != 0) {
		const char *reason = status == EAI_SYSTEM
					 ? strerror(errno)
					 : gai_strerror(status);
		say("no address found for '%s': %s; name the server with "
		    "--server or UPC_SERVER",
		    server->host, reason);
		return -1;
	}
	char tried[CONNECT_TRIED_MAX];
	int fd = connect_any(list, timeout, peer, tried);
	freeaddrinfo(list);
	if (fd == -1) {
		say("no server answers (%s); start upcased there, or name "
		    "another server with --server or UPC_SERVER",
		    tried);
		return -1;
	}
	/* A short line must not wait for the acknowledgement of the last. */
	(void)sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}
