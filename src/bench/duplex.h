/* SPDX-License-Identifier: ISC */
/*
 * A socket that is waited for in both directions at once.
 *
 * The poller wants a descriptor for input or for output, never for both: a
 * server needs no more.  A client that sends while it waits for answers does,
 * since a server may read no more before its answers are taken, or may not
 * answer before it has read more.  So output is waited for on a duplicate of
 * the descriptor, which is made when it is first needed: by those that send
 * more than the kernel takes at once, and by no others.
 */
#ifndef DUPLEX_H
#define DUPLEX_H

#include "reactor/poller.h"

/* What the poller knows: the owner of an event. */
struct side {
	struct duplex *duplex;
	int fd; /* -1: none */
	enum poller_interest wants;
};

struct duplex {
	struct side reader, writer;
};

void duplex_init(struct duplex *);

/* Takes a socket over. */
void duplex_open(struct duplex *, int fd);

/*
 * Says what is waited for from now on: on the reader for anything, which is
 * output while it connects, and on the writer for output or nothing.  Returns
 * -1 with the errno of poller_set or fcntl.
 */
int duplex_want(struct duplex *, struct poller *, enum poller_interest reader,
    enum poller_interest writer);

/* Harmless without a socket. */
void duplex_close(struct duplex *, struct poller *);

#endif
