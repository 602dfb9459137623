/* SPDX-License-Identifier: ISC */
/*
 * Transports: the protocols by which clients connect, an object each.  What is
 * the same for all of them, such as recv, goes through sys.h.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include "net/address.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

/* What is asked of a listener, and inherited by what it accepts. */
struct transport_options {
	int backlog;            /* clients that may wait, at first */
	int send_buffer;        /* the kernel's, in bytes */
	uint32_t give_up_ms;    /* as for sys_set_user_timeout */
	bool probes;            /* keep-alive, to find vanished peers */
	const char *congestion; /* control; empty: the system's own */
	bool shares;            /* as transport.share */
};

struct transport {
	const char *name;

	/* The addresses that one stands for: as address_resolve. */
	int (*resolve)(
	    const struct address *, int family, struct addrinfo **list);

	/* Why an address cannot be served; NULL: it can, as far as we know. */
	const char *(*fault)(const struct sockaddr *);

	/* True when only one of the two can be listened on. */
	bool (*overlap)(const struct sockaddr *, const struct sockaddr *);

	/* True when who listens on the first listens on the second as well. */
	bool (*covers)(const struct sockaddr *, const struct sockaddr *);

	/*
	 * Returns a socket that is bound and listens, or -1 with the errno of
	 * socket, setsockopt, bind or listen.  An option that the service can
	 * do without, and that the system refuses, is logged once and noted in
	 * *refused, which is 0 at first.
	 */
	int (*listen)(const struct transport_options *,
	    const struct sockaddr *address, socklen_t length,
	    unsigned *refused);

	/*
	 * Makes a socket that listens, and that was passed to this process, one
	 * like those of listen, but for its address and its backlog.  0, or -1
	 * with the errno of fcntl or setsockopt.
	 */
	int (*adopt)(
	    const struct transport_options *, int fd, unsigned *refused);

	/*
	 * Gives what listens other options, but for the backlog and the
	 * congestion control; what it accepts from then on inherits them.
	 */
	void (*tune)(
	    const struct transport_options *, int fd, unsigned *refused);

	/*
	 * Whether an address may be listened on that overlaps the one of this
	 * socket, if both may share.
	 */
	void (*share)(int fd, bool may);

	/*
	 * Whether a socket that listens on the first address has all clients of
	 * the second.
	 */
	bool (*serves)(
	    int fd, const struct sockaddr *own, const struct sockaddr *address);

	/* Whether give_up_ms holds, given what was refused. */
	bool (*gives_up)(unsigned refused);
};

extern const struct transport transport_tcp;

/*
 * Returns 0 if the system has the congestion control of that name and lets us
 * use it; otherwise -1 with the errno of socket or sys_set_congestion.
 */
int transport_check_congestion(const char *name);

/*
 * Sets SO_SNDBUF or SO_RCVBUF, in bytes.  Above a limit, some systems cut the
 * size and others refuse it; then the half is tried, and so on.  -1: nothing
 * was set.
 */
int transport_set_buffer(int fd, int name, int size);

#endif
