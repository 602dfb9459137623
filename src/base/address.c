/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "address.h"

#include <arpa/inet.h>
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
	if (strpbrk(address->host, "[] \t") != NULL)
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
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		(void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
		(void)snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", host,
		    (unsigned)ntohs(in.sin_port));
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
		(void)snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", host,
		    (unsigned)ntohs(in6.sin6_port));
	} else {
		(void)snprintf(text, ADDRESS_TEXT_MAX, "an unknown address");
	}
	return text;
}
