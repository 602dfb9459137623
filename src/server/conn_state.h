/* SPDX-License-Identifier: ISC */
/*
 * The state machine of a connection: its states, its events and the table of
 * transitions.  No I/O, no clock, no memory.
 *
 *   accept
 *     |-----------------------------.  from a proxy
 *     |                             v
 *     |<-------- GREETED -------- GREETING -- REFUSED, EXPIRED --> CLOSED
 *     |           DATA       The header names the client.
 *     v         .------> SENDING
 *  RECEIVING <--'-FLUSHED--'
 *     |  |
 *     |  '-- EOF ----------------> FINISHING -- FLUSHED --> DELIVERING
 *     |         The client ended it: no input is left.        ^      |
 *     |                                                       |   FLUSHED
 *     '----- REFUSED, EXPIRED ---> ENDING ----- FLUSHED       |      v
 *               We end it: send the rest, then    |           |    CLOSED
 *               FIN, then read and discard.       v           |
 *                                             LINGERING -- EOF, EXPIRED
 *
 *  EXPIRED in the other states, FAILED and EVICTED in any: CLOSED.
 *  NOTHING and MOVED never change the state.
 *
 * In GREETING the bytes in the pool are those of the header that have come.
 * None of them is ever sent, and none of the text is ever taken for them.
 *
 * In DELIVERING the kernel has all the output, and the peer has not yet
 * acknowledged it.  A close would leave that memory with the kernel, where no
 * limit of ours counts it; so the connection stays open until nothing is left.
 * Mostly that is so at once, and the state ends as soon as it is entered.
 *
 * While output is pending nothing is read.  That is the back-pressure, and
 * there is no second condition for it: what a connection waits for follows
 * from its state alone.
 */
#ifndef CONN_STATE_H
#define CONN_STATE_H

#include <stdbool.h>

/*
 * The numbers go from process to process in a hand-over: a new one comes last
 * before CLOSED, and an older version resets what is in a state that it lacks.
 */
enum conn_state {
	CONN_RECEIVING,  /* nothing to send; waits for input */
	CONN_SENDING,    /* output pending; waits until the peer takes it */
	CONN_FINISHING,  /* the client has half-closed; output may be pending */
	CONN_ENDING,     /* we end it; output may be pending */
	CONN_LINGERING,  /* our side is shut; reads and discards until EOF */
	CONN_DELIVERING, /* all is sent; the peer has not acknowledged it */
	CONN_GREETING,   /* waits for the rest of the header of a proxy */
	CONN_CLOSED,     /* over; its memory is released after the turn */
	CONN_NSTATES
};

enum conn_event {
	CONN_NOTHING, /* the kernel had nothing to give or took nothing */
	CONN_MOVED,   /* it goes on: the deadline may count anew */
	CONN_DATA,    /* the kernel did not take all of the output */
	CONN_FLUSHED, /* the kernel, or the peer, has taken all of it */
	CONN_EOF,     /* the peer sends no more */
	CONN_REFUSED, /* bytes came that are not UTF-8, or no header */
	CONN_GREETED, /* the header of a proxy is there, and has been taken */
	CONN_EXPIRED, /* the deadline of the state passed */
	CONN_EVICTED, /* the server takes its place or its memory back */
	CONN_FAILED,  /* a system call failed: mostly a reset by the peer */
	CONN_NEVENTS
};

/* True for a pair that can occur. */
bool conn_state_allows(enum conn_state, enum conn_event);

/* The next state; the pair must be allowed. */
enum conn_state conn_state_next(enum conn_state, enum conn_event);

/* Names in lower case, for the log. */
const char *conn_state_name(enum conn_state);
const char *conn_event_name(enum conn_event);

#endif
