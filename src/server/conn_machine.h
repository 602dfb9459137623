/* SPDX-License-Identifier: ISC */
/*
 * Moves a connection from state to state: when it is ready, when its deadline
 * has passed, and when the server wants its end.
 */
#ifndef CONN_MACHINE_H
#define CONN_MACHINE_H

#include "reactor/timer.h"
#include "server/conn.h"
#include "server/counters.h"
#include "server/shard.h"

#include <stdbool.h>

/*
 * Starts to serve the socket, which the connection owns from now on; that of a
 * proxy begins with a header, for which its record has a place.  Returns -1
 * with the poller's errno; then the socket is still the caller's.
 */
int conn_start(struct conn *, struct shard *, int fd, bool is_proxied);

/*
 * Resets the connection and counts it under the given cause.  Also the evict of
 * shard_open.
 */
void conn_evict(struct conn *, enum counter cause);

/*
 * Takes the connection out of the loop, for another process or server to go on
 * with: its slot is free at once, and its socket, which stays open, belongs to
 * the caller.  Output that is pending is lost.  Not inside a turn of the loop.
 */
void conn_leave(struct conn *);

/* When the deadline of its state began to run, in ms of sys_now. */
uint64_t conn_began(const struct conn *);

/*
 * Goes on with a connection that left: all its members are set, but for its
 * watch and timer.  Of several, those whose deadlines began first come first.
 * -1 with the poller's errno; then the socket is still the caller's.
 */
int conn_go_on(struct conn *, int fd, uint64_t began);

/* The expired of shard_open: the deadline of the state has passed. */
void conn_expired(struct timer *);

#endif
