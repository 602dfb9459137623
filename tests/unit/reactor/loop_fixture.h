/* SPDX-License-Identifier: ISC */
/* A loop over one of the back ends, and what it has to watch. */
#ifndef LOOP_FIXTURE_H
#define LOOP_FIXTURE_H

#include "reactor/loop.h"
#include "unit/backends.h"

#include <check.h>

/* A connected socket, what happens to it, and what its callback shall do. */
struct side {
	struct watch watch;
	int peer;
	int ncalls;
	void (*act)(struct side *);
	struct side *other;
	struct timer timer;
	uint64_t expired_at;
	unsigned order;
};

extern struct loop *loop;

/* The side that was called last, and how many deadlines have passed. */
extern struct side *latest;
extern unsigned nexpired;

/* Opens the loop over the back end of that number. */
void open_loop(int);

/* Opens a side with room for output, and with input. */
void side_open(struct side *, void (*act)(struct side *));
void side_watch(struct side *, enum poller_interest);
void side_close(struct side *);

/* The callback of the queues: notes the time and the order, then acts. */
void expired(struct timer *);

/* Adds a queue of the span in ms, and arms the timer of the side in it. */
void arm(struct timer_queue *, uint64_t span, struct side *);

/* One turn of the loop, which must not fail. */
void turn(void);

#endif
