/* SPDX-License-Identifier: ISC */
/* Sockets of the real system, on loopback. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <netinet/in.h>

#include <netdb.h>

/* A socket on a port of its own of 127.0.0.1, not listening. */
int loopback_bind(struct sockaddr_in *address);

/* The address as getaddrinfo has it in a list. */
struct addrinfo loopback_entry(
    struct sockaddr_in *address, struct addrinfo *next);

#endif
