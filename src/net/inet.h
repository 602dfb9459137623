/* SPDX-License-Identifier: ISC */
/* What is particular about addresses of IPv4 and IPv6. */
#ifndef INET_H
#define INET_H

#include <sys/socket.h>

#include <stdbool.h>

/* The port, in the order of the host. */
unsigned inet_port(const struct sockaddr *);

/* True for all addresses of a family. */
bool inet_is_any(const struct sockaddr *);

/* True for the same address and port, of the same interface. */
bool inet_is_same(const struct sockaddr *, const struct sockaddr *);

/* True when only one of the two can be listened on. */
bool inet_overlap(const struct sockaddr *, const struct sockaddr *);

/* True when who listens on the first listens on the second as well. */
bool inet_covers(const struct sockaddr *, const struct sockaddr *);

/*
 * What is wrong with an address that no TCP client could reach, or that IPv6
 * alone does not say; NULL: nothing.  Such a one is refused before the system
 * does so, as here it can be said why.
 */
const char *inet_fault(const struct sockaddr *);

#endif
