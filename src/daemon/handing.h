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
 * Puts the means of a hand-over into the store of the service manager, before
 * there is anything in them: so it is known that they were stored, and only
 * what is ours has to be waited for later.  Returns a descriptor as store_ask,
 * or -1, and why is the end of a sentence.
 */
int handing_offer(const char **why);

/*
 * Hands all that is served over to whoever the service manager starts next, by
 * means of what was offered; server_run ends.  NULL, or why that cannot be, as
 * the end of a sentence, and then all is served as before.  An errand of the
 * server's, which must be serving.
 */
const char *handing_store(struct server *);

/* Takes back what was offered. */
void handing_withdraw(void);

/*
 * Executes the program anew in this process, which goes on with all that is
 * served.  It returns only if that cannot be, which was logged: then all is
 * served as before.  An errand of the server's, which must be serving.
 */
void handing_execute(struct server *, const struct start *);

#endif
