/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/timer.h"

#include "base/owner.h"

#include <stddef.h>

void
timer_init(struct timer *timer)
{
	list_init(&timer->link);
	timer->due = TIMER_NEVER;
}

void
timers_init(struct timers *timers)
{
	timers->soonest = TIMER_NEVER;
	timers->queues = NULL;
}

void
timer_queue_init(struct timer_queue *queue, struct timers *timers,
    uint64_t span, void (*expired)(struct timer *))
{
	list_init(&queue->armed);
	queue->span = span;
	queue->expired = expired;
	queue->all = timers;
	queue->next = NULL;
	struct timer_queue **last = &timers->queues;
	while (*last != NULL)
		last = &(*last)->next;
	*last = queue;
}

/* Sets when the timer is due that counts from the given time. */
static void
set_due(struct timer_queue *queue, struct timer *timer, uint64_t since)
{
	timer->due = queue->span == 0 ? TIMER_NEVER : since + queue->span;
	if (timer->due < queue->all->soonest)
		queue->all->soonest = timer->due;
}

void
timer_arm(struct timer_queue *queue, struct timer *timer, uint64_t now)
{
	list_remove(&timer->link);
	/* With a span of 0 too, so that timer_queue_set_span can find it. */
	list_append(&queue->armed, &timer->link);
	set_due(queue, timer, now);
}

void
timer_queue_set_span(struct timer_queue *queue, uint64_t span, uint64_t now)
{
	uint64_t before = queue->span;
	if (before == 0 || span == 0) {
		timer_queue_restart(queue, span, now);
		return;
	}
	/* All move by the same, so the queue stays in order. */
	queue->span = span;
	for (struct list *link = queue->armed.next; link != &queue->armed;
	     link = link->next) {
		struct timer *timer = OWNER_OF(link, struct timer, link);
		set_due(queue, timer, timer->due - before);
	}
}

void
timer_queue_restart(struct timer_queue *queue, uint64_t span, uint64_t now)
{
	queue->span = span;
	for (struct list *link = queue->armed.next; link != &queue->armed;
	     link = link->next)
		set_due(queue, OWNER_OF(link, struct timer, link), now);
}

void
timer_disarm(struct timer *timer)
{
	list_remove(&timer->link);
}

static uint64_t
next_due(const struct timer_queue *queue)
{
	struct list *link = list_first(&queue->armed);
	if (link == NULL)
		return TIMER_NEVER;
	return OWNER_OF(link, struct timer, link)->due;
}

static void
expire(struct timer_queue *queue, uint64_t now, unsigned most)
{
	struct list *link;
	while (most-- > 0 && (link = list_first(&queue->armed)) != NULL) {
		struct timer *timer = OWNER_OF(link, struct timer, link);
		if (timer->due > now)
			return;
		timer_disarm(timer);
		queue->expired(timer);
	}
}

void
timers_expire(struct timers *timers, uint64_t now, unsigned most)
{
	uint64_t soonest = TIMER_NEVER;
	for (struct timer_queue *queue = timers->queues; queue != NULL;
	     queue = queue->next)
		expire(queue, now, most);
	/* The callbacks may have armed timers of any queue. */
	for (const struct timer_queue *queue = timers->queues; queue != NULL;
	     queue = queue->next) {
		uint64_t due = next_due(queue);
		if (due < soonest)
			soonest = due;
	}
	timers->soonest = soonest;
}
