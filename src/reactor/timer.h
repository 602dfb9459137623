/* SPDX-License-Identifier: ISC */
/*
 * Deadlines.  The daemon knows a handful of fixed spans (idle, stall, linger
 * and so on), so there is a queue for each span, and a timer that is armed
 * goes to the end of it: the queue is always in order, arming costs the same
 * however many timers there are, and cannot fail.
 *
 * A deadline is mostly put off and seldom met.  So a loop does not look through
 * its queues for the next one each time: it remembers a time before which none
 * is due, which only arming makes earlier, and looks anew when that has come.
 *
 * Times are milliseconds of sys_now.  The clock is a parameter here.
 */
#ifndef TIMER_H
#define TIMER_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

/* Belongs in the structure that has the deadline, which owns it. */
struct timer {
	struct list link;
	uint64_t due; /* only while armed */
};

struct timer_queue {
	struct list armed;               /* the first is due first */
	uint64_t span;                   /* ms; 0: its timers are never due */
	void (*expired)(struct timer *); /* who is called when one is due */
	struct timers *all;              /* the queues it is one of */
	struct timer_queue *next;        /* of those; NULL behind the last */
};

/* The queues that are served together, by one thread. */
struct timers {
	uint64_t soonest;           /* none is due before */
	struct timer_queue *queues; /* in the order of timer_queue_init */
};

/* No time at all: the result of timers_due when no timer is armed. */
#define TIMER_NEVER UINT64_MAX

void timer_init(struct timer *);

void timers_init(struct timers *);

/* Adds a queue; both must live as long as the other is used. */
void timer_queue_init(struct timer_queue *, struct timers *, uint64_t span,
    void (*expired)(struct timer *));

/*
 * Arms the timer for now + span, whatever it was armed for before.  A queue
 * must see the times of its calls grow.
 */
void timer_arm(struct timer_queue *, struct timer *, uint64_t now);

/* Changes the span, and arms anew what is armed. */
void timer_queue_set_span(struct timer_queue *, uint64_t span, uint64_t now);

static inline bool
timer_is_armed(const struct timer *timer)
{
	return !list_is_empty(&timer->link);
}

/* Harmless for a timer that is not armed. */
void timer_disarm(struct timer *);

/*
 * When to call timers_expire next, or TIMER_NEVER.  That may be too soon: for a
 * timer that was armed and then put off or disarmed, one call finds nothing.
 */
static inline uint64_t
timers_due(const struct timers *timers)
{
	return timers->soonest;
}

/*
 * Disarms the timers that are due, queue by queue and the oldest first, at
 * most the given number of each, and calls expired for each.  That may arm and
 * disarm any timer.
 */
void timers_expire(struct timers *, uint64_t now, unsigned most);

#endif
