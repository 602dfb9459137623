/* SPDX-License-Identifier: ISC */
/*
 * Packs what is served into an inventory.  That takes connections out of the
 * server: no socket is closed, and all of them belong to the caller.
 * unpacking.h has the way back.
 */
#ifndef PACKING_H
#define PACKING_H

#include "server/inventory.h"
#include "server/listening.h"
#include "server/shard.h"

#include <stddef.h>

/* What is packed so far. */
struct packing {
	unsigned char *bytes;       /* room for all that was planned */
	int *fds;                   /* the same, listeners first */
	size_t nlisteners, nconns;  /* so far */
	struct inventory inventory; /* where each section is */
	size_t end;                 /* of the pending output, so far */
};

/* Adds what a shard has to the numbers of connections and pending bytes. */
void packing_measure(const struct shard *, size_t *nconns, size_t *npending);

/* Begins with a header of inventory_plan, for whose size there is room. */
void packing_begin(struct packing *, const struct inventory_header *,
    unsigned char *bytes, int *fds);

void packing_add_counters(
    struct packing *, const size_t totals[static NCOUNTERS]);
void packing_add_listeners(struct packing *, const struct listeners *);

/* These leave the shard. */
void packing_add_conns(struct packing *, struct shard *, unsigned worker);

#endif
