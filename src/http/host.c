/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "http/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string.h>
#include <strings.h>

static bool
is_port(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n <= 5 && text[n] == '\0';
}

/* A name of a host, and no more of what a URI allows. */
static size_t
span_name(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
}

static int
check_bracketed(const char *host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t n = strcspn(host + 1, "]");
	const char *rest = host + 1 + n;
	if (rest[0] != ']' || n >= sizeof text ||
	    (rest[1] != '\0' && (rest[1] != ':' || !is_port(rest + 2))))
		return 400;
	memcpy(text, host + 1, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 ? 200 : 400;
}

int
http_host_check(const char *host, const char *own)
{
	char name[HTTP_HOST_MAX];
	struct in_addr address;
	if (host[0] == '[')
		return check_bracketed(host);
	size_t n = span_name(host);
	if (n >= sizeof name ||
	    (host[n] != '\0' && (host[n] != ':' || !is_port(host + n + 1))))
		return 400;
	memcpy(name, host, n);
	name[n] = '\0';
	if (inet_pton(AF_INET, name, &address) == 1)
		return 200;
	/* The dot at the end says that nothing is to be added. */
	if (n > 0 && name[n - 1] == '.')
		name[n - 1] = '\0';
	size_t length = strlen(own);
	if (length > 0 && own[length - 1] == '.')
		length--;
	bool is_own = length > 0 && strlen(name) == length &&
		      strncasecmp(name, own, length) == 0;
	return is_own || strcasecmp(name, "localhost") == 0 ? 200 : 421;
}
