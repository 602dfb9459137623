/* SPDX-License-Identifier: ISC */
/*
 * Addresses as people write them: 127.0.0.1:5220, [::1]:5220, name:port, :port
 * for all addresses of this host, and a port alone for those that only this
 * host reaches.  Without a port it is that of the service, and before all there
 * may be the transport, tcp:, so that a host may be called like one.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <sys/socket.h>

#include <netdb.h>
#include <stdbool.h>

/* The port of the service, for defaults and examples. */
#define ADDRESS_PORT "5220"

/* Room for any text that address_format makes, its end included. */
#define ADDRESS_TEXT_MAX 80

/* Room for a host name (RFC 1035 has 253 characters), its end included. */
#define ADDRESS_HOST_MAX 256

struct address {
	char host[ADDRESS_HOST_MAX]; /* empty: all addresses */
	char port[8];                /* decimal, 0 to 65535 */
	bool loopback; /* the host is empty: 127.0.0.1 and ::1 instead */
	bool proxied;  /* its clients are proxies, which say whom they serve */
};

/* What address_parse takes, for an error message. */
#define ADDRESS_SYNTAX                                                         \
	"an address such as 127.0.0.1:5220, [::1]:5220, name, :5220 or 5220"

/* Returns -1 when the text is no address; nothing is looked up. */
int address_parse(struct address *, const char *text);

/*
 * The same for an address to listen on, which may have attributes behind it,
 * each after a comma and at most once.  There is one: proxy.
 */
int address_parse_listen(struct address *, const char *text);

/* What that takes. */
#define ADDRESS_LISTEN_SYNTAX                                                  \
	ADDRESS_SYNTAX ", or one with the attribute proxy, as 5221,proxy"

/*
 * Looks the address up and returns getaddrinfo's status: 0, or a code for
 * gai_strerror.  The caller frees the list with freeaddrinfo.  The family is
 * AF_UNSPEC, AF_INET or AF_INET6; an empty host means every local address, or
 * those of the loopback.
 * This may wait for a name server.
 */
int address_resolve(const struct address *, int family, struct addrinfo **);

/* Room for a text that address_spell makes, its end included. */
#define ADDRESS_SPELLED_MAX (ADDRESS_HOST_MAX + 24)

/* Writes the address as address_parse_listen takes it, with its port. */
const char *address_spell(
    const struct address *, char text[static ADDRESS_SPELLED_MAX]);

/*
 * Writes an address such as 127.0.0.1:5220 or [::1]:5220 into text and returns
 * text.  Nothing is looked up but the name of the interface of a link-local
 * address.
 */
const char *address_format(
    const struct sockaddr *, char text[static ADDRESS_TEXT_MAX]);

#endif
