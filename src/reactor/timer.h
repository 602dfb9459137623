/* SPDX-License-Identifier: ISC */
/*
 * Deadlines.  The daemon has a handful of fixed spans (idle, stall, linger and
 * so on), so there is a queue for each span, and a timer that is armed goes to
 * its end: the queue is always in order, and arming costs the same however many
 * timers there are, and cannot fail.
 *
 * Deadlines are mostly put off and seldom met.  So a loop does not search its
 * queues for the next one in each turn: it remembers a time before which none
 * is due, which arming and a new span make earlier, and searches when that has
 * come.
 *
 * Times are milliseconds of sys_now, and the caller passes the current one.
 */
#ifndef TIMER_H
#define TIMER_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

/* A member of the structure that has the deadline. */
struct timer {
	struct list link;
	uint64_t due; /* only while armed */
};

struct timer_queue {
	struct list armed;               /* the first is due first */
	uint64_t span;                   /* ms; 0: its timers are never due */
	void (*expired)(struct timer *); /* called for each that is due */
	struct timers *all;              /* the set that has this queue */
	struct timer_queue *next;        /* in that set; NULL: the last */
};

/* The queues that are served together, by one thread. */
struct timers {
	uint64_t soonest;           /* no timer is due before this time */
	struct timer_queue *queues; /* in the order of timer_queue_init */
};

/* Later than any time: the result of timers_due when nothing can be due. */
#define TIMER_NEVER UINT64_MAX

void timer_init(struct timer *);

void timers_init(struct timers *);

/* Adds a queue to the set; both must live as long as either is used. */
void timer_queue_init(struct timer_queue *, struct timers *, uint64_t span,
    void (*expired)(struct timer *));

/*
 * Arms the timer for now + span, whatever it was armed for before.  For one
 * queue, now must never be less than in the call before.
 */
void timer_arm(struct timer_queue *, struct timer *, uint64_t now);

/*
 * Changes the span.  Timers that are armed keep the time since when they count:
 * each is due earlier or later by the difference, and at once if that is over.
 * From or to a span of 0 there is no such time, and they count from now on.
 */
void timer_queue_set_span(struct timer_queue *, uint64_t span, uint64_t now);

/* Changes the span; timers that are armed count from now on. */
void timer_queue_restart(struct timer_queue *, uint64_t span, uint64_t now);

static inline bool
timer_is_armed(const struct timer *timer)
{
	return !list_is_empty(&timer->link);
}

/* Does nothing to a timer that is not armed. */
void timer_disarm(struct timer *);

/*
 * When to call timers_expire next, or TIMER_NEVER.  This may be too soon, where
 * a timer was put off or disarmed since; then the call finds nothing due.
 */
static inline uint64_t
timers_due(const struct timers *timers)
{
	return timers->soonest;
}

/*
 * Disarms the timers that are due and calls expired for each, queue by queue,
 * the oldest first, and at most the given number of each queue.  Expired may
 * arm and disarm any timer.
 */
void timers_expire(struct timers *, uint64_t now, unsigned most);

#endif
