/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/conn_machine.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "server/conn_state.h"
#include "server/conn_step.h"
#include "server/delivery.h"
#include "server/farewell.h"

#include <errno.h>
#include <stdbool.h>

_Static_assert(sizeof(struct conn) <= CONN_ALIGNMENT || sizeof(void *) > 8,
    "a connection fits in a cache line");

_Static_assert(COUNTER_FAILED < 16, "conn.cause has room for each cause");

static enum conn_event give_up(struct conn *);
static void begin_delivery(struct conn *, enum conn_event, enum conn_state);
static void send_fin(struct conn *, enum conn_event, enum conn_state);
static void end(struct conn *, enum conn_event, enum conn_state);

/* What a connection does in each state, and what it waits for there. */
static const struct behaviour {
	/* When it is ready, or its deadline has passed. */
	enum conn_event (*step)(struct conn *);
	/* Once, as it enters the state. */
	void (*enter)(struct conn *, enum conn_event, enum conn_state from);
	/* At its deadline, if a last step does nothing; NULL: it expires. */
	enum conn_event (*late)(struct conn *);

	bool begins;     /* steps on entry, which mostly ends the state */
	bool rearms;     /* CONN_MOVED makes its deadline count anew */
	bool is_decided; /* the cause of its end can change no more */
	enum poller_interest wants;
	enum shard_deadline deadline;
	enum counter cause; /* of its end, if it expires */
} behaviours[CONN_NSTATES] = {
    /* clang-format off */
	[CONN_RECEIVING] = {
		.step = conn_receive, .late = give_up, .rearms = true,
		.wants = POLLER_INPUT, .deadline = SHARD_IDLE,
		.cause = COUNTER_IDLE },
	[CONN_SENDING] = {
		.step = conn_send_pending, .rearms = true,
		.wants = POLLER_OUTPUT, .deadline = SHARD_STALL,
		.cause = COUNTER_STALLED },
	[CONN_FINISHING] = {
		.step = conn_send_pending, .begins = true, .rearms = true,
		.wants = POLLER_OUTPUT, .deadline = SHARD_STALL,
		.cause = COUNTER_STALLED },
	[CONN_ENDING] = {
		.step = conn_send_pending, .begins = true, .rearms = true,
		.wants = POLLER_OUTPUT, .deadline = SHARD_STALL,
		.cause = COUNTER_STALLED },
	[CONN_LINGERING] = {
		.step = conn_discard, .enter = send_fin, .is_decided = true,
		.wants = POLLER_INPUT, .deadline = SHARD_LINGER },
	/* No system says when all has arrived, so we ask from time to time. */
	[CONN_DELIVERING] = {
		.step = delivery_look, .enter = begin_delivery,
		.begins = true, .rearms = true,
		.wants = POLLER_NOTHING, .deadline = SHARD_LOOK,
		.cause = COUNTER_STALLED },
	[CONN_CLOSED] = {
		.enter = end, .wants = POLLER_NOTHING },
    /* clang-format on */
};

/* Ends the stream as if the peer had, but the peer may still be sending. */
static enum conn_event
give_up(struct conn *conn)
{
	return conn_finish(conn) == CONN_FAILED ? CONN_FAILED : CONN_EXPIRED;
}

static void
begin_delivery(struct conn *conn, enum conn_event event, enum conn_state from)
{
	(void)event, (void)from;
	conn->held = (struct conn_held){0};
}

/* If this fails, the peer is gone, and the next recv says so. */
static void
send_fin(struct conn *conn, enum conn_event event, enum conn_state from)
{
	(void)event, (void)from;
	(void)sys_shutdown(conn->watch.fd);
}

/* What has to be done once, when a connection is closed. */
static void
end(struct conn *conn, enum conn_event event, enum conn_state from)
{
	struct shard *shard = conn->shard;
	/*
	 * If a part of the answer is missing, a plain close would tell the peer
	 * that it is whole.  And if the peer does not read, the kernel would go
	 * on holding the rest, where no limit of ours counts it.
	 */
	if (event != CONN_FLUSHED)
		(void)sys_set_reset(conn->watch.fd);
	if (from != CONN_DELIVERING)
		pool_release(&shard->pool, conn->pending);
	conn->pending = NULL;
	counters_add(shard->counters, (enum counter)conn->cause, 1);
}

