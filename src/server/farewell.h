/* SPDX-License-Identifier: ISC */
/* What is logged of connections that we end: whom, and why. */
#ifndef FAREWELL_H
#define FAREWELL_H

#include "base/log.h"
#include "server/counters.h"

#include <stdint.h>

/*
 * Logs that the connection with that descriptor is ended, and why, as far as
 * the limit lets it.  What a client does itself is no news.
 */
void farewell_log(struct log_limit *, uint64_t now, int fd, enum counter cause);

#endif
