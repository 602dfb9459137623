/* SPDX-License-Identifier: ISC */
/*
 * What is listened on: a list of addresses, which is taken whole or not at all.
 *
 * A change is prepared first, in which the new addresses are bound, and then
 * made, in which they start and those that are not in the list any longer end;
 * until then everything is served as before.  An address that stays keeps its
 * socket, so its clients notice nothing.  At the start all addresses are new.
 *
 * To close a socket is to reset those who have begun to connect, and they may
 * connect to an address that is served on, by another socket.  So the socket of
 * 127.0.0.1:5220 stays when that becomes :5220, and the one of :5220 when it
 * becomes 127.0.0.1:5220, until listening_retire.
 */
#ifndef LISTENING_H
#define LISTENING_H

#include "server/listener.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much later than stall_ms the kernel gives a connection up, in ms: our own
 * deadline can be late by the longest time between two looks (see shard.c).
 */
#define LISTENING_MARGIN_MS 1000

/*
 * Prepares a change.  -1 with the errno of socket, setsockopt, bind or listen,
 * and the index of the address that was refused; then it is as if nothing had
 * been prepared, also before.
 */
int listening_prepare(struct listeners *, const struct listen_address *,
    size_t n, size_t *refused);

/* How many sockets listen, or are prepared to. */
size_t listening_count(const struct listeners *);

/*
 * Makes the change that was prepared, with queues of the given length, and logs
 * each address that comes or goes.  -1 with the poller's errno, and nothing has
 * changed.  Not inside a turn of the loop.
 */
int listening_change(struct listeners *, size_t backlog);

/*
 * Takes over a socket that listens, which had that number in the list, as one
 * that was prepared; a list that does not have its address ends it, unless it
 * was passed to the program at its start.  -1 with the errno of fcntl,
 * setsockopt or malloc: then it is still the caller's.
 */
int listening_adopt(struct listeners *, const struct listen_address *,
    size_t number, bool is_passed, int fd);

/*
 * The same for a socket of ours that a service manager has held, and still
 * holds.
 */
int listening_adopt_held(
    struct listeners *, const struct listen_address *, int fd);

/* Calls see for each socket that listens or is prepared to. */
void listening_each(const struct listeners *,
    void (*see)(struct listener *, void *arg), void *arg);

/* The one whose socket listens at that address, or NULL. */
struct listener *listening_find(const struct listeners *,
    const struct transport *, const struct sockaddr *);

/* True for one that the change, as it is prepared, ends or is about to end. */
bool listening_ends(const struct listener *);

/* True when sockets were passed to the program. */
bool listening_has_passed(const struct listeners *);

/*
 * All that was taken over is served at once: it was before.  A listener that
 * the poller refuses is tried again later.
 */
void listening_go_on(struct listeners *);

/* True when there are sockets for listening_retire to close. */
bool listening_has_retired(const struct listeners *);

/* Closes the sockets that stayed for a moment.  Not inside a turn of the loop.
 */
void listening_retire(struct listeners *);

/* How long a moment has to be for whoever has begun to connect, in ms. */
#define LISTENING_RETIRE_MS 1000

/* Other settings hold from now on, for what listens and for what will. */
void listening_set(struct listeners *, const struct settings *);

/*
 * Makes an account the owner of what was bound for it, since only listeners of
 * one account can share an address, as they do when :5220 replaces
 * 127.0.0.1:5220.
 */
void listening_give(struct listeners *, uid_t account);

/*
 * How long the kernel holds its part of a closed connection, in ms; 0: as long
 * as it likes.  To be called when something is bound.
 */
uint32_t listening_held_ms(const struct listeners *);

#endif