/*
 * The cause of the end towards which the event moves the connection.  A timeout
 * of the kernel is a stall as well: it can come before ours, which begins anew
 * when the kernel takes output, although the peer takes none.
 */
static enum counter
cause_of(const struct conn *conn, enum conn_event event)
{
	const struct behaviour *behaviour = &behaviours[conn->state];
	if (behaviour->is_decided)
		return (enum counter)conn->cause;
	switch (event) {
	case CONN_EOF:
		/* An incomplete sequence at the end can be refused as well. */
		return upcase_stream_refused(&conn->upcase) ? COUNTER_REFUSED
							    : COUNTER_ENDED;
	case CONN_REFUSED:
		return COUNTER_REFUSED;
	case CONN_EXPIRED:
		return behaviour->cause == COUNTER_IDLE && conn->shard->draining
			   ? COUNTER_QUIET
			   : behaviour->cause;
	case CONN_FAILED:
		return errno == ETIMEDOUT ? COUNTER_STALLED : COUNTER_FAILED;
	case CONN_NOTHING:
	case CONN_MOVED:
	case CONN_DATA:
	case CONN_FLUSHED:
	case CONN_EVICTED:
	case CONN_NEVENTS:
		break;
	}
	return (enum counter)conn->cause;
}

static void
trace(const struct conn *conn, enum conn_state to, enum conn_event event)
{
	if (event == CONN_FAILED)
		log_debug_errno("conn %d", conn->watch.fd);
	log_debug("conn %d: %s -> %s (%s)", conn->watch.fd,
	    conn_state_name((enum conn_state)conn->state), conn_state_name(to),
	    conn_event_name(event));
}

/* The only place that changes the state. */
static void
enter(struct conn *conn, enum conn_event event, enum counter cause)
{
	struct shard *shard = conn->shard;
	enum conn_state from = (enum conn_state)conn->state;
	enum conn_state to = conn_state_next(from, event);
	if (to == from)
		return;
	if (log_enabled(LOG_LEVEL_DEBUG))
		trace(conn, to, event);
	if (cause != conn->cause)
		farewell_log(&shard->ends[cause], loop_now(shard->loop),
		    conn->watch.fd, cause);
	conn->cause = cause & 15;
	conn->state = (uint8_t)to;
	shard_count_state(shard, from, false);
	shard_count_state(shard, to, true);
	if (behaviours[to].enter != NULL)
		behaviours[to].enter(conn, event, from);
}

static inline void
arm(struct conn *conn, unsigned deadline)
{
	struct shard *shard = conn->shard;
	timer_arm(
	    &shard->deadlines[deadline], &conn->timer, loop_now(shard->loop));
}

/* The deadline of the state; each look waits longer than the last. */
static unsigned
deadline_of(const struct conn *conn)
{
	unsigned deadline = behaviours[conn->state].deadline;
	return deadline == SHARD_LOOK ? deadline + conn->held.nlooks : deadline;
}

/* Arms the deadline of the state anew. */
static void
rearm(struct conn *conn)
{
	arm(conn, deadline_of(conn));
}

/*
 * The poller refused.  In DELIVERING nothing is lost by that, since the kernel
 * has all the output; in any other state the connection fails.
 */
static void
cannot_wait(struct conn *conn)
{
	shard_warn(conn->shard);
	enum conn_event event =
	    conn->state == CONN_DELIVERING ? CONN_FLUSHED : CONN_FAILED;
	enter(conn, event, cause_of(conn, event));
}

/*
 * The only place that says what the connection waits for: both its interest
 * and its deadline follow from the state.
 */
static void
settle(struct conn *conn, bool is_new)
{
	struct shard *shard = conn->shard;
	const struct behaviour *behaviour = &behaviours[conn->state];
	if (conn->state != CONN_CLOSED &&
	    loop_watch(shard->loop, &conn->watch, behaviour->wants) == -1)
		cannot_wait(conn);
	if (conn->state == CONN_CLOSED) {
		loop_unwatch(shard->loop, &conn->watch);
		shard_retire(shard, conn);
	} else if (is_new) {
		rearm(conn);
	}
}

/* Applies an event, and makes further steps until the connection waits. */
static void
advance(struct conn *conn, enum conn_event event)
{
	unsigned from = conn->state, before = from;
	enter(conn, event, cause_of(conn, event));
	while (conn->state != before && behaviours[conn->state].begins) {
		before = conn->state;
		event = behaviours[before].step(conn);
		enter(conn, event, cause_of(conn, event));
	}
	bool goes_on = event == CONN_MOVED && behaviours[conn->state].rearms;
	settle(conn, conn->state != from || goes_on);
}

