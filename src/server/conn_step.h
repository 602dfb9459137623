/* SPDX-License-Identifier: ISC */
/*
 * The steps of a connection: what is received, converted, sent and discarded.
 * A step says what happened and changes no state; CONN_FAILED comes with the
 * errno of the call that failed.
 */
#ifndef CONN_STEP_H
#define CONN_STEP_H

#include "server/conn.h"
#include "server/conn_state.h"

/*
 * One recv, of no more than the pool has room to answer, and one send of the
 * answer.  What the kernel does not take becomes the pending output: CONN_DATA.
 * If the pool is full, other connections are evicted first.
 */
enum conn_event conn_receive(struct conn *);

/*
 * Ends the transform: an incomplete sequence at the end gets its answer.
 * CONN_FAILED, CONN_DATA or CONN_MOVED.
 */
enum conn_event conn_finish(struct conn *);

/* Sends as much pending output as the kernel takes; CONN_FLUSHED: all of it. */
enum conn_event conn_send_pending(struct conn *);

/*
 * Discards what the peer still sends after we have ended the stream.  To close
 * with input unread would make the kernel send a reset, which could overtake
 * the last bytes of our answer (RFC 1122, section 4.2.2.13).
 */
enum conn_event conn_discard(struct conn *);

/* What a call that returned -1 means: CONN_NOTHING or CONN_FAILED. */
enum conn_event conn_what_failed(void);

#endif
