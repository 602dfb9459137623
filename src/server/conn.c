/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/conn.h"

#include "base/log.h"
#include "base/sys.h"
#include "server/conns.h"
#include "server/delivery.h"
#include "server/report.h"

#include <errno.h>
#include <stdbool.h>

_Static_assert(sizeof(struct conn) <= CONN_ALIGNMENT || sizeof(void *) > 8,
    "a connection fits in a cache line");

/* Blocks of pending output that one call sends: 256 KiB. */
enum { PIECES = 16 };

static enum conn_event receive(struct conn *);
static enum conn_event send_pending(struct conn *);
static enum conn_event discard(struct conn *);
static enum conn_event deliver(struct conn *);

/*
 * What each state does when it is called, and what it waits for.  Some begin
 * with a step: mostly they are over with that.
 */
/* clang-format off */
static const struct behaviour {
	enum conn_event (*step)(struct conn *);
	bool begins;
	enum poller_interest wants;
	enum conns_deadline deadline;
} behaviours[CONN_NSTATES] = {
	[CONN_RECEIVING]  = { receive,	    false, POLLER_INPUT,   CONNS_IDLE },
	[CONN_SENDING]	  = { send_pending, false, POLLER_OUTPUT,  CONNS_STALL },
	[CONN_FINISHING]  = { send_pending, true,  POLLER_OUTPUT,  CONNS_STALL },
	[CONN_ENDING]	  = { send_pending, true,  POLLER_OUTPUT,  CONNS_STALL },
	[CONN_LINGERING]  = { discard,	    false, POLLER_INPUT,   CONNS_LINGER },
	/* No system tells when all has arrived, so it is looked at. */
	[CONN_DELIVERING] = { deliver,	    true,  POLLER_NOTHING, CONNS_LOOK },
	[CONN_CLOSED]	  = { NULL,	    false, POLLER_NOTHING, CONNS_NEVER },
};
/* clang-format on */

static void
report(const struct conn *conn, enum counter cause)
{
	struct conns *conns = conn->conns;
	report_end(
	    &conns->ends[cause], loop_now(conns->loop), conn->watch.fd, cause);
}

/*
 * What a call that returned -1 means.  A timeout of the kernel's is a stall as
 * well: its clock can run out before ours, while it still takes what the peer
 * does not.  One that lingers has been ended by us, and that stays the cause.
 */
static enum conn_event
fail(struct conn *conn)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return CONN_NOTHING;
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug_errno("conn %d", conn->watch.fd);
	if (conn->state == CONN_LINGERING)
		return CONN_FAILED;
	bool timed_out = errno == ETIMEDOUT;
	conn->cause = timed_out ? COUNTER_STALLED : COUNTER_FAILED;
	if (timed_out)
		report(conn, COUNTER_STALLED);
	return CONN_FAILED;
}

/*
 * Sends the n bytes of the output buffer at once.  What the kernel does not
 * take becomes the pending output.
 */
static enum conn_event
answer(struct conn *conn, size_t n)
{
	struct conns *conns = conn->conns;
	size_t taken = 0;
	if (n == 0)
		return CONN_MOVED;
	if (conn->answered <= DELIVERY_SMALL || n >= 1024)
		delivery_note(conn, n);
	ssize_t sent = sys_send(conn->watch.fd, conns->output, n);
	if (sent == -1 && fail(conn) == CONN_FAILED)
		return CONN_FAILED;
	if (sent > 0)
		taken = (size_t)sent;
	counters_add(conns->counters, COUNTER_SENT, taken);
	if (taken == n)
		return CONN_MOVED;
	delivery_store(conn, taken, n);
	return CONN_DATA;
}

/* Ends the transform: an incomplete sequence at the end gets its answer. */
static enum conn_event
finish_input(struct conn *conn)
{
	size_t n = upcase_stream_final(&conn->upcase, conn->conns->output);
	return answer(conn, n);
}

/* RECEIVING: one recv, and its answer. */
static enum conn_event
receive(struct conn *conn)
{
	struct conns *conns = conn->conns;
	size_t room = conns_make_room(conns);
	ssize_t got = sys_recv(conn->watch.fd, conns->input, room);
	if (got == -1)
		return fail(conn);
	if (got == 0) {
		if (finish_input(conn) == CONN_FAILED)
			return CONN_FAILED;
		return CONN_EOF;
	}
	counters_add(conns->counters, COUNTER_RECEIVED, (size_t)got);
	size_t n = upcase_stream_update(
	    &conn->upcase, conns->output, conns->input, (size_t)got);
	enum conn_event event = answer(conn, n);
	if (event != CONN_FAILED && upcase_stream_refused(&conn->upcase))
		return CONN_REFUSED;
	conns_note_received(conns, conn, (size_t)got);
	return event;
}

