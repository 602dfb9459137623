/* SPDX-License-Identifier: ISC */
/*
 * The server that is loaded, and the addresses of ours that it is loaded from.
 *
 * Of the server's addresses the first that takes a connection is used for all.
 *
 * We send our FIN first, as a client does that has asked all it wanted, so it
 * is our end that stays in TIME-WAIT (RFC 9293, section 3.6.1) and keeps its
 * port for a minute or so.  From one address to one server there are some
 * 28,000 ports, which churn uses up within seconds.  To a server on loopback
 * connections therefore come from 250 addresses of 127.0.0.0/8 in turn, where
 * the system has them all, as Linux does.  To another server there are no more
 * addresses than this host has: there, churn has to stay below the ports.
 */
#ifndef TARGET_H
#define TARGET_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

struct target {
	const struct addrinfo *server; /* the address that is in use */
	bool is_proven;                /* it has taken a connection */
	bool is_spread;                /* we have several addresses */
	uint64_t connects;             /* begun so far */
};

void target_init(struct target *, const struct addrinfo *servers);

/* Starts to connect a socket; returns it, or -1 with errno. */
int target_connect(struct target *);

/*
 * What became of that when the socket is ready: 0 when it is connected, EAGAIN
 * when that is still open, or else the reason why it is not.
 */
int target_finish(struct target *, int fd);

/*
 * After a connection to that address failed: true if it is worth trying again,
 * with the address that is in use by now.
 */
bool target_next(struct target *, const struct addrinfo *failed);

#endif
