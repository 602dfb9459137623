/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/inet.h"

#include <netinet/in.h>

#include <string.h>

static const struct in6_addr *
ipv6_of(const struct sockaddr *address)
{
	return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

static in_addr_t
ipv4_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)
	    ->sin_addr.s_addr;
}

/* The port is at the same place in both families. */
unsigned
inet_port(const struct sockaddr *address)
{
	return ntohs(
	    ((const struct sockaddr_in *)(const void *)address)->sin_port);
}

bool
inet_is_any(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(ipv6_of(address));
	return ipv4_of(address) == htonl(INADDR_ANY);
}

static unsigned long
scope_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in6 *)(const void *)address)
	    ->sin6_scope_id;
}

bool
inet_is_same(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family || inet_port(a) != inet_port(b))
		return false;
	if (a->sa_family == AF_INET)
		return ipv4_of(a) == ipv4_of(b);
	return memcmp(ipv6_of(a), ipv6_of(b), sizeof(struct in6_addr)) == 0 &&
	       scope_of(a) == scope_of(b);
}

bool
inet_overlap(const struct sockaddr *a, const struct sockaddr *b)
{
	/* Port 0 is whichever is free. */
	return a->sa_family == b->sa_family && inet_port(a) != 0 &&
	       inet_port(a) == inet_port(b) &&
	       (inet_is_any(a) || inet_is_any(b) || inet_is_same(a, b));
}

bool
inet_covers(const struct sockaddr *a, const struct sockaddr *b)
{
	return inet_overlap(a, b) && (inet_is_any(a) || !inet_is_any(b));
}

const char *
inet_fault(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		const struct in6_addr *ipv6 = ipv6_of(address);
		if (IN6_IS_ADDR_V4MAPPED(ipv6))
			return "is IPv4 written as IPv6; write it as IPv4, "
			       "such as 127.0.0.1:5220";
		if (IN6_IS_ADDR_MULTICAST(ipv6))
			return "is a multicast address, which TCP cannot "
			       "serve; choose another";
		if (IN6_IS_ADDR_LINKLOCAL(ipv6) &&
		    ((const struct sockaddr_in6 *)(const void *)address)
			    ->sin6_scope_id == 0)
			return "is a link-local address without its "
			       "interface; write it with that, such as "
			       "[fe80::1%eth0]:5220";
		return NULL;
	}
	if (ipv4_of(address) == htonl(INADDR_BROADCAST) ||
	    IN_MULTICAST(ntohl(ipv4_of(address))))
		return "is a broadcast or multicast address, which TCP cannot "
		       "serve; choose another";
	return NULL;
}
