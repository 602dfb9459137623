/* SPDX-License-Identifier: ISC */
/* Hands all that a server has to the next process: see heir.h. */
#ifndef HANDING_H
#define HANDING_H

#include "daemon/start.h"
#include "server/server.h"

/*
 * Makes a sealed file of what an inventory would be now, for a rehearsal.
 * Returns its descriptor, or -1 with errno.
 */
int handing_sketch(struct server *);

/*
 * Executes the program anew in this process, which goes on with all that is
 * served.  It returns only if that cannot be, which was logged: then all is
 * served as before.  An errand of the server's, which must be serving.
 */
void handing_execute(struct server *, const struct start *);

#endif
