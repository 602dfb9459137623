/* SPDX-License-Identifier: ISC */
/*
 * What happened, in numbers.  Each set has one writer; anyone may read.  They
 * are of the machine's native width, so on a 32-bit machine the byte counts
 * start again at 4 GiB.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>

enum counter {
	/* Connections, and why each of them ended: the sums agree. */
	COUNTER_ACCEPTED,
	COUNTER_ENDED,   /* by the client, after its whole answer */
	COUNTER_IDLE,    /* by the idle timeout */
	COUNTER_QUIET,   /* by a drain, for they were quiet */
	COUNTER_REFUSED, /* for bytes that are not UTF-8 */
	COUNTER_STALLED, /* reset: the peer took nothing in time */
	COUNTER_EVICTED, /* reset: their memory was needed */
	COUNTER_CUT,     /* reset at the end of a drain */
	COUNTER_FAILED,  /* mostly a reset by the peer */

	/* Bytes from and to clients. */
	COUNTER_RECEIVED,
	COUNTER_SENT,

	/* Troubles of the server itself. */
	COUNTER_ACCEPT_FAILURES, /* of the system, not of a peer */
	COUNTER_WAIT_FAILURES,
	COUNTER_FULL, /* how often the limit of connections was reached */

	NCOUNTERS
};

struct counters {
	atomic_size_t values[NCOUNTERS];
};

/* Only for the writer. */
static inline void
counters_add(struct counters *counters, enum counter counter, size_t n)
{
	atomic_size_t *value = &counters->values[counter];
	/* There is no other writer, so this needs no locked instruction. */
	size_t old = atomic_load_explicit(value, memory_order_relaxed);
	atomic_store_explicit(value, old + n, memory_order_relaxed);
}

/* Adds all values to totals. */
void counters_sum(const struct counters *, size_t totals[static NCOUNTERS]);

const char *counter_name(enum counter);

#endif
