/* SPDX-License-Identifier: ISC */
/*
 * Socket activation: sockets that listen already, passed in by a service
 * manager as descriptors from 3 on, which LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES tell of (sd_listen_fds(3)).
 *
 * In the same way come the descriptors that this service has put into the store
 * of the manager, which store.h has; they are told apart by their names.
 */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "server/server.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

/* The most descriptors that can be passed. */
#define ACTIVATION_MAX 256

/* What the name of each begins with that comes from the store. */
#define ACTIVATION_STORED "upcased-store-"

/* Room for a name, its end included. */
enum { ACTIVATION_NAME_SIZE = 120 };

/* What activation_parse returns when there is nothing to serve. */
enum {
	ACTIVATION_WRONG = -1,     /* no number, or over ACTIVATION_MAX */
	ACTIVATION_OF_ANOTHER = -2 /* process */
};

/*
 * How many sockets LISTEN_PID and LISTEN_FDS pass to the process self; either
 * may be NULL.
 */
int activation_parse(const char *pid, const char *fds, long self);

/*
 * Reads the variables, and takes them out of the environment.  Stores the
 * descriptors that were passed, in rising order, and returns how many.  To be
 * called
 * before any descriptor is opened, and while there is one thread.
 */
size_t activation_read(int spared[static ACTIVATION_MAX]);

/*
 * Takes one that comes from the store: the one of that name, or for NULL the
 * next.  Returns the descriptor, which is the caller's from then on, and stores
 * the name; -1: there is none.
 */
int activation_take(const char *wanted, const char **name);

/*
 * Lets the server accept from all other sockets that were passed.  What cannot
 * be served is logged, with the remedy.  Returns 0 or the exit status.
 */
int activation_serve(struct server *);

/* The address of one because of which that address is in use, or NULL. */
const struct sockaddr *activation_overlap(const struct sockaddr *);

#endif
