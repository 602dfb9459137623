/* SPDX-License-Identifier: ISC */
/*
 * Transports: the ways by which clients come, a row each.  What is the same for
 * all of them, such as recv, goes through sys.h.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include "net/address.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

/* What a listener is asked to be, and what it accepts inherits. */
struct transport_options {
	int backlog;            /* clients that may wait, at first */
	int send_buffer;        /* the kernel's, in bytes */
	uint32_t give_up_ms;    /* unacknowledged for so long; 0: as it likes */
	bool probes;            /* look for peers that have vanished */
	const char *congestion; /* control of; NULL: the system's choice */
};

struct transport {
	const char *name;

	/* The addresses that one stands for: as address_resolve. */
	int (*resolve)(
	    const struct address *, int family, struct addrinfo **list);

	/* Why an address cannot be served; NULL: it can, as far as we know. */
	const char *(*fault)(const struct sockaddr *);

	/* True when only one of the two can be listened on. */
	bool (*overlap)(const struct addrinfo *, const struct addrinfo *);

	/*
	 * A socket that is bound and listens: -1 with the errno of socket,
	 * setsockopt, bind or listen.  What the service can do without and the
	 * system refuses is logged once, and noted in *refused, which is 0 at
	 * first.
	 */
	int (*listen)(const struct transport_options *,
	    const struct sockaddr *address, socklen_t length,
	    unsigned *refused);

	/* Whether give_up_ms holds, with what was refused. */
	bool (*gives_up)(unsigned refused);
};

extern const struct transport transport_tcp;

/*
 * Whether the system has the congestion control of that name, and for us: -1
 * with the errno of sys_set_congestion otherwise.
 */
int transport_check_congestion(const char *name);

/*
 * Sets SO_SNDBUF or SO_RCVBUF, in bytes.  Some systems refuse what is above a
 * limit that others cut it to: there it is a half of that, and so on.  -1:
 * nothing was set.
 */
int transport_set_buffer(int fd, int name, int size);

#endif
