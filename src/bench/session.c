/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/session.h"

#include "base/owner.h"
#include "base/sys.h"
#include "bench/ticks.h"
#include "net/dial.h"

#include <errno.h>
#include <string.h>

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

static void
close_connection(struct session *session)
{
	struct engine *engine = session->group->engine;
	duplex_close(&session->socket, engine->loop);
	timer_disarm(&session->deadline);
	timer_disarm(&session->answer_deadline);
	if (session->state == SESSION_CONNECTING)
		engine->connecting--;
	session->group->active--;
	session->state = SESSION_CLOSED;
}

/* Ends the session with an error; n bytes came in place of the answer. */
static void
fail_over(struct session *session, enum error_kind kind, int reason,
    const unsigned char *bytes, size_t n)
{
	struct error error = {
	    .kind = kind,
	    .connection = session->number + 1,
	    .offset = session->received,
	    .reason = reason,
	    .nexpected = session->exchange.unanswered,
	    .nreceived = n,
	};
	(void)exchange_expected(
	    &session->exchange, error.expected, ERRORS_SHOWN);
	if (n > 0)
		memcpy(
		    error.received, bytes, n < ERRORS_SHOWN ? n : ERRORS_SHOWN);
	errors_add(&session->group->engine->errors, &error);
	close_connection(session);
	session->state = SESSION_FAILED;
}

static void
fail(struct session *session, enum error_kind kind, int reason)
{
	fail_over(session, kind, reason, NULL, 0);
}

/* The server took or sent something: its timeout begins anew. */
static void
moved(struct session *session)
{
	timer_disarm(&session->deadline);
}

static bool
may_begin(const struct session *session)
{
	const struct group *group = session->group;
	const struct exchange *exchange = &session->exchange;
	if (exchange->begun == session->granted ||
	    (group->is_single && session->has_asked))
		return false;
	if (group->depth == 0)
		return exchange->unsent == 0;
	return exchange->begun - exchange->answered < group->depth;
}

/* All that this connection is for was asked and answered. */
static bool
is_done(const struct session *session)
{
	const struct group *group = session->group;
	return session->state == SESSION_OPEN &&
	       exchange_is_at_rest(&session->exchange) &&
	       (group->is_ending || (group->is_single && session->has_asked));
}

/* Lets a timeout run, if it does not run yet, or stops it. */
static void
expect(struct session *session, struct timer_queue *queue, struct timer *timer,
    bool waits)
{
	if (!waits)
		timer_disarm(timer);
	else if (!timer_is_armed(timer))
		timer_arm(
		    queue, timer, session->group->engine->now / TICKS_PER_MS);
}

/*
 * The one place that decides what a session waits for: whether its connection
 * ends, for what its socket is watched, and whether the timeout runs.
 */
static void
settle(struct session *session)
{
	struct engine *engine = session->group->engine;
	enum poller_interest reads = POLLER_INPUT, writes = POLLER_NOTHING;
	bool waits = true;
	if (session->state == SESSION_CLOSED ||
	    session->state == SESSION_FAILED)
		return;
	if (is_done(session)) {
		/* Where it fails, receiving says why. */
		(void)sys_shutdown(session->socket.reader.fd);
		session->state = SESSION_ENDING;
	}
	if (session->state == SESSION_CONNECTING)
		reads = POLLER_OUTPUT;
	if (session->state == SESSION_OPEN) {
		waits = !exchange_is_at_rest(&session->exchange);
		if (session->exchange.unsent > 0 || may_begin(session))
			writes = POLLER_OUTPUT;
	}
	if (duplex_want(&session->socket, engine->loop, reads, writes) == -1) {
		fail(session, ERROR_CLOSED, errno);
		return;
	}
	expect(session, &engine->deadlines, &session->deadline, waits);
	expect(session, &engine->answers, &session->answer_deadline,
	    waits && session->state == SESSION_OPEN);
}

/* When the latency of the next message begins. */
static uint64_t
time_of_next(const struct session *session)
{
	const struct group *group = session->group;
	uint64_t begun = session->exchange.begun;
	/* The sessions of a group take turns. */
	if (group->schedule != NULL)
		return schedule_due(
		    group->schedule, begun * group->size + session->place);
	return group->reconnects ? session->opened_at : group->engine->now;
}

static void
begin(struct session *session)
{
	size_t depth = session->group->depth;
	if (depth != 0)
		session->begun_at[session->exchange.begun % depth] =
		    time_of_next(session);
	exchange_begin(&session->exchange);
	session->has_asked = true;
}

/* Sends until all is sent or the kernel takes no more. */
static void
transmit(struct session *session)
{
	while (session->exchange.unsent > 0) {
		size_t n;
		const unsigned char *bytes =
		    exchange_unsent(&session->exchange, &n);
		ssize_t sent = sys_send(session->socket.reader.fd, bytes, n);
		if (sent == -1) {
			if (!would_block())
				fail(session, ERROR_CLOSED, errno);
			return;
		}
		session->group->figures.sent += (size_t)sent;
		exchange_sent(&session->exchange, (size_t)sent);
		moved(session);
		if ((size_t)sent < n)
			return;
	}
}

/*
 * Begins the messages that it may and sends them.  A stream begins one, and the
 * next when the kernel has room again.
 */
