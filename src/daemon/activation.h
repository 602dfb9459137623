/* SPDX-License-Identifier: ISC */
/*
 * Socket activation: sockets that listen already, passed in by a service
 * manager as descriptors from 3 on, which LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES tell of (sd_listen_fds(3)).
 */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "server/server.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

/* The most sockets that can be passed. */
#define ACTIVATION_MAX 64

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
 * Reads the variables, and takes them out of the environment.  Returns the
 * last descriptor that was passed, or that of standard error.  To be called
 * before any descriptor is opened, and while there is one thread.
 */
int activation_read(void);

/*
 * Lets the server accept from all that were passed.  What cannot be served is
 * logged, with the remedy.  Returns 0 or the exit status.
 */
int activation_serve(struct server *);

/* How many sockets were passed. */
size_t activation_count(void);

/* True when one of them has the clients of the address, or all of its port. */
bool activation_covers(const struct sockaddr *);

/* The address of one because of which that address is in use, or NULL. */
const struct sockaddr *activation_overlap(const struct sockaddr *);

#endif
