/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/net/loopback.h"

#include "base/sys.h"

#include <arpa/inet.h>

#include <check.h>
#include <string.h>

int
loopback_bind(struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_storage bound;
	int fd = sys_socket(AF_INET);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(
	    sys_bind(fd, (struct sockaddr *)address, sizeof *address), 0);
	ck_assert_int_eq(sys_getsockname(fd, &bound), 0);
	memcpy(address, &bound, sizeof *address);
	return fd;
}

struct addrinfo
loopback_entry(struct sockaddr_in *address, struct addrinfo *next)
{
	return (struct addrinfo){
	    .ai_family = AF_INET,
	    .ai_addr = (struct sockaddr *)address,
	    .ai_addrlen = sizeof *address,
	    .ai_next = next,
	};
}
