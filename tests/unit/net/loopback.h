/* SPDX-License-Identifier: ISC */
/* Sockets of the real system, on loopback. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <netinet/in.h>

/* A socket on a port of its own of 127.0.0.1, not listening. */
int loopback_bind(struct sockaddr_in *address);

#endif
