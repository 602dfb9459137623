/* SPDX-License-Identifier: ISC */
/*
 * A socket that is waited for in both directions at once.
 *
 * A watch is for input or for output, never for both: a server needs no more.
 * A client that sends while it waits for answers does, since a server may read
 * no more before its answers are taken, or may not answer before it has read
 * more.  So output has a watch of its own, on a duplicate of the descriptor,
 * which is made when it is first needed: by those that send more than the
 * kernel takes at once, and by no others.
 *
 * The next socket may be opened in the turn in which the last was closed.  An
 * event of the last may then reach the watches of the next, where it is
 * spurious.
 */
#ifndef DUPLEX_H
#define DUPLEX_H

#include "reactor/loop.h"

struct duplex {
	struct watch reader, writer; /* a descriptor of -1: there is none */
};

/* Says what is called when there is input, and when there is room. */
void duplex_init(struct duplex *, void (*readable)(struct watch *),
    void (*writable)(struct watch *));

/* Takes a socket over. */
void duplex_open(struct duplex *, int fd);

/*
 * Says what is waited for from now on: on the reader for anything, which is
 * output while it connects, and on the writer for output or nothing.  Returns
 * -1 with the errno of loop_watch or fcntl.
 */
int duplex_want(struct duplex *, struct loop *, enum poller_interest reader,
    enum poller_interest writer);

/* Harmless without a socket. */
void duplex_close(struct duplex *, struct loop *);

#endif
