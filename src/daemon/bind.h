/* SPDX-License-Identifier: ISC */
/* From addresses that were looked up to sockets that listen. */
#ifndef BIND_H
#define BIND_H

#include "daemon/resolve.h"
#include "server/server.h"

#include <stdbool.h>

/*
 * Binds all the addresses, or none.  A name can stand for several; on a host
 * without IPv6, those of IPv4 are enough.  In a reload messages say what only a
 * restart can do.  Returns 0 or an exit status of sysexits(3), logged.
 */
int bind_addresses(struct server *, const struct resolved *, bool is_reload);

/* The same for the address of the metrics, at the start. */
int bind_metrics(struct server *, const struct resolved *);

/* Makes sure that the congestion control can be chosen; returns the same. */
int bind_check_congestion(const struct daemon_choice *, bool is_reload);

#endif
