/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/loop.h"

#include "base/log.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/*
 * The most deadlines of a queue served in one turn: input waits meanwhile. When
 * 65,536 idle connections expire together, it waits for 512 system calls at a
 * time, and not for 131,072.
 */
enum { EXPIRED_A_TURN = 256 };

/* Inside of turn_until, what is rare would cost all turns more registers. */
#define NEVER_INLINE __attribute__((noinline))

/*
 * A turn with more events than that is worth a look at the clock of its own.
 * One with fewer takes less than a millisecond or two, unless the system does
 * not let the thread run.
 */
enum { FEW_EVENTS = 8 };

/* How long to sleep, in ms, when waiting for events failed: it is logged. */
enum { PAUSE_MS = 1000 };

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
	timers_init(&loop->timers);
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

void
loop_catch_up(struct loop *loop, uint64_t now)
{
	loop->now = now;
}

const char *
loop_backend(const struct loop *loop)
{
	return poller_name(loop->poller);
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

size_t
loop_turns(const struct loop *loop)
{
	return atomic_load_explicit(&loop->turns, memory_order_relaxed);
}

size_t
loop_longest(const struct loop *loop)
{
	return atomic_load_explicit(&loop->longest, memory_order_relaxed);
}

/* The only writer needs no locked instruction. */
static void
add(atomic_size_t *value, size_t n)
{
	size_t old = atomic_load_explicit(value, memory_order_relaxed);
	atomic_store_explicit(value, old + n, memory_order_relaxed);
}

/* How many binary digits a number has, and at most one less than given. */
static unsigned
digits(size_t n, unsigned places)
{
	unsigned i = 0;
	for (; n > 0 && i < places - 1; n >>= 1)
		i++;
	return i;
}

static NEVER_INLINE void
note_long(struct loop *loop, size_t length)
{
	add(&loop->lengths[digits(length, LOOP_LENGTHS)], 1);
	add(&loop->lengths_sum, length);
	if (length > atomic_load_explicit(&loop->longest, memory_order_relaxed))
		atomic_store_explicit(
		    &loop->longest, length, memory_order_relaxed);
}

/* The turn that began at loop->now has come to its end. */
static inline void
note_length(struct loop *loop, uint64_t now)
{
	/* Nearly all take less than a millisecond. */
	if (now != loop->now)
		note_long(loop, (size_t)(now - loop->now));
}

/* To be called where not just one was ready, as nearly always. */
static NEVER_INLINE void
note_ready(struct loop *loop, size_t n)
{
	size_t place = n == 0 ? 0 : 1 + digits(n - 1, LOOP_READIES - 1);
	add(&loop->readies[place], 1);
	add(&loop->readies_sum, n);
}

/* Adds what was counted; what the turns have more belongs in one place. */
static size_t
add_counts(const atomic_size_t *counts, size_t n, size_t turns, size_t place,
    struct loop_histogram *histogram)
{
	size_t rest = turns;
	for (size_t i = 0; i < n; i++) {
		size_t count =
		    atomic_load_explicit(&counts[i], memory_order_relaxed);
		histogram->counts[i] += count;
		/* Another thread may have counted what it has not done yet. */
		rest -= count < rest ? count : rest;
	}
	histogram->counts[place] += rest;
	return rest;
}

void
loop_lengths(const struct loop *loop, struct loop_histogram *histogram)
{
	(void)add_counts(
	    loop->lengths, LOOP_LENGTHS, loop_turns(loop), 0, histogram);
	histogram->sum +=
	    atomic_load_explicit(&loop->lengths_sum, memory_order_relaxed);
}

void
loop_readies(const struct loop *loop, struct loop_histogram *histogram)
{
	histogram->sum += add_counts(
	    loop->readies, LOOP_READIES, loop_turns(loop), 1, histogram);
	histogram->sum +=
	    atomic_load_explicit(&loop->readies_sum, memory_order_relaxed);
}

/*
 * Looks at the clock if the last turn had more than a few events: then the
 * poller has filled a place behind theirs, which is emptied for the next one.
 */
static void
note_many(struct loop *loop)
{
	if (loop->ready[FEW_EVENTS] == NULL)
		return;
	loop->ready[FEW_EVENTS] = NULL;
	note_length(loop, sys_now());
}

/* Milliseconds from now to a deadline, in the form that poller_wait takes. */
static int
time_between(uint64_t now, uint64_t due)
{
	uint64_t left = due - now;
	if (due <= now)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static int
time_left(uint64_t due)
{
	return due == TIMER_NEVER ? -1 : time_between(sys_now(), due);
}

/*
 * The same when a turn is over.  Its work has taken time: the clock is read
 * anew, which shows how much, too.
 */
static int
time_left_after(struct loop *loop, uint64_t due)
{
	if (due == TIMER_NEVER) {
		note_many(loop);
		return -1;
	}
	uint64_t now = sys_now();
	note_length(loop, now);
	return time_between(now, due);
}

static void
note_special(struct loop *loop)
{
	loop->is_special = loop->busy_poll > 0 || loop->active != NULL;
}

void
loop_set_busy_poll(struct loop *loop, uint32_t us)
{
	loop->busy_poll = us;
	note_special(loop);
}

void
loop_on_activity(struct loop *loop, void (*active)(void *arg), void *arg)
{
	loop->active = active;
	loop->active_arg = arg;
	note_special(loop);
}

static int
wait_for_events(struct loop *loop, int timeout_ms)
{
	return poller_wait(loop->poller, loop->ready, POLLER_BATCH, timeout_ms);
}

/* Waits for events; while it pays, asks for busy_poll us before it sleeps. */
static int
poll_busily(struct loop *loop, uint64_t due, int left)
{
	uint64_t start = sys_now_us();
	uint64_t waited = 0;
	int n = 0;
	while (n == 0 && left != 0 && loop->pays && waited < loop->busy_poll) {
		n = wait_for_events(loop, 0);
		waited = sys_now_us() - start;
		left = time_left(due);
	}
	if (n == 0) {
		n = wait_for_events(loop, left);
		waited = sys_now_us() - start;
	}
	loop->pays = n > 0 && waited <= loop->busy_poll;
	return n;
}

/* The waits that are more than one call. */
static NEVER_INLINE int
wait_specially(struct loop *loop, uint64_t due, int left)
{
	int n = loop->busy_poll > 0 ? poll_busily(loop, due, left)
				    : wait_for_events(loop, left);
	if (n > 0 && loop->active != NULL) {
		void (*active)(void *arg) = loop->active;
		void *arg = loop->active_arg;
		loop_on_activity(loop, NULL, NULL);
		loop->now = sys_now();
		active(arg);
	}
	return n;
}

/* Serves what is due, which may take long. */
static void
expire(struct loop *loop)
{
	timers_expire(&loop->timers, loop->now, EXPIRED_A_TURN);
	if (timers_due(&loop->timers) == TIMER_NEVER)
		note_length(loop, sys_now());
}

static void
count_turn(struct loop *loop)
{
	add(&loop->turns, 1);
}

/* What a turn does whose wait failed; -1 with the errno of that. */
static NEVER_INLINE int
fail(struct loop *loop, uint64_t due)
{
	int error = errno;
	loop->now = sys_now();
	count_turn(loop);
	note_ready(loop, 0);
	if (due <= loop->now)
		expire(loop);
	errno = error;
	return -1;
}

/* A turn whose wait ends at the latest when that is due, in ms. */
static int
turn_until(struct loop *loop, uint64_t due)
{
	int left = time_left_after(loop, due);
	int n = loop->is_special ? wait_specially(loop, due, left)
				 : wait_for_events(loop, left);
	if (n == -1)
		return fail(loop, due);
	void **end = loop->ready + n;
	loop->now = sys_now();
	count_turn(loop);
	for (void **ready = loop->ready; ready < end; ready++) {
		struct watch *watch = *ready;
		/* An earlier callback of this turn may have ended it. */
		if (watch->wants != POLLER_NOTHING)
			watch->ready(watch);
	}
	if (end != loop->ready + 1)
		note_ready(loop, (size_t)(end - loop->ready));
	/* What the callbacks armed cannot be due yet. */
	if (due <= loop->now)
		expire(loop);
	return 0;
}

int
loop_turn(struct loop *loop)
{
	return turn_until(loop, timers_due(&loop->timers));
}

int
loop_turn_within(struct loop *loop, unsigned ms)
{
	uint64_t due = timers_due(&loop->timers);
	uint64_t latest = sys_now() + ms;
	return turn_until(loop, latest < due ? latest : due);
}

int
loop_turn_or_pause(struct loop *loop)
{
	if (loop_turn(loop) == 0)
		return 0;
	log_warn("cannot wait for connections");
	sys_sleep(PAUSE_MS);
	return -1;
}
