/* SPDX-License-Identifier: ISC */
/* From addresses that were looked up to sockets that listen. */
#ifndef BIND_H
#define BIND_H

#include "daemon/resolve.h"
#include "server/server.h"

/*
 * Binds all the addresses, or none.  A name can stand for several; on a host
 * without IPv6, those of IPv4 are enough.  Returns 0 or an exit status of
 * sysexits(3), logged.
 */
int bind_addresses(struct server *, const struct resolved *);

#endif
