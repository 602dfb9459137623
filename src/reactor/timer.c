/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "timer.h"

void
timer_init(struct timer *timer)
{
	list_init(&timer->link);
	timer->due = TIMER_NEVER;
}

void
timer_queue_init(
    struct timer_queue *queue, uint64_t span, void (*expired)(struct timer *))
{
	list_init(&queue->timers);
	queue->span = span;
	queue->expired = expired;
}

void
timer_arm(struct timer_queue *queue, struct timer *timer, uint64_t now)
{
	list_remove(&timer->link);
	/* A span of 0 is queued too: its owners can still be visited. */
	timer->due = queue->span == 0 ? TIMER_NEVER : now + queue->span;
	list_append(&queue->timers, &timer->link);
}

void
timer_disarm(struct timer *timer)
{
	list_remove(&timer->link);
}

void
timer_queue_expire(struct timer_queue *queue, uint64_t now, unsigned most)
{
	struct list *link;
	while (most-- > 0 && (link = list_first(&queue->timers)) != NULL) {
		struct timer *timer = LIST_OWNER(link, struct timer, link);
		if (timer->due > now)
			return;
		timer_disarm(timer);
		queue->expired(timer);
	}
}
