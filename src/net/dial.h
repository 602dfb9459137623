/* SPDX-License-Identifier: ISC */
/*
 * Connections to a server, for programs of one thread.  dial_start and
 * dial_finish are for those that have a loop; dial_any waits.  Sockets are
 * non-blocking.
 */
#ifndef DIAL_H
#define DIAL_H

#include "net/address.h"

#include <stdint.h>

/* Room for the addresses that were tried, each with what went wrong. */
#define DIAL_TRIED_MAX 1024

/* What a status of address_resolve that is not 0 means, in words. */
const char *dial_resolve_error(int status);

/*
 * Starts to connect the socket, and lets it send what is short at once.
 * Returns -1 with errno; the socket is the caller's all the same.
 */
int dial_start(int fd, const struct addrinfo *);

/*
 * What became of that when the socket is ready for output: 0 when it is
 * connected, EAGAIN when that is still open, or else the errno that says why it
 * is not.
 */
int dial_finish(int fd);

/*
 * Tries the addresses, of which there is at least one, in order, each for at
 * most timeout milliseconds (0: as long as the system does).  Returns a
 * connected socket, or -1.  Either way *last is the address that was tried
 * last, and tried has "ADDRESS: reason" of those that failed, with a semicolon
 * between two, as far as they fit.
 */
int dial_any(const struct addrinfo *, uint32_t timeout,
    const struct addrinfo **last, char tried[static DIAL_TRIED_MAX]);

#endif
