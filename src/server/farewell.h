/* SPDX-License-Identifier: ISC */
/* What is logged of connections that we end: the peer, and why. */
#ifndef FAREWELL_H
#define FAREWELL_H

#include "base/log.h"
#include "server/counters.h"

#include <sys/socket.h>

#include <stdint.h>

/*
 * Logs that we end the connection with that descriptor, and why, if the limit
 * lets the line pass.  Ends that are the client's own are not logged.  The
 * client is the address that is known of it, or NULL.
 */
void farewell_log(struct log_limit *, uint64_t now, int fd,
    const struct sockaddr *client, enum counter cause);

#endif
