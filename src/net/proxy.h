/* SPDX-License-Identifier: ISC */
/*
 * The header of the PROXY protocol, versions 1 and 2: what a proxy sends before
 * the first byte of a client's, to say whose they are.  No I/O, no clock.
 *
 * https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt
 */
#ifndef PROXY_H
#define PROXY_H

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * The longest header that is taken, in bytes.  Version 1 allows 107; version 2
 * allows 65,551, and one with a certificate has about 2,000.
 */
#define PROXY_HEADER_MAX ((size_t)4096)

enum proxy_outcome {
	PROXY_INCOMPLETE, /* all the bytes belong to a header: more must come */
	PROXY_COMPLETE,
	PROXY_MALFORMED
};

struct proxy_header {
	size_t length; /* bytes of the header, once it is complete */

	/*
	 * The address of the client, with its port.  AF_UNSPEC: the proxy
	 * speaks for itself (LOCAL), or does not tell an address of IP.
	 */
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} client;

	const char *reason; /* why it is malformed: the end of a sentence */
};

/*
 * Reads what has come so far, n bytes from the first one on, the text behind
 * the header perhaps among them.
 */
enum proxy_outcome proxy_parse(
    const unsigned char *bytes, size_t n, struct proxy_header *);

#endif
