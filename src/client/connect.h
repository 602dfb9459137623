/* SPDX-License-Identifier: ISC */
/* The connection to the server, with what the user is told without one. */
#ifndef CONNECT_H
#define CONNECT_H

#include "net/address.h"

#include <stdint.h>

/*
 * Looks the server up and connects to the first of its addresses that answers;
 * the lookup, and each of them, has timeout milliseconds (0: as long as the
 * system takes).
 * Returns a non-blocking socket and writes its address to peer.  Before it
 * returns -1 it says on standard error why there is no connection.
 */
int connect_server(const struct address *, int family, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX]);

#endif
