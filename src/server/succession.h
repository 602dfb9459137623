/* SPDX-License-Identifier: ISC */
/*
 * A server that takes over from another, in the next process, so that no client
 * notices: what was served is packed there and unpacked here.
 *
 * Descriptors are passed apart from the inventory, those of the listeners
 * first.
 */
#ifndef SUCCESSION_H
#define SUCCESSION_H

#include "server/inventory.h"
#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>

/* What was packed, and where. */
struct estate {
	void *bytes; /* an inventory */
	size_t size;
	int *fds;
	size_t nfds;
};

/*
 * Writes what an inventory would be, as large as it would be now without
 * pending output, for a rehearsal; all is served on.  -1 with the errno of the
 * function, which is as below.
 */
int succession_sketch(
    struct server *, struct estate *, int (*make_room)(struct estate *));

/*
 * Stops all workers and packs all that is served, for which the function has to
 * make room: it stores bytes and fds for size and nfds.  -1 with its errno, and
 * all is served as before.  An errand of the server's, which must be serving.
 */
int succession_pack(
    struct server *, struct estate *, int (*make_room)(struct estate *));

/*
 * Serves again what was packed, which is not needed any longer.  -1 when that
 * cannot be, which was logged, and then server_run ends.
 */
int succession_undo(struct server *, const struct estate *);

/* After succession_pack: server_run ends at once. */
void succession_leave(struct server *);

/*
 * Makes server_start take over, and server_bind keep the listeners that are
 * there.  NULL, or why the inventory is not understood.  What is given must
 * live until server_start has returned.  Without descriptors (NULL) it is
 * rehearsed, and the server is not to be started.
 */
const char *succession_inherit(struct server *, const struct estate *);

/*
 * Takes the memory that it would take to take over, and looks whether it is
 * enough; NULL, or what is missing.
 */
const char *succession_rehearse(struct server *);

#endif