/* SENDING, FINISHING, ENDING: as much of the pending output as will go. */
static enum conn_event
send_pending(struct conn *conn)
{
	struct conns *conns = conn->conns;
	enum conn_event event = CONN_NOTHING;
	if (conn->pending == NULL)
		return CONN_FLUSHED;
	while (conn->pending != NULL) {
		struct iovec pieces[PIECES];
		size_t left;
		size_t n = pool_pieces(conn->pending, pieces, PIECES, &left);
		ssize_t sent = sys_sendv(conn->watch.fd, pieces, n);
		if (sent == -1)
			return fail(conn) == CONN_FAILED ? CONN_FAILED : event;
		counters_add(conns->counters, COUNTER_SENT, (size_t)sent);
		conn->reads = true;
		conn->pending = pool_drop(&conns->pool, conn->pending,
		    (size_t)sent, loop_now(conns->loop));
		event = CONN_MOVED;
		/* A short send means that the kernel is full. */
		if ((size_t)sent < left)
			return event;
	}
	if (sys_set_partial(conn->watch.fd, false) == -1)
		return fail(conn);
	return CONN_FLUSHED;
}

/*
 * LINGERING: reads what the peer still sends.  Closing with input unread
 * would make the kernel send a reset, which could overtake the last bytes of
 * our answer (RFC 1122, section 4.2.2.13).
 */
static enum conn_event
discard(struct conn *conn)
{
	struct conns *conns = conn->conns;
	ssize_t got = sys_recv(conn->watch.fd, conns->input, CONNS_INPUT);
	if (got == -1)
		return fail(conn);
	return got == 0 ? CONN_EOF : CONN_MOVED;
}

/* DELIVERING: a look at what the kernel still has for the peer. */
static enum conn_event
deliver(struct conn *conn)
{
	enum conn_event event = delivery_look(conn);
	return event == CONN_FAILED ? fail(conn) : event;
}

/* Why a connection ends, when an event moves it towards its end. */
static enum counter
cause_of(const struct conn *conn, enum conn_event event)
{
	if (conn->state == CONN_LINGERING)
		return (enum counter)conn->cause;
	switch (event) {
	case CONN_EOF:
		/* An incomplete sequence at the end can be refused as well. */
		return upcase_stream_refused(&conn->upcase) ? COUNTER_REFUSED
							    : COUNTER_ENDED;
	case CONN_REFUSED:
		return COUNTER_REFUSED;
	case CONN_EXPIRED:
		if (conn->state != CONN_RECEIVING)
			return COUNTER_STALLED;
		return conn->conns->draining ? COUNTER_QUIET : COUNTER_IDLE;
	case CONN_NOTHING:
	case CONN_MOVED:
	case CONN_DATA:
	case CONN_FLUSHED:
	case CONN_EVICTED:
	case CONN_FAILED:
	case CONN_NEVENTS:
		break;
	}
	/* As whoever raised the event has noted. */
	return (enum counter)conn->cause;
}

/* What has to be done once, when a connection is closed. */
static void
end(struct conn *conn, enum conn_event event, enum conn_state from)
{
	struct conns *conns = conn->conns;
	/*
	 * Where a part of the answer is missing, a plain close would tell the
	 * peer that it is whole, and leave what the kernel holds for a peer
	 * that does not read, uncounted.
	 */
	if (event != CONN_FLUSHED)
		(void)sys_set_reset(conn->watch.fd);
	if (from != CONN_DELIVERING)
		pool_release(&conns->pool, conn->pending);
	conn->pending = NULL;
	counters_add(conns->counters, (enum counter)conn->cause, 1);
}

/* The only place that changes the state. */
static void
enter(struct conn *conn, enum conn_event event)
{
	enum conn_state from = (enum conn_state)conn->state;
	enum conn_state to = conn_state_next(from, event);
	if (to == from)
		return;
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("conn %d: %s -> %s (%s)", conn->watch.fd,
		    conn_state_name(from), conn_state_name(to),
		    conn_event_name(event));
	enum counter cause = cause_of(conn, event);
	if (cause != conn->cause)
		report(conn, cause);
	conn->cause = cause & 15;
	conn->state = (uint8_t)to;
	if (to == CONN_DELIVERING)
		conn->held = (struct conn_held){0};
	/* If that fails, the peer is gone, and the next recv says so. */
	if (to == CONN_LINGERING)
		(void)sys_shutdown(conn->watch.fd);
	if (to == CONN_CLOSED)
		end(conn, event, from);
}

