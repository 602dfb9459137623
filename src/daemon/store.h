/* SPDX-License-Identifier: ISC */
/*
 * The descriptor store of a service manager (sd_notify(3), FDSTORE=1): what is
 * put there outlives the process, and is passed to the next one as sockets are
 * by socket activation.  FDSTORE says that there is one, and for how many
 * descriptors.
 *
 * The sockets that listen lie there all the time, so that their clients wait
 * while a service that has crashed is started again.  Each has a name of its
 * own, made of its address, and is known again by that.  Whatever comes from
 * there and is not asked for any longer is closed and removed.
 *
 * Without a store each call returns at once.
 */
#ifndef STORE_H
#define STORE_H

#include "daemon/activation.h"
#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for the name of a socket in the store, its end included. */
enum { STORE_NAME_SIZE = 120 };

/* What a hand-over leaves there: see heir.h. */
#define STORE_INVENTORY ACTIVATION_STORED "inventory"
#define STORE_NEAR      ACTIVATION_STORED "passage-near"
#define STORE_FAR       ACTIVATION_STORED "passage-far"

/* How long after a message that did not go it is sent again, in ms. */
enum { STORE_RETRY_MS = 1000 };

/*
 * Writes the name that a socket at an address has there: such as
 * upcased-store-tcp-127.0.0.1_5220, since a name has no colon.
 */
void store_name(const struct transport *, const struct sockaddr *,
    char name[static STORE_NAME_SIZE]);

/* How many places FDSTORE, which may be NULL, says there are; -1: nonsense. */
long store_parse(const char *text);

/*
 * Reads the variable and takes it out of the environment.  To be called after
 * supervision_open, and while there is one thread.
 */
void store_open(void);

/*
 * Lets the server serve the sockets that came from the store.  To be called
 * before addresses are bound, and after what the last process has left.
 */
void store_adopt(struct server *);

/* From then on messages that do not go are sent again. */
void store_start(struct server *);

/*
 * Removes the sockets that the change that is prepared ends, before it is made;
 * and puts those there that are new, when it is made.
 */
void store_release(void);
void store_keep(void);

/* Removes all sockets: nobody is to be served after this process. */
void store_release_all(void);

/*
 * For a hand-over: says whether there are n places more than the sockets have;
 * puts a descriptor there, -1 as notify_send.
 */
bool store_has_room(size_t n);
int store_put(const char *name, int fd);

/*
 * Removes what has a name; false if that did not go, and then it is tried again
 * later, and nothing is put there until it has gone.
 */
bool store_remove(const char *name);

/*
 * Asks the service manager to read all that was sent to it.  Returns a
 * descriptor that has an end of file once it has, or -1 with errno.
 */
int store_ask(void);

/* To be called when the server no longer runs. */
void store_close(void);

#endif
