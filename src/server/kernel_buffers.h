/* SPDX-License-Identifier: ISC */
/*
 * The kernel's buffers for the connections of one worker.  Large ones make bulk
 * faster, but a peer that sends and does not read makes the kernel fill them.
 * So all connections have small ones, but for the few that moved bulk last.
 *
 * A connection with output pending keeps its large buffers: shrinking them
 * would free nothing that the kernel already holds, and the next connection
 * would fill its own.  So what the kernel holds has a bound, which is logged at
 * the start.
 */
#ifndef KERNEL_BUFFERS_H
#define KERNEL_BUFFERS_H

#include "server/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The most connections of a server that have large buffers.  The workers share
 * them, but each has one at least, so more than 8 workers have one each.  One
 * stream over loopback moves 700 MB/s with them and 24 without.  For a GB, 32
 * streams take 18,000 calls of recv and send; 26,000 if there are 4, and 14,000
 * if there are 16, for which the kernel may hold twice as much.
 */
#define KERNEL_BUFFERS_LARGE_MAX 8

/*
 * A recv of at least this many bytes is bulk.  Streams do not depend on it, as
 * a quarter and four times of it give the same counts; usual messages are
 * shorter.
 */
#define KERNEL_BUFFERS_BULK 16384

struct conn;

struct kernel_buffers {
	size_t nlarge; /* kernel_buffers_large: places that may be used */
	struct {
		struct conn *conn; /* NULL: the place is free */
		uint64_t used;     /* loop_now when it last moved bulk */
	} large[KERNEL_BUFFERS_LARGE_MAX];
};

/*
 * What a client can make the kernel hold before it is accepted, in bytes: the
 * first window that Linux opens to it, and the socket.
 */
#define KERNEL_BUFFERS_QUEUED ((size_t)90 * 1024)

/* The most that the system holds for a connection, in bytes, by its buffers. */
struct kernel_buffers_held {
	size_t small, large;
	/* What it gave of the small ones; less than was asked: it has bounds */
	size_t send, receive;
};

/* Asks the system for these sizes, with a socket made for the question. */
void kernel_buffers_measure(
    const struct settings *, struct kernel_buffers_held *);

/* The most that it holds for so many connections. */
uint64_t kernel_buffers_sum(
    const struct kernel_buffers_held *, unsigned nworkers, size_t nconnections);

/* How many connections of each worker may have large buffers. */
size_t kernel_buffers_large(unsigned nworkers);

/* Gives a new connection its small buffers, as far as the system lets us. */
void kernel_buffers_start(const struct settings *, int fd);

/* Notes that a connection moves bulk, and gives it large buffers if it can. */
void kernel_buffers_note_bulk(struct kernel_buffers *, const struct settings *,
    struct conn *, uint64_t now);

/* True for a connection that has large buffers. */
bool kernel_buffers_has(const struct kernel_buffers *, const struct conn *);

/*
 * For a connection that was served elsewhere: if its buffers are large it gets
 * a place for them, or small ones.
 */
void kernel_buffers_resume(struct kernel_buffers *, const struct settings *,
    struct conn *, bool is_large, uint64_t now);

/* To be called when a connection is closed. */
void kernel_buffers_release(struct kernel_buffers *, const struct conn *);

#endif
