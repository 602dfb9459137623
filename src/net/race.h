/* SPDX-License-Identifier: ISC */
/*
 * A connection to whichever address of a server answers first ("Happy
 * Eyeballs", RFC 8305): an address that is silent holds the next one up for a
 * quarter of a second, not for all the time that it is given itself.
 */
#ifndef RACE_H
#define RACE_H

#include "net/address.h"

#include <stdint.h>

/* Room for the addresses that were tried, each with what went wrong. */
#define RACE_TRIED_MAX 1024

/*
 * Tries the addresses, of which there is at least one, in their order, but for
 * the two families, which take turns.  The next attempt begins when the one
 * before it has failed, or after 250 ms, while the others go on; each has
 * timeout milliseconds (0: as long as the system lets it).  Returns a connected
 * socket and its address in *winner; the other attempts end then.
 *
 * Returns -1 when all have failed.  Either way tried has "ADDRESS: reason" of
 * those that failed, with a semicolon between two, as far as they fit.
 */
int race_run(const struct addrinfo *, uint32_t timeout,
    const struct addrinfo **winner, char tried[static RACE_TRIED_MAX]);

#endif
