/* SPDX-License-Identifier: ISC */
/*
 * One connection: what it does in each state.  The states and transitions are
 * in conn_state.h, what the connections of a worker share is in conns.h.
 */
#ifndef CONN_H
#define CONN_H

#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/conn_state.h"
#include "server/counters.h"
#include "server/pool.h"
#include "upcase/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct conns;

/* The size of a cache line, in bytes, on most machines. */
#define CONN_ALIGNMENT 64

/* What the kernel holds of an answer that the peer has not acknowledged. */
struct conn_held {
	uint32_t left;       /* bytes, when the peer had last taken enough */
	uint32_t since : 30; /* when that was: loop_now modulo CONN_TIME */
	uint32_t nlooks : 2; /* looks since the first, up to the most */
};

/* More ms than the longest span. */
#define CONN_TIME (UINT32_C(1) << 30)

/* One cache line: it has no buffer of its own, no address and no strings. */
struct conn {
	struct watch watch;
	struct timer timer; /* its deadline; when closed, its link in a list */
	struct conns *conns;
	union {
		struct block *pending; /* output that the kernel did not take */

		struct conn_held held; /* only while DELIVERING */
	};
	struct upcase_stream upcase;
	uint8_t state;          /* enum conn_state */
	uint16_t cause : 4;     /* enum counter: why it ends, once it does */
	uint16_t reads : 1;     /* it has taken output that had been pending */
	uint16_t answered : 11; /* how much was, see delivery_note */
};

/*
 * Starts to serve the socket, which the connection owns from now on; it owes if
 * it was sent answers before.  Returns -1 with the poller's errno; then the
 * socket is still the caller's.
 */
int conn_start(struct conn *, struct conns *, int fd, bool owes);

/* Resets the connection and counts it under the given cause. */
void conn_evict(struct conn *, enum counter cause);

/* For the queues of deadlines: the deadline of the state has passed. */
void conn_expired(struct timer *);

#endif
