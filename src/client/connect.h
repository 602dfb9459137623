/* SPDX-License-Identifier: ISC */
/* Connections to the server: the first of its addresses that answers. */
#ifndef CONNECT_H
#define CONNECT_H

#include "net/address.h"

#include <stdint.h>

/* Room for the addresses that were tried, each with what went wrong. */
#define CONNECT_TRIED_MAX 1024

/*
 * Tries the addresses in order, each for at most timeout milliseconds (0: as
 * long as the system does).  Returns a connected, non-blocking socket and
 * writes its address to peer, or returns -1.  Either way tried has a line of
 * the addresses that failed, with their reasons, as far as they fit.
 */
int connect_any(const struct addrinfo *, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX], char tried[static CONNECT_TRIED_MAX]);

/*
 * Looks the server up and connects to it as above.  Before it returns -1 it
 * says on standard error why there is no connection.
 */
int connect_server(const struct address *, int family, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX]);

#endif
