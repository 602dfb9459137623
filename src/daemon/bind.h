/* SPDX-License-Identifier: ISC */
/* From the addresses that were asked for to sockets that are bound. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include "daemon/options.h"
#include "server/server.h"

/*
 * Looks up and binds the addresses of the options, or the default ones.  A
 * name can stand for several; on a host without IPv6, those of IPv4 are
 * enough.  Returns 0 or an exit status of sysexits(3), logged.
 */
int bind_addresses(struct server *, const struct daemon_options *);

#endif
