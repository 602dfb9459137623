/* SPDX-License-Identifier: ISC */
/*
 * One connection to a server, for a program of one thread that has a loop:
 * race.h waits, and has more than one address to try.  Sockets are
 * non-blocking.
 */
#ifndef DIAL_H
#define DIAL_H

#include "net/address.h"

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

#endif
