/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/address.h"

#include <net/if.h>
#include <netinet/in.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && digits <= 5 && text[digits] == '\0' &&
	       strtol(text, NULL, 10) <= 65535;
}

/* True without brackets, blanks and bytes that control a terminal. */
static bool
is_host(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte <= ' ' || byte == 0x7f || byte == '[' || byte == ']')
			return false;
	}
	return true;
}

int
address_parse(struct address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	if (colon == NULL || !is_port(colon + 1))
		return -1;
	const char *host = text;
	size_t length = (size_t)(colon - text);
	if (text[0] == '[') {
		/* An IPv6 address stands in brackets, since it has colons. */
		if (length < 3 || colon[-1] != ']')
			return -1;
		host++;
		length -= 2;
		if (memchr(host, ':', length) == NULL)
			return -1;
	} else if (memchr(host, ':', length) != NULL) {
		return -1;
	}
	if (length >= sizeof address->host)
		return -1;
	memcpy(address->host, host, length);
	address->host[length] = '\0';
	if (!is_host(address->host))
		return -1;
	memcpy(address->port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

int
address_resolve(
    const struct address *address, int family, struct addrinfo **list)
{
	const struct addrinfo hints = {
	    .ai_family = family,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV | AI_PASSIVE,
	};
	const char *host = address->host[0] == '\0' ? NULL : address->host;
	return getaddrinfo(host, address->port, &hints, list);
}

const char *
address_format(
    const struct sockaddr *address, char text[static ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1], port[8];
	bool is_ipv6 = address->sa_family == AF_INET6;
	socklen_t length =
	    is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	/* Some getnameinfo take other families too, and invent a host. */
	if ((!is_ipv6 && address->sa_family != AF_INET) ||
	    getnameinfo(address, length, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		(void)snprintf(text, ADDRESS_TEXT_MAX, "an unknown address");
	else if (is_ipv6)
		(void)snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%s", host, port);
	else
		(void)snprintf(text, ADDRESS_TEXT_MAX, "%s:%s", host, port);
	return text;
}