static void
advance(struct session *session)
{
	if (session->state == SESSION_OPEN) {
		while (may_begin(session))
			begin(session);
		transmit(session);
	}
	settle(session);
}

void
session_open(struct session *session)
{
	struct engine *engine = session->group->engine;
	session->opened_at = engine->now;
	session->received = 0;
	session->has_asked = false;
	session->state = SESSION_CONNECTING;
	engine->connecting++;
	session->group->active++;
	int fd = target_connect(&engine->target);
	duplex_open(&session->socket, fd);
	if (fd == -1)
		fail(session, ERROR_REFUSED, errno);
	else
		settle(session);
}

static void
finish_connecting(struct session *session)
{
	struct engine *engine = session->group->engine;
	int error = dial_finish(session->socket.reader.fd);
	engine->now = ticks_now();
	/* The event may be untrue. */
	if (error == EAGAIN)
		return;
	if (error != 0) {
		fail(session, ERROR_REFUSED, error);
		return;
	}
	session->state = SESSION_OPEN;
	engine->connecting--;
	session->group->figures.established++;
	moved(session);
	advance(session);
}

static void
count_message(struct group *group, uint64_t begun_at)
{
	group->figures.messages++;
	if (group->latencies != NULL && begun_at >= group->from &&
	    begun_at < group->to)
		histogram_add(group->latencies, group->engine->now - begun_at);
}

/* The end of a connection that went as it should. */
static void
finish(struct session *session)
{
	struct group *group = session->group;
	bool has_asked = session->has_asked;
	close_connection(session);
	if (!group->reconnects)
		return;
	if (has_asked)
		count_message(group, session->begun_at[0]);
	if (session->exchange.begun < session->granted)
		session_open(session);
}

static void
take_answer(struct session *session, size_t n)
{
	struct group *group = session->group;
	uint64_t first = session->exchange.answered;
	uint64_t count = exchange_received(&session->exchange, n);
	group->figures.received += n;
	session->received += n;
	moved(session);
	if (count > 0)
		timer_disarm(&session->answer_deadline);
	if (group->reconnects)
		return;
	for (uint64_t i = first; i < first + count; i++)
		count_message(group, group->depth == 0
					 ? TICKS_NEVER
					 : session->begun_at[i % group->depth]);
}

static void
receive(struct session *session)
{
	struct engine *engine = session->group->engine;
	unsigned char *bytes = engine->buffer;
	ssize_t got =
	    sys_recv(session->socket.reader.fd, bytes, SESSION_BUFFER);
	engine->now = ticks_now();
	if (got == -1) {
		if (!would_block())
			fail(session, ERROR_CLOSED, errno);
		return;
	}
	if (got == 0) {
		bool is_due = session->exchange.unanswered > 0;
		if (session->state == SESSION_ENDING)
			finish(session);
		else
			fail(session, is_due ? ERROR_LOST : ERROR_CLOSED, 0);
		return;
	}
	size_t n = (size_t)got;
	size_t right = exchange_compare(&session->exchange, bytes, n);
	take_answer(session, right);
	if (right < n)
		fail_over(session,
		    session->exchange.unanswered > 0 ? ERROR_WRONG
						     : ERROR_EXTRA,
		    0, bytes + right, n - right);
}

static void
readable(struct watch *watch)
{
	struct session *session =
	    OWNER_OF(watch, struct session, socket.reader);
	if (session->state == SESSION_CONNECTING) {
		finish_connecting(session);
		return;
	}
	receive(session);
	/* A writer that waits for room is called when there is some. */
	if (session->socket.writer.wants == POLLER_OUTPUT)
		settle(session);
	else
		advance(session);
}

static void
writable(struct watch *watch)
{
	struct session *session =
	    OWNER_OF(watch, struct session, socket.writer);
	session->group->engine->now = ticks_now();
	advance(session);
}

void
session_init(struct session *session, struct group *group, size_t first,
    uint64_t *begun_at)
{
	*session = (struct session){
	    .group = group,
	    .begun_at = begun_at,
	};
	duplex_init(&session->socket, readable, writable);
	timer_init(&session->deadline);
	timer_init(&session->answer_deadline);
	exchange_init(&session->exchange, group->text, first);
}

void
session_grant(struct session *session, uint64_t messages)
{
	session->granted += messages;
	if (session->state == SESSION_CLOSED && session->group->reconnects)
		session_open(session);
	else if (session->socket.writer.wants == POLLER_NOTHING)
		advance(session);
}

void
session_end(struct session *session)
{
	session->granted = session->exchange.begun;
	settle(session);
}

void
session_give_up(struct session *session)
{
	if (session->state == SESSION_CONNECTING)
		fail(session, ERROR_REFUSED, ETIMEDOUT);
	else if (session->state != SESSION_CLOSED &&
		 session->state != SESSION_FAILED)
		fail(session, ERROR_TIMEOUT, 0);
}

void
session_expired(struct timer *timer)
{
	session_give_up(OWNER_OF(timer, struct session, deadline));
}

void
session_overdue(struct timer *timer)
{
	fail(OWNER_OF(timer, struct session, answer_deadline), ERROR_TIMEOUT,
	    ETIMEDOUT);
}

void
session_abort(struct session *session)
{
	if (session->state != SESSION_CLOSED &&
	    session->state != SESSION_FAILED)
		close_connection(session);
}
