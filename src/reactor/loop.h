/* SPDX-License-Identifier: ISC */
/*
 * The loop waits for descriptors and deadlines and calls their owners; it does
 * not know what they are for.
 *
 * Two rules keep its callers safe.  Within a turn a watch is called at most
 * once, and not at all once it wants nothing.  And nothing that is watched is
 * closed or freed inside a turn: loop_unwatch first, close and free when
 * loop_turn has returned.  So no event can reach a stranger that got the same
 * descriptor number or the same memory.  (An owner
 * that keeps the watch and can cope with spurious events may close at once.)
 */
#ifndef LOOP_H
#define LOOP_H

#include "reactor/poller.h"
#include "reactor/timer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A member of the structure that owns the descriptor. */
struct watch {
	void (*ready)(struct watch *);
	int fd;
	uint8_t wants; /* enum poller_interest; changed by the loop alone */
};

/*
 * How many turns were how long, and in how many there was how much to do.  A
 * place has those from half of its bound on: place i the lengths below 2^i ms,
 * or the numbers up to 2^(i-1) and 0 first.  The last place has all that are
 * more.  Of what nearly all turns are there is no count, so that it costs
 * nothing; loop_lengths and loop_readies work it out.
 */
#define LOOP_LENGTHS 16
#define LOOP_READIES 13

struct loop_histogram {
	size_t counts[LOOP_LENGTHS];
	size_t sum;
};

/*
 * A loop belongs to one thread.  The fields are private; they stand here so
 * that the functions called for each message can be inline.
 */
struct loop {
	struct poller *poller;
	uint64_t now;
	bool pays;          /* the last wait was no longer than busy_poll */
	bool is_special;    /* a wait does more than to wait */
	uint32_t busy_poll; /* microseconds; 0: sleep at once */
	void (*active)(void *arg);
	void *active_arg;
	atomic_size_t turns, longest;
	atomic_size_t lengths[LOOP_LENGTHS], lengths_sum;
	atomic_size_t readies[LOOP_READIES], readies_sum;
	struct timers timers;
	void *ready[POLLER_BATCH];
};

/* Opens a loop on a back end of poller_open, with its errors. */
struct loop *loop_open(const char *backend);
void loop_close(struct loop *);

/* The name of the back end. */
const char *loop_backend(const struct loop *);

/* When the wait of the present turn ended, in milliseconds of sys_now. */
static inline uint64_t
loop_now(const struct loop *loop)
{
	return loop->now;
}

/*
 * Makes it that time, which sys_now returned, for who uses the loop between its
 * turns.
 */
void loop_catch_up(struct loop *, uint64_t now);

/*
 * For any thread: how many turns there have been, and how long the longest one
 * took, in ms, from the end of a wait to the beginning of the next one.  A turn
 * after which no deadline is waited for, and in which little was ready, is not
 * measured, since the clock is not read then.
 */
size_t loop_turns(const struct loop *);
size_t loop_longest(const struct loop *);

/*
 * Adds, also from another thread, how long the turns were, in ms, of which 0 is
 * less than 1; and how many descriptors were ready in them.
 */
void loop_lengths(const struct loop *, struct loop_histogram *);
void loop_readies(const struct loop *, struct loop_histogram *);

/* The deadlines that the loop serves: for timer_queue_init. */
static inline struct timers *
loop_timers(struct loop *loop)
{
	return &loop->timers;
}

/* Prepares a watch that wants nothing. */
void watch_init(struct watch *, int fd, void (*ready)(struct watch *));

/* Says what is wanted of the descriptor from now on; poller_set's errors. */
int loop_watch(struct loop *, struct watch *, enum poller_interest wants);

/* Ends the interest for good.  Close the descriptor after the turn. */
void loop_unwatch(struct loop *, struct watch *);

/*
 * Lets each wait ask again and again what is ready, for at most the given
 * microseconds, before it sleeps: this spares the time in which a sleeping
 * processor wakes up.  It does so only while that pays, which is when the wait
 * before took no longer than that.  With 0, the default, it sleeps at once.
 */
void loop_set_busy_poll(struct loop *, uint32_t us);

/*
 * Calls active once, in the next turn in which a descriptor is ready, before
 * any of their owners is called.  This is for what rests while the loop does:
 * it costs nothing in any other turn, unlike a deadline, for which a loop that
 * has nothing to do would have to wake up.  NULL takes it back.
 */
void loop_on_activity(struct loop *, void (*active)(void *arg), void *arg);

/*
 * One turn: waits for the first event or deadline, then calls the owners of
 * what is ready, then of what is due.  Returns -1 with errno when the wait
 * failed; deadlines are served all the same.
 */
int loop_turn(struct loop *);

/*
 * The same, but a wait that fails is logged, and followed by a sleep of a
 * second: a server must go on, but must not spin.
 */
int loop_turn_or_pause(struct loop *);

/* A turn that waits for no longer than the given milliseconds. */
int loop_turn_within(struct loop *, unsigned ms);

#endif
