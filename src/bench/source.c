/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "source.h"

#include "sys.h"

#include <netinet/in.h>

/* The port is chosen by connect, which knows the other end: ip(7). */
#ifdef IP_BIND_ADDRESS_NO_PORT
enum { BIND_WITHOUT_PORT = IP_BIND_ADDRESS_NO_PORT };
#else
enum { BIND_WITHOUT_PORT = -1 };
#endif

enum { FIRST = 0x7f000002, ADDRESSES = 250 };

int
source_bind(int fd, uint64_t k)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(FIRST + (uint32_t)(k % ADDRESSES)),
	};
	if (sys_setsockopt(fd, IPPROTO_IP, BIND_WITHOUT_PORT, 1) == -1)
		return -1;
	return sys_bind(fd, (const struct sockaddr *)&address, sizeof address);
}

bool
source_is_spread(const struct sockaddr *server)
{
	if (BIND_WITHOUT_PORT == -1 || server->sa_family != AF_INET)
		return false;
	const struct sockaddr_in *in = (const struct sockaddr_in *)server;
	if (ntohl(in->sin_addr.s_addr) >> 24 != 127)
		return false;
	int fd = sys_socket(AF_INET);
	if (fd == -1)
		return false;
	bool can = source_bind(fd, ADDRESSES - 1) == 0;
	(void)sys_close(fd);
	return can;
}
