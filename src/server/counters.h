/* SPDX-License-Identifier: ISC */
/*
 * Counters: counters.def says what is counted.  Each set has one writer, and
 * any thread may read it.  They have the native width of the machine, so on a
 * 32-bit machine the counts of bytes start again at 4 GiB.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>

enum counter {
#define COUNTER(id, name, metric, help) COUNTER_##id,
#include "server/counters.def"
#undef COUNTER
	NCOUNTERS
};

struct counters {
	atomic_size_t values[NCOUNTERS];
};

/* Adds to one; only for the writer. */
static inline void
counters_add(struct counters *counters, enum counter counter, size_t n)
{
	atomic_size_t *value = &counters->values[counter];
	/* The only writer needs no locked instruction. */
	size_t old = atomic_load_explicit(value, memory_order_relaxed);
	atomic_store_explicit(value, old + n, memory_order_relaxed);
}

/* What one has come to. */
static inline size_t
counters_value(const struct counters *counters, enum counter counter)
{
	return atomic_load_explicit(
	    &counters->values[counter], memory_order_relaxed);
}

/* Adds all values to totals. */
void counters_sum(const struct counters *, size_t totals[static NCOUNTERS]);

/* The row of each in counters.def. */
struct counter_row {
	const char *name;   /* in the log */
	const char *metric; /* its name as a metric, with the unit */
	const char *help;   /* one sentence */
};

extern const struct counter_row counter_rows[NCOUNTERS];

#endif
