/* SPDX-License-Identifier: ISC */
/*
 * The server that is loaded, and the addresses of ours that it is loaded from.
 *
 * Of the server's addresses the first that takes a connection is used for all,
 * and that connection is the first of the run.
 *
 * We send our FIN first, as a client does that has asked all it wanted, so our
 * end stays in TIME-WAIT (RFC 9293, section 3.6.1) and keeps its port for about
 * a minute.  From one address to one server there are some 28,000 ports, which
 * churn uses up within seconds.  Connections to a server on loopback therefore
 * come from 250 addresses of 127.0.0.0/8 in turn, if the system has all of
 * these, as Linux does.  To any other server they come from the address that
 * the system chooses, and churn is limited by the ports of that.
 */
#ifndef TARGET_H
#define TARGET_H

#include "net/race.h"

#include <stdbool.h>
#include <stdint.h>

struct target {
	const struct addrinfo *server; /* the address that is used */
	bool is_spread;                /* we have several addresses */
	int first;         /* a connection not handed out yet; -1: none */
	uint64_t connects; /* begun so far, but for that */
};

/*
 * Connects to the first of the addresses that answers, each within timeout
 * milliseconds.  Returns -1 when none does; tried is as of race_run.
 */
int target_open(struct target *, const struct addrinfo *servers,
    uint32_t timeout, char tried[static RACE_TRIED_MAX]);

/* Harmless for one that is zeroed or was not opened. */
void target_close(struct target *);

/*
 * Starts to connect a socket, or returns the first, which is connected; -1 with
 * errno.  When it is ready for output dial_finish says what became of it.
 */
int target_connect(struct target *);

#endif
