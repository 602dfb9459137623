/* SPDX-License-Identifier: ISC */
/*
 * What the kernel has yet to deliver of a connection's answers, and whether its
 * peer reads them.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "server/conn.h"
#include "server/conn_state.h"

#include <stddef.h>

/*
 * A connection whose answers are no longer than this in all, in bytes, is
 * closed without asking what the kernel still holds: one system call of 11 that
 * a short connection would take.
 */
#define DELIVERY_SMALL 1024

/*
 * Counts an answer of n bytes.  Once conn.answered is above DELIVERY_SMALL, n
 * below 1024 adds nothing, and the call can be spared.
 */
void delivery_note(struct conn *, size_t n);

/*
 * Stores what the kernel did not take of the n bytes in the output buffer, for
 * which the caller has made room.
 */
void delivery_store(struct conn *, size_t taken, size_t n);

/*
 * Asks what the kernel still holds; the first look also sends FIN, so that the
 * peer need not wait for it.  CONN_FLUSHED when nothing is left, CONN_MOVED
 * when it has to be asked again, CONN_EXPIRED when the peer took too little for
 * stall_ms, CONN_FAILED with errno.  During a drain no new client waits for the
 * place, so the rest is left to the kernel (CONN_FLUSHED), unless a stall_ms is
 * set and the kernel has no timeout of its own.
 */
enum conn_event delivery_look(struct conn *);

#endif
