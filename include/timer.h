/* SPDX-License-Identifier: ISC */
/*
 * Deadlines.  The daemon knows a handful of fixed spans (idle, stall, linger
 * and so on), so there is a queue for each span, and a timer that is armed
 * goes to the end of it: the queue is always in order, arming costs the same
 * however many timers there are, and cannot fail.
 *
 * A deadline is mostly put off and seldom met.  So the set of queues that a
 * loop serves does not look for the next one each time: it remembers a time
 * before which none is due, which only arming makes earlier, and looks anew
 * when that time has come.
 *
 * Times are milliseconds of sys_now.  The clock is a parameter here.
 */
#ifndef TIMER_H
#define TIMER_H

#include "list.h"

#include <stdint.h>

/* Belongs in the structure that has the deadline, which owns it. */
struct timer {
	struct list link;
	uint64_t due; /* only while armed */
};

struct timer_queue {
	struct list timers;              /* the first is due first */
	uint64_t span;                   /* ms; 0: its timers are never due */
	void (*expired)(struct timer *); /* who is called when one is due */
	struct timer_set *set;
};

/* The most queues of a set. */
#define TIMER_QUEUES_MAX 8

/* The queues that are served together, by one thread. */
struct timer_set {
	uint64_t soonest; /* none is due before */
	unsigned nqueues;
	struct timer_queue *queues[TIMER_QUEUES_MAX];
};

/* No time at all: the result of timer_set_due when no timer is armed. */
#define TIMER_NEVER UINT64_MAX

void timer_init(struct timer *);

void timer_set_init(struct timer_set *);

/* Adds a queue to a set; both must live as long as the other is used. */
void timer_queue_init(struct timer_queue *, struct timer_set *, uint64_t span,
    void (*expired)(struct timer *));

/*
 * Arms the timer for now + span, whatever it was armed for before.  A queue
 * must see the times of its calls grow.
 */
void timer_arm(struct timer_queue *, struct timer *, uint64_t now);

/* Changes the span, and arms anew what is armed. */
void timer_queue_set_span(struct timer_queue *, uint64_t span, uint64_t now);

/* Harmless for a timer that is not armed. */
void timer_disarm(struct timer *);

/*
 * When to call timer_set_expire next, or TIMER_NEVER: not later than the next
 * timer is due, and before that at most once for each time it was put off.
 */
static inline uint64_t
timer_set_due(const struct timer_set *set)
{
	return set->soonest;
}

/*
 * Disarms the timers that are due, queue by queue and the oldest first, at
 * most the given number of each, and calls expired for each.  That may arm and
 * disarm any timer.
 */
void timer_set_expire(struct timer_set *, uint64_t now, unsigned most);

#endif
