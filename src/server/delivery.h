/* SPDX-License-Identifier: ISC */
/*
 * What the kernel still has to deliver of what a connection was answered, and
 * what that says of its peer.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "server/conn.h"
#include "server/conn_state.h"

#include <stddef.h>

/*
 * A connection with no more than that to answer, in bytes, is closed without
 * asking what the kernel still holds: the question is a system call.
 */
#define DELIVERY_SMALL 1024

/*
 * Counts n bytes that are answered.  Less than 1024 need not be counted once
 * conn.answered is above DELIVERY_SMALL.
 */
void delivery_note(struct conn *, size_t n);

/*
 * Stores what the kernel did not take of the n bytes in the output buffer, for
 * which the caller has made room.
 */
void delivery_store(struct conn *, size_t taken, size_t n);

/*
 * Looks what is left, and sends FIN at the first look, lest the peer wait for
 * it: CONN_FLUSHED when nothing is left, CONN_MOVED when it is to be looked at
 * again, CONN_EXPIRED when the peer takes nothing of it, CONN_FAILED with
 * errno. In a drain nobody comes any more who would have to wait for the place,
 * so the kernel may go on alone, if it gives up in time.
 */
enum conn_event delivery_look(struct conn *);

#endif
