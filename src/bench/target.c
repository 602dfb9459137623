/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/target.h"

#include "base/sys.h"
#include "net/dial.h"

#include <netinet/in.h>

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

int
target_open(struct target *target, const struct addrinfo *servers,
    uint32_t timeout, char tried[static RACE_TRIED_MAX])
{
	const struct addrinfo *server;
	*target = (struct target){0};
	target->first = race_run(servers, timeout, &server, tried);
	if (target->first == -1)
		return -1;
	target->server = server;
	target->is_spread = can_spread(server->ai_addr);
	return 0;
}

void
target_close(struct target *target)
{
	if (target->server != NULL && target->first != -1)
		(void)sys_close(target->first);
}

int
target_connect(struct target *target)
{
	int fd = target->first;
	if (fd != -1) {
		target->first = -1;
		return fd;
	}
	fd = sys_socket(target->server->ai_family);
	if (fd == -1)
		return -1;
	if ((!target->is_spread || bind_source(fd, target->connects++) == 0) &&
	    dial_start(fd, target->server) == 0)
		return fd;
	int saved = errno;
	(void)sys_close(fd);
	errno = saved;
	return -1;
}
