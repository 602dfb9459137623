/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/target.h"

#include "base/sys.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>

/* The port is left to connect, which knows the other end: ip(7). */
#ifdef IP_BIND_ADDRESS_NO_PORT
enum { BIND_WITHOUT_PORT = IP_BIND_ADDRESS_NO_PORT };
#else
enum { BIND_WITHOUT_PORT = -1 };
#endif

/* 127.0.0.2 and those behind it. */
enum { FIRST = 0x7f000002, ADDRESSES = 250 };

/* Binds the socket to the k-th of our addresses. */
static int
bind_source(int fd, uint64_t k)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(FIRST + (uint32_t)(k % ADDRESSES)),
	};
	if (sys_setsockopt(fd, IPPROTO_IP, BIND_WITHOUT_PORT, 1) == -1)
		return -1;
	return sys_bind(fd, (const struct sockaddr *)&address, sizeof address);
}

static bool
can_spread(const struct sockaddr *server)
{
	if (BIND_WITHOUT_PORT == -1 || server->sa_family != AF_INET)
		return false;
	struct sockaddr_in in;
	memcpy(&in, server, sizeof in);
	if (ntohl(in.sin_addr.s_addr) >> 24 != FIRST >> 24)
		return false;
	int fd = sys_socket(AF_INET);
	if (fd == -1)
		return false;
	bool can = bind_source(fd, ADDRESSES - 1) == 0;
	(void)sys_close(fd);
	return can;
}

static void
use(struct target *target, const struct addrinfo *server)
{
	target->server = server;
	target->is_spread = can_spread(server->ai_addr);
}

void
target_init(struct target *target, const struct addrinfo *servers)
{
	*target = (struct target){.is_proven = false};
	use(target, servers);
}

static int
start(struct target *target, int fd)
{
	const struct addrinfo *server = target->server;
	/* A message must not wait for the acknowledgement of the last. */
	(void)sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (target->is_spread && bind_source(fd, target->connects++) == -1)
		return -1;
	/* Interrupted by a signal, it goes on like any other. */
	if (sys_connect(fd, server->ai_addr, server->ai_addrlen) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return 0;
	return -1;
}

int
target_connect(struct target *target)
{
	int fd = sys_socket(target->server->ai_family);
	if (fd == -1 || start(target, fd) == 0)
		return fd;
	int saved = errno;
	(void)sys_close(fd);
	errno = saved;
	return -1;
}

/* TCP lets a socket connect to itself when nobody listens at a local port. */
static bool
is_own_peer(int fd, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage ours = {0};
	return sys_getsockname(fd, &ours) == 0 &&
	       memcmp(&ours, peer, sizeof ours) == 0;
}

int
target_finish(struct target *target, int fd)
{
	struct sockaddr_storage peer = {0};
	int error = sys_socket_error(fd);
	if (error != 0)
		return error;
	if (sys_getpeername(fd, &peer) == -1)
		return errno == ENOTCONN ? EAGAIN : errno;
	if (!target->is_proven && is_own_peer(fd, &peer))
		return ECONNREFUSED;
	target->is_proven = true;
	return 0;
}

bool
target_next(struct target *target, const struct addrinfo *failed)
{
	if (target->is_proven)
		return false;
	if (target->server == failed && failed->ai_next == NULL)
		return false;
	if (target->server == failed)
		use(target, failed->ai_next);
	return true;
}