static inline void
be_ready(struct conn *conn)
{
	const struct behaviour *behaviour = &behaviours[conn->state];
	enum conn_event event = behaviour->step(conn);
	/* The short way of the usual message: only the deadline changes. */
	if (event == CONN_MOVED && behaviour->rearms)
		arm(conn, behaviour->deadline);
	else
		advance(conn, event);
}

static void
ready(struct watch *watch)
{
	be_ready(OWNER_OF(watch, struct conn, watch));
}

/*
 * Does what may move bytes of a connection that has a record.  They are what
 * the counters of the worker have more after it; so a connection without a
 * record pays nothing.
 */
static void
record(struct conn *conn, void (*move)(struct conn *))
{
	const struct counters *counters = conn->shard->counters;
	struct record *own = shard_record(conn->shard, conn);
	size_t received = counters_value(counters, COUNTER_RECEIVED);
	size_t sent = counters_value(counters, COUNTER_SENT);
	move(conn);
	own->received += counters_value(counters, COUNTER_RECEIVED) - received;
	own->sent += counters_value(counters, COUNTER_SENT) - sent;
}

static void
ready_recorded(struct watch *watch)
{
	record(OWNER_OF(watch, struct conn, watch), be_ready);
}

/*
 * The peer may have sent or taken something since the turn began to wait, and
 * that we are late is no reason to lose it.  So the state gets one more step,
 * and expires only if that makes no progress.
 */
static void
expire(struct conn *conn)
{
	const struct behaviour *behaviour = &behaviours[conn->state];
	enum conn_event event = behaviour->step(conn);
	if (event == CONN_NOTHING ||
	    (event == CONN_MOVED && !behaviour->rearms))
		event = behaviour->late == NULL ? CONN_EXPIRED
						: behaviour->late(conn);
	advance(conn, event);
}

void
conn_expired(struct timer *timer)
{
	struct conn *conn = OWNER_OF(timer, struct conn, timer);
	if (conn->shard->records == NULL)
		expire(conn);
	else
		record(conn, expire);
}

void
conn_evict(struct conn *conn, enum counter cause)
{
	enter(conn, CONN_EVICTED, cause);
	settle(conn, false);
}

int
conn_start(struct conn *conn, struct shard *shard, int fd)
{
	watch_init(
	    &conn->watch, fd, shard->records == NULL ? ready : ready_recorded);
	timer_init(&conn->timer);
	if (loop_watch(shard->loop, &conn->watch, POLLER_INPUT) == -1)
		return -1;
	conn->shard = shard;
	conn->pending = NULL;
	conn->answered = 0;
	conn->reads = false;
	upcase_stream_init(&conn->upcase, shard->settings->invalid);
	kernel_buffers_start(shard->settings, fd);
	conn->state = CONN_RECEIVING;
	shard_count_state(shard, CONN_RECEIVING, true);
	conn->cause = COUNTER_FAILED;
	rearm(conn);
	return 0;
}

void
conn_leave(struct conn *conn)
{
	struct shard *shard = conn->shard;
	shard_count_state(shard, (enum conn_state)conn->state, false);
	if (conn->state != CONN_DELIVERING)
		pool_release(&shard->pool, conn->pending);
	/* Its socket may have a duplicate, on its way to another process. */
	(void)loop_watch(shard->loop, &conn->watch, POLLER_NOTHING);
	shard_forget(shard, conn);
}

uint64_t
conn_began(const struct conn *conn)
{
	const struct shard *shard = conn->shard;
	const struct timer_queue *queue = &shard->deadlines[deadline_of(conn)];
	return conn->timer.due == TIMER_NEVER ? loop_now(shard->loop)
					      : conn->timer.due - queue->span;
}

int
conn_go_on(struct conn *conn, int fd, uint64_t began)
{
	struct shard *shard = conn->shard;
	watch_init(
	    &conn->watch, fd, shard->records == NULL ? ready : ready_recorded);
	timer_init(&conn->timer);
	shard_count_state(shard, (enum conn_state)conn->state, true);
	if (loop_watch(
		shard->loop, &conn->watch, behaviours[conn->state].wants) == -1)
		return -1;
	timer_arm(&shard->deadlines[deadline_of(conn)], &conn->timer, began);
	return 0;
}
