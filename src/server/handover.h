/* SPDX-License-Identifier: ISC */
/*
 * Sockets on their way from the thread that accepts to one that serves: a ring
 * with one writer and one reader.  It has as many places as there can be on
 * their way, so handing over cannot fail, and needs no lock.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A socket on its way.  Whoever has this owns it. */
struct handoff {
	int fd;
	uint8_t service; /* enum service_number: what is done with it */
};

struct handover {
	struct handoff *places;
	size_t size;
	atomic_size_t nput, ntaken; /* since the start */
};

/* Takes memory for at least size places: -1 with ENOMEM. */
int handover_open(struct handover *, size_t size);
void handover_close(struct handover *);

/* How many places handover_open makes for that size. */
size_t handover_places(size_t size);

/* For the writer; no more than size may be on their way. */
void handover_put(struct handover *, const struct handoff *);

/* For the reader: takes the next one; false if there is none. */
bool handover_take(struct handover *, struct handoff *);

#endif
