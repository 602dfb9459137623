/* SPDX-License-Identifier: ISC */
/*
 * The state machine of a connection: its states, its events and the table of
 * transitions.  No I/O, no clock, no memory.
 *
 *   accept
 *     |           DATA
 *     v         .------> SENDING
 *  RECEIVING <--'-FLUSHED--'
 *     |  |
 *     |  '-- EOF ----------------> FINISHING -- FLUSHED --> DELIVERING
 *     |         The client ended it: nothing can overtake.    ^      |
 *     |                                                       |   FLUSHED
 *     '----- REFUSED, EXPIRED ---> ENDING ----- FLUSHED       |      v
 *               We end it: send the rest, then    |           |    CLOSED
 *               FIN, then read and discard.       v           |
 *                                             LINGERING -- EOF, EXPIRED
 *
 *  EXPIRED in the other states, FAILED and EVICTED in any: CLOSED.
 *  NOTHING and MOVED never change the state.
 *
 * In DELIVERING all is with the kernel, and the peer has not acknowledged it
 * yet.  A connection that is closed leaves that behind, where no count of ours
 * would show it; so it stays open until then.  Mostly nothing is left, and the
 * state is over as soon as it is entered.
 *
 * While output is pending nothing is read.  That is the back-pressure, and
 * there is no second condition for it: what a connection waits for follows
 * from its state alone.
 */
#ifndef CONN_STATE_H
#define CONN_STATE_H

#include <stdbool.h>

enum conn_state {
	CONN_RECEIVING,  /* nothing to send; waits for input */
	CONN_SENDING,    /* output pending; waits until the peer takes it */
	CONN_FINISHING,  /* the client has half-closed; output may be pending */
	CONN_ENDING,     /* we end it; output may be pending */
	CONN_LINGERING,  /* our side is shut; reads and discards until EOF */
	CONN_DELIVERING, /* the kernel still has what it has to deliver */
	CONN_CLOSED,     /* over; its memory is released after the turn */
	CONN_NSTATES
};

enum conn_event {
	CONN_NOTHING, /* the kernel had nothing to give or took nothing */
	CONN_MOVED,   /* it goes on: its deadline counts from now */
	CONN_DATA,    /* output was left over */
	CONN_FLUSHED, /* the last was taken: by the kernel, or by the peer */
	CONN_EOF,     /* the peer sends no more */
	CONN_REFUSED, /* the bytes that came next are not UTF-8 */
	CONN_EXPIRED, /* the deadline of the state passed */
	CONN_EVICTED, /* the server takes its place or its memory back */
	CONN_FAILED,  /* a system call failed: mostly a reset by the peer */
	CONN_NEVENTS
};

/* True for a pair that can occur. */
bool conn_state_allows(enum conn_state, enum conn_event);

/* The next state; the pair must be one that can occur. */
enum conn_state conn_state_next(enum conn_state, enum conn_event);

/* Names in lower case, for the log. */
const char *conn_state_name(enum conn_state);
const char *conn_event_name(enum conn_event);

#endif