static inline void
arm(struct conn *conn, unsigned deadline)
{
	struct conns *conns = conn->conns;
	timer_arm(
	    &conns->deadlines[deadline], &conn->timer, loop_now(conns->loop));
}

/* Arms the deadline of the state anew: a look comes later than the last. */
static void
rearm(struct conn *conn)
{
	unsigned deadline = behaviours[conn->state].deadline;
	if (deadline == CONNS_LOOK)
		deadline += conn->held.nlooks;
	arm(conn, deadline);
}

/* Nothing is lost where all is with the kernel. */
static void
cannot_wait(struct conn *conn)
{
	conns_warn(conn->conns);
	if (conn->state == CONN_DELIVERING) {
		enter(conn, CONN_FLUSHED);
	} else {
		(void)fail(conn);
		enter(conn, CONN_FAILED);
	}
}

/*
 * The only place that says what the connection waits for: both its interest
 * and its deadline follow from the state.
 */
static void
settle(struct conn *conn, bool is_new)
{
	struct conns *conns = conn->conns;
	const struct behaviour *behaviour = &behaviours[conn->state];
	if (conn->state != CONN_CLOSED &&
	    loop_watch(conns->loop, &conn->watch, behaviour->wants) == -1)
		cannot_wait(conn);
	if (conn->state == CONN_CLOSED) {
		loop_unwatch(conns->loop, &conn->watch);
		conns_retire(conns, conn);
	} else if (is_new) {
		rearm(conn);
	}
}

/* Follows an event to where the connection waits again. */
static void
advance(struct conn *conn, enum conn_event event)
{
	enum conn_state from = (enum conn_state)conn->state;
	enter(conn, event);
	unsigned before = from;
	while (conn->state != before && behaviours[conn->state].begins) {
		before = conn->state;
		enter(conn, behaviours[before].step(conn));
	}
	settle(conn, conn->state != from);
}

/* The same, in short for the usual message. */
static inline void
follow(struct conn *conn, enum conn_event event)
{
	/* Progress alone changes nothing but the deadline. */
	if (event == CONN_MOVED && conn->state != CONN_LINGERING)
		arm(conn, behaviours[conn->state].deadline);
	else
		advance(conn, event);
}

static void
ready(struct watch *watch)
{
	struct conn *conn = LIST_OWNER(watch, struct conn, watch);
	follow(conn, behaviours[conn->state].step(conn));
}

/*
 * The peer may have done its part since the turn began to wait, and late is
 * no reason to lose what it sent: the state gets one more step, and only if
 * that finds nothing, the deadline holds.
 */
void
conn_expired(struct timer *timer)
{
	struct conn *conn = LIST_OWNER(timer, struct conn, timer);
	enum conn_event event = behaviours[conn->state].step(conn);
	/* It is looked at again. */
	if (event == CONN_NOTHING && conn->state == CONN_DELIVERING) {
		rearm(conn);
		return;
	}
	if (event == CONN_MOVED && conn->state == CONN_LINGERING)
		event = CONN_NOTHING;
	if (event == CONN_NOTHING)
		event = CONN_EXPIRED;
	if (event == CONN_EXPIRED && conn->state == CONN_RECEIVING &&
	    finish_input(conn) == CONN_FAILED)
		event = CONN_FAILED;
	follow(conn, event);
}

void
conn_evict(struct conn *conn, enum counter cause)
{
	report(conn, cause);
	conn->cause = cause & 15;
	enter(conn, CONN_EVICTED);
	settle(conn, false);
}

int
conn_start(struct conn *conn, struct conns *conns, int fd, bool owes)
{
	watch_init(&conn->watch, fd, ready);
	timer_init(&conn->timer);
	if (loop_watch(conns->loop, &conn->watch, POLLER_INPUT) == -1)
		return -1;
	conn->conns = conns;
	conn->pending = NULL;
	/* How much that was is forgotten, so it has to be asked about. */
	conn->answered = owes ? DELIVERY_SMALL + 1 : 0;
	conn->reads = false;
	upcase_stream_init(&conn->upcase, conns->invalid);
	buffers_start(&conns->buffers, fd);
	conn->state = CONN_RECEIVING;
	conn->cause = COUNTER_FAILED;
	rearm(conn);
	return 0;
}
