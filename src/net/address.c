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

/* True for a text without what no host has in its name. */
static bool
is_host(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte <= ' ' || byte == 0x7f ||
		    strchr("[],'\"\\", byte) != NULL)
			return false;
	}
	return length < ADDRESS_HOST_MAX;
}

/*
 * Finds the host at the beginning of the text, without its brackets, and what
 * is behind it: a colon and the port, or nothing.
 */
static const char *
find_host(const char **text, size_t *length)
{
	if ((*text)[0] != '[') {
		*length = strcspn(*text, ":");
		return *text + *length;
	}
	/* An IPv6 address stands in brackets, since it has colons. */
	++*text;
	*length = strcspn(*text, "]");
	const char *end = *text + *length;
	if (*end == '\0' || memchr(*text, ':', *length) == NULL)
		return NULL;
	return end + 1;
}

int
address_parse(struct address *address, const char *text)
{
	static const char ours[] = "tcp:", *const others[] = {"udp:", "unix:"};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (strncmp(text, others[i], strlen(others[i])) == 0)
			return -1;
	}
	if (strncmp(text, ours, strlen(ours)) == 0)
		text += strlen(ours);
	size_t length;
	const char *host = text, *end = find_host(&host, &length);
	if (end == NULL || text[0] == '\0' || !is_host(host, length))
		return -1;
	struct address found = {.port = ADDRESS_PORT};
	const char *port = end + 1;
	if (*end == '\0' && host[strspn(host, "0123456789")] == '\0') {
		found.loopback = true;
		port = host;
		length = 0;
	} else if (*end == '\0') {
		port = ADDRESS_PORT;
	}
	if ((*end != '\0' && *end != ':') || !is_port(port))
		return -1;
	memcpy(found.host, host, length);
	memcpy(found.port, port, strlen(port) + 1);
	*address = found;
	return 0;
}

int
address_parse_listen(struct address *address, const char *text)
{
	static const char attribute[] = ",proxy";
	char first[ADDRESS_SPELLED_MAX];
	size_t length = strcspn(text, ",");
	if (length >= sizeof first)
		return -1;
	memcpy(first, text, length);
	first[length] = '\0';
	bool proxied = text[length] != '\0';
	if ((proxied && strcmp(text + length, attribute) != 0) ||
	    address_parse(address, first) == -1)
		return -1;
	address->proxied = proxied;
	return 0;
}

const char *
address_spell(
    const struct address *address, char text[static ADDRESS_SPELLED_MAX])
{
	bool has_colon = strchr(address->host, ':') != NULL;
	(void)snprintf(text, ADDRESS_SPELLED_MAX, "%s%s%s%s%s%s",
	    has_colon ? "[" : "", address->host, has_colon ? "]" : "",
	    address->loopback ? "" : ":", address->port,
	    address->proxied ? ",proxy" : "");
	return text;
}

int
address_resolve(
    const struct address *address, int family, struct addrinfo **list)
{
	const struct addrinfo hints = {
	    .ai_family = family,
	    .ai_socktype = SOCK_STREAM,
	    /* Without AI_PASSIVE, no host is this host. */
	    .ai_flags = AI_NUMERICSERV | (address->loopback ? 0 : AI_PASSIVE),
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
	/* Some systems' getnameinfo take any family, and invent a host. */
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
