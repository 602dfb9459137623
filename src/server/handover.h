/* SPDX-License-Identifier: ISC */
/*
 * Sockets on their way from the thread that accepts to one that serves: a ring
 * with one writer and one reader.  It has as many places as there can be on
 * their way, so handing over cannot fail, and needs no lock.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The address of a peer. */
union peer_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

/* A socket on its way.  Whoever has this owns it. */
struct handoff {
	int fd;
	uint8_t service; /* enum service_number: what is done with it */
	bool is_proxied; /* a header is to come: see listener.h */
	uint32_t source; /* that it is counted for: sources.h */
	/* As accept gave it, only where records are kept; it is the last. */
	union peer_address peer;
};

struct handover {
	unsigned char *places;
	size_t size;
	size_t stride;              /* bytes of a place */
	atomic_size_t nput, ntaken; /* since the start */
};

/*
 * Takes memory for at least size places, which have room for the address of the
 * peer or not: -1 with ENOMEM.
 */
int handover_open(struct handover *, size_t size, bool has_peers);
void handover_close(struct handover *);

/* How many bytes handover_open takes for that. */
size_t handover_memory(size_t size, bool has_peers);

/* For the writer; no more than size may be on their way. */
void handover_put(struct handover *, const struct handoff *);

/* For the reader: takes the next one; false if there is none. */
bool handover_take(struct handover *, struct handoff *);

#endif
