/* SPDX-License-Identifier: ISC */
/*
 * Deadlines.  The daemon knows a handful of fixed spans (idle, stall, linger
 * and so on), so there is a queue for each span, and a timer that is armed
 * goes to the end of it: the queue is always in order, arming costs the same
 * however many timers there are, and cannot fail.
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
};

/* No time at all: the result of timer_queue_due for an empty queue. */
#define TIMER_NEVER UINT64_MAX

void timer_init(struct timer *);
void timer_queue_init(
    struct timer_queue *, uint64_t span, void (*expired)(struct timer *));

/*
 * Arms the timer for now + span, whatever it was armed for before.  A queue
 * must see the times of its calls grow.
 */
void timer_arm(struct timer_queue *, struct timer *, uint64_t now);

/* Harmless for a timer that is not armed. */
void timer_disarm(struct timer *);

/* When the next timer is due, or TIMER_NEVER. */
static inline uint64_t
timer_queue_due(const struct timer_queue *queue)
{
	struct list *link = list_first(&queue->timers);
	if (link == NULL)
		return TIMER_NEVER;
	return LIST_OWNER(link, struct timer, link)->due;
}

/*
 * Disarms the timers that are due, the oldest first, at most the given
 * number, and calls expired for each.  That may arm and disarm any timer.
 */
void timer_queue_expire(struct timer_queue *, uint64_t now, unsigned most);

#endif
