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
#ifndef KERNEL_BUFFERS_H
#define KERNEL_BUFFERS_H

#include "server/settings.h"

#include <stddef.h>
#include <stdint.h>

/* The most connections with large buffers that a server has. */
#define KERNEL_BUFFERS_LARGE_MAX 8

/* A recv of so many bytes is bulk. */
#define KERNEL_BUFFERS_BULK ((size_t)16384)

struct conn;

struct kernel_buffers {
	size_t nlarge; /* how many may have large buffers: not all places */
	struct {
		struct conn *conn; /* NULL: nobody */
		uint64_t used;     /* when it last moved bulk, of loop_now */
	} large[KERNEL_BUFFERS_LARGE_MAX];
};

/* What the system holds at most for a connection of either kind, in bytes. */
struct kernel_buffers_held {
	size_t small, large;
};

/* Asks the system for that, by a socket that is made for it. */
void kernel_buffers_measure(
    const struct settings *, struct kernel_buffers_held *);

void kernel_buffers_init(struct kernel_buffers *, unsigned nworkers);

/* How many connections of each worker may have large buffers. */
size_t kernel_buffers_large(unsigned nworkers);

/* Gives a new connection its small buffers, as far as the system lets us. */
void kernel_buffers_start(const struct settings *, int fd);

/* Notes that a connection moves bulk, and gives it large ones if it can. */
void kernel_buffers_note_bulk(struct kernel_buffers *, const struct settings *,
    struct conn *, uint64_t now);

/* To be called when a connection is closed. */
void kernel_buffers_release(struct kernel_buffers *, const struct conn *);

#endif
