/* SPDX-License-Identifier: ISC */
/*
 * What is kept of a connection besides, in an array beside that of the slots:
 * for the log, or since a proxy has told the address of its client.  The array
 * is there only if one of these is asked for.  The log has a line of each:
 *
 *	connection peer=192.0.2.7:40312 listener=192.0.2.1:5220 received=64
 *	sent=65 seconds=0.012 reason=ended
 *
 * all in one; "connections left-out=7" tells of lines that were too many.  The
 * peer is the client, also behind a proxy that tells its address; the listener
 * is the address that was connected to, and the reason the
 * name of the counter of that end.
 */
#ifndef RECORD_H
#define RECORD_H

#include "server/counters.h"
#include "server/handover.h"
#include "server/inventory.h"

#include <stdbool.h>
#include <stdint.h>

struct record {
	uint64_t began;          /* in ms of sys_now */
	uint64_t received, sent; /* bytes */
	union peer_address peer;
	bool is_proxied; /* that is what the header of a proxy says */
};

/* The most lines that one worker writes in a second. */
#define RECORD_LINES 1000

/* How long after the first line that is left out they are told of, in ms. */
#define RECORD_TELL_MS 1000

/* Bounds them, and counts those that are left out. */
struct record_limit {
	uint64_t since; /* when the present second began, in ms */
	unsigned n;     /* lines in it */
	uint64_t left_out;
};

/* Begins with a connection that is new at the time now. */
void record_begin(struct record *, const union peer_address *, uint64_t now);

/* The client is who the header of a proxy says. */
void record_set_client(struct record *, const union peer_address *);

/* Writes the line of a connection that has ended, if the limit allows. */
void record_log(const struct record *, struct record_limit *, int fd,
    enum counter reason, uint64_t now);

/* Writes how many were left out since the last time, if there are any. */
void record_tell(struct record_limit *);

/* To another process, and from one, which need not have had a record. */
void record_save(const struct record *, struct inventory_conn *);
void record_restore(
    struct record *, const struct inventory_conn *, int fd, uint64_t now);

#endif
