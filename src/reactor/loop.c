/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "loop.h"

#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Deadlines served in one turn for each queue: input must get its turn too. */
enum { EXPIRED_A_TURN = 256 };

struct loop {
	struct poller *poller;
	uint64_t now;
	struct timer_queue *queues[LOOP_QUEUES_MAX];
	unsigned nqueues;
	void *ready[POLLER_BATCH];
};

struct loop *
loop_open(const char *backend)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (loop == NULL)
		return NULL;
	loop->poller = poller_open(backend);
	if (loop->poller == NULL) {
		int saved = errno;
		free(loop);
		errno = saved;
		return NULL;
	}
	loop->now = sys_now();
	return loop;
}

void
loop_close(struct loop *loop)
{
	if (loop == NULL)
		return;
	poller_close(loop->poller);
	free(loop);
}

const char *
loop_backend(const struct loop *loop)
{
	return poller_name(loop->poller);
}

uint64_t
loop_now(const struct loop *loop)
{
	return loop->now;
}

void
watch_init(struct watch *watch, int fd, void (*ready)(struct watch *))
{
	watch->ready = ready;
	watch->fd = fd;
	watch->wants = POLLER_NOTHING;
}

int
loop_watch(struct loop *loop, struct watch *watch, enum poller_interest wants)
{
	if (watch->wants == wants)
		return 0;
	if (poller_set(loop->poller, watch->fd,
		(enum poller_interest)watch->wants, wants, watch) == -1)
		return -1;
	watch->wants = (uint8_t)wants;
	return 0;
}

void
loop_unwatch(struct loop *loop, struct watch *watch)
{
	poller_forget(
	    loop->poller, watch->fd, (enum poller_interest)watch->wants);
	watch->wants = POLLER_NOTHING;
}

void
loop_add_queue(struct loop *loop, struct timer_queue *queue)
{
	assert(loop->nqueues < LOOP_QUEUES_MAX);
	loop->queues[loop->nqueues++] = queue;
}

/* Milliseconds to the next deadline, in the form that poller_wait takes. */
static int
time_left(const struct loop *loop)
{
	uint64_t due = TIMER_NEVER;
	for (unsigned i = 0; i < loop->nqueues; i++) {
		uint64_t queue_due = timer_queue_due(loop->queues[i]);
		if (queue_due < due)
			due = queue_due;
	}
	if (due == TIMER_NEVER)
		return -1;
	/* The work of the last turn has taken time: the clock is read anew. */
	uint64_t now = sys_now();
	if (due <= now)
		return 0;
	return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

int
loop_turn(struct loop *loop)
{
	int n = poller_wait(
	    loop->poller, loop->ready, POLLER_BATCH, time_left(loop));
	int saved = errno;
	loop->now = sys_now();
	for (int i = 0; i < n; i++) {
		struct watch *watch = loop->ready[i];
		/* An earlier call of this turn may have ended the interest. */
		if (watch->wants != POLLER_NOTHING)
			watch->ready(watch);
	}
	for (unsigned i = 0; i < loop->nqueues; i++)
		timer_queue_expire(loop->queues[i], loop->now, EXPIRED_A_TURN);
	errno = saved;
	return n == -1 ? -1 : 0;
}
