/* SPDX-License-Identifier: ISC */
/*
 * Unpacks what was packed, by this process or by the one before: see packing.h.
 * What cannot be gone on with is reset, counted and logged.
 */
#ifndef UNPACKING_H
#define UNPACKING_H

#include "server/inventory.h"
#include "server/listening.h"
#include "server/service.h"
#include "server/shard.h"

#include <stddef.h>

/* Adds the counters that are known here, by their names. */
void unpack_counters(const struct inventory *, struct counters *);

/*
 * Takes the listeners over, each among those of its service, to start with the
 * next change; what is not understood is closed, and logged.  Without
 * descriptors (NULL) it is rehearsed.
 */
void unpack_listeners(const struct inventory *, const int *fds,
    struct listeners *const of[static NSERVICES]);

/*
 * Goes on with the connection of a record, whose pending output is given; if
 * that cannot be, resets and counts it: -1.  Of those for one shard, the ones
 * that began first come first.
 */
int unpack_conn(const struct inventory *, const struct inventory_conn *,
    const unsigned char *pending, struct shard *, int fd);

/* Resets and counts a connection for which there is no place. */
void unpack_none(struct counters *, int fd);

#endif
