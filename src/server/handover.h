/* SPDX-License-Identifier: ISC */
/*
 * Sockets on their way between two threads, the one that accepts and one that
 * serves: a ring with one writer and one reader.  It has a place for every
 * connection that the limit allows, so handing over cannot fail, and needs no
 * lock.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdatomic.h>
#include <stddef.h>

struct handover {
	int *fds;
	size_t size;
	atomic_size_t nput, ntaken; /* since the start */
};

/* -1 with ENOMEM. */
int handover_open(struct handover *, size_t size);
void handover_close(struct handover *);

/* For the writer; at most size sockets may be on their way. */
void handover_put(struct handover *, int fd);

/* For the reader: the next socket, or -1. */
int handover_take(struct handover *);

#endif
