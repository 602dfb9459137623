/* SPDX-License-Identifier: ISC */
/*
 * The kernel's buffers for the connections of one worker.  They decide how fast
 * bulk goes, and how much a peer can make the kernel hold: what it sends while
 * it does not read.  So all connections have small ones, and the few that move
 * the most have large ones for as long as they do.
 *
 * A connection with output pending keeps its large buffers, since shrinking
 * them gives nothing back that the kernel already holds.  So what the kernel
 * holds for all has a bound, which is logged at the start.
 */
#ifndef BUFFERS_H
#define BUFFERS_H

#include "server/server.h"

#include <stddef.h>
#include <stdint.h>

/* The most connections with large buffers that a server has. */
#define BUFFERS_LARGE_MAX 8

/* A recv of so many bytes is bulk. */
#define BUFFERS_BULK ((size_t)16384)

struct conn;

struct buffers {
	const struct server_settings *settings;
	size_t nlarge; /* how many may have large buffers: not all places */
	struct {
		struct conn *conn; /* NULL: nobody */
		uint64_t used;     /* when it last moved bulk, of loop_now */
	} large[BUFFERS_LARGE_MAX];
};

/*
 * Sets SO_SNDBUF or SO_RCVBUF.  Some systems refuse what is above a limit that
 * others cut it to: there it is a half of that, and so on.  -1: nothing was
 * set.
 */
int buffers_set_size(int fd, int name, int size);

/* What the system holds at most for a connection of either kind, in bytes. */
struct buffers_held {
	size_t small, large;
};

/* Asks the system for that, by a socket that is made for it. */
void buffers_measure(const struct server_settings *, struct buffers_held *);

void buffers_init(struct buffers *, const struct server_settings *);

/* How many connections of each worker may have large buffers. */
size_t buffers_large(const struct server_settings *);

/* Gives a new connection its small buffers, as far as the system lets us. */
void buffers_start(const struct buffers *, int fd);

/* Notes that a connection moves bulk, and gives it large ones if it can. */
void buffers_note_bulk(struct buffers *, struct conn *, uint64_t now);

/* To be called when a connection is closed. */
void buffers_release(struct buffers *, const struct conn *);

#endif
