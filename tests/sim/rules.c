/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/rules.h"

#include "server/pool.h"
#include "sim/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long listeners wait after a failure, in ms: as in listener.c. */
enum { RETRY_MS = 100 };

/*
 * What may be left with the kernel uncounted, in bytes, as in
 * delivery.h; and how often, in ms, it is looked at what else is there, as in
 * shard.c.
 */
enum { SMALL_ANSWER = 1024, LOOK_MS = 1000 };

/* What has to be taken of it in the stall time, in bytes, as in delivery.c. */
enum { PROGRESS = 4096 };

/* What a peer has to take until it is one that reads, and what is counted. */
enum { PROOF = 65536, KIB_MOST = 1022 };

struct rules rules;

void
rules_begin(const struct settings *settings)
{
	rules = (struct rules){.settings = settings};
}

void
rules_must(bool holds, const struct peer *peer, const char *sentence)
{
	if (holds)
		return;
	if (peer == NULL)
		(void)fprintf(stderr, "rule: %s\n", sentence);
	else
		(void)fprintf(stderr, "rule: peer %td, descriptor %d: %s\n",
		    peer - peers, peer->socket->fd, sentence);
	abort();
}

/* A span of the settings, or the shorter one that may hold in a drain. */
static uint64_t
span_now(uint64_t span)
{
	uint64_t quiet = rules.settings->quiet_ms;
	if (rules.stops == 0)
		return span;
	return span == 0 || quiet < span ? quiet : span;
}

/* The span that has to pass in silence until the server ends a peer. */
static uint64_t
idle_span(void)
{
	return span_now(rules.settings->idle_ms);
}

static bool
has_passed(uint64_t since, uint64_t span)
{
	return span != 0 && threads_turn() >= since + span;
}

void
rules_accepted(struct peer *peer)
{
	peer->accepted = true;
	rules.nopen++;
	rules_must(rules.nopen <= rules.settings->max_connections, peer,
	    "it was accepted above the limit");
}

void
rules_adopted(struct peer *peer)
{
	peer->moved_at = threads_turn();
}

/* The server has sent what is due only if the peer has come to its end. */
static void
check_tail(struct peer *peer, const struct due *due)
{
	const struct kernel_socket *socket = peer->socket;
	size_t n = socket->out.end - due->n;
	rules_must(n <= due->ntail, peer, "it was sent more than is due");
	rules_must(memcmp(socket->out.bytes + due->n, due->tail, n) == 0, peer,
	    "the answer to the tail is wrong");
	if (has_passed(peer->moved_at, idle_span()))
		peer->ended = true;
	rules_must(peer->ended || peers_has_ended(peer), peer,
	    "it was ended too early");
}

static void
check_answer(struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	struct due due = peers_due(peer);
	size_t end = socket->out.end < due.n ? socket->out.end : due.n;
	if (end > peer->checked) {
		rules_must(
		    memcmp(socket->out.bytes + peer->checked,
			due.bytes + peer->checked, end - peer->checked) == 0,
		    peer, "the answer is wrong");
		peer->checked = end;
	}
	if (socket->out.end > due.n)
		check_tail(peer, &due);
}

/* As the server counts what it answers, in delivery.c. */
static void
note_answer(struct peer *peer, size_t n)
{
	if (peer->small <= SMALL_ANSWER && peer->small + n <= SMALL_ANSWER) {
		peer->small += n;
		return;
	}
	peer->small = SMALL_ANSWER + 1;
	peer->kib += n / 1024;
	if (peer->kib > KIB_MOST)
		peer->kib = KIB_MOST;
}

/* It took something that was stored, and the kernel has that instead. */
static void
note_taken(struct peer *peer, size_t n)
{
	peer->reads = true;
	peer->held += n;
}

void
rules_moved(struct peer *peer, enum kernel_call call)
{
	const struct kernel_socket *socket = peer->socket;
	peer->asked = false;
	if (peer->lingers)
		return;
	if (call == KERNEL_SEND) {
		size_t before = peer->answered;
		rules.nsent += socket->out.end - before;
		peer->answered = socket->out.end;
		/* What the first send does not take is stored. */
		if (peer->nsends == 1)
			peer->stored_from = socket->out.end;
		else
			note_taken(peer, socket->out.end - before);
		check_answer(peer);
	} else {
		rules_must(peers_pending(peer) == 0, peer,
		    "it was read while its answer was pending");
		rules_must(!peer->ended && !peers_is_refused(peer), peer,
		    "it was read after its end");
		size_t due = peers_due(peer).n;
		rules.nreceived += socket->in.start - peer->received;
		peer->received = socket->in.start;
		note_answer(peer, peers_due(peer).n - due);
		peer->turn = ++rules.nturns;
		peer->stored_from = socket->out.end;
		peer->nsends = 0;
		peer->known = false;
	}
	peer->moved_at = peer->taken_at = threads_turn();
}

/* FIN to a peer that has ended: all is with the kernel, and it has not got it.
 */
static void
check_delivery(struct peer *peer)
{
	struct due due = peers_due(peer);
	rules_must(peer->lingers || peers_has_ended(peer), peer,
	    "it was ended too early");
	rules_must(peer->lingers || peer->socket->out.end == due.n + due.ntail,
	    peer, "FIN before the answer to the tail");
	peer->delivers = true;
	peer->held = SIZE_MAX;
}

void
rules_asked(struct peer *peer)
{
	peer->asked = true;
	const struct kernel_socket *socket = peer->socket;
	peer->gone = socket->tight && socket->reset_by_peer &&
		     socket->out.end > socket->out.start;
	size_t held = peers_held(peer);
	if (peer->delivers) {
		peer->asked_at = threads_turn();
		if (peer->held == SIZE_MAX || held + PROGRESS <= peer->held) {
			peer->less_at = peer->asked_at;
			peer->held = held;
		}
	} else if (!peer->known) {
		peer->known = true;
		peer->held = held;
		peer->reads |=
		    peer->kib * 1024 >= peers_pending(peer) + held + PROOF;
	} else if (held + POOL_BLOCK <= peer->held) {
		peer->reads = true;
		peer->taken_at = threads_turn();
		peer->held = held;
	}
}

void
rules_shut(struct peer *peer)
{
	rules_must(peers_pending(peer) == 0, peer, "FIN before the answer");
	/* What is looked at for delivery was asked about just before. */
	if (peer->lingers || peer->asked) {
		check_delivery(peer);
		return;
	}
	rules_must(peers_is_refused(peer) || peer->ended ||
		       has_passed(peer->moved_at, idle_span()),
	    peer, "it was ended too early");
	struct due due = peers_due(peer);
	rules_must(peer->socket->out.end == due.n + due.ntail, peer,
	    "FIN before the answer to the tail");
	peer->lingers = true;
	peer->shut_at = threads_turn();
}

/* The blocks that the pending output of a peer takes; a tail may take one. */
static size_t
blocks_of(const struct peer *peer)
{
	if (!peers_is_open(peer) || peer->socket->resets)
		return 0;
	struct due due = peers_due(peer);
	size_t sent = peer->socket->out.end;
	if (sent < due.n)
		return (due.n - peer->stored_from + POOL_BLOCK_OUTPUT - 1) /
			   POOL_BLOCK_OUTPUT -
		       (sent - peer->stored_from) / POOL_BLOCK_OUTPUT;
	bool ends = peers_has_ended(peer) || peer->ended ||
		    has_passed(peer->moved_at, idle_span());
	return ends && sent < due.n + due.ntail;
}

static size_t
blocks_taken(void)
{
	size_t sum = 0;
	for (size_t i = 0; i < npeers; i++)
		sum += blocks_of(&peers[i]);
	return sum;
}

/*
 * The blocks that its pending output takes, times how long it has taken none;
 * less for one that took some lately.
 */
static uint64_t
cost_of(const struct peer *peer)
{
	uint64_t age = threads_turn() - peer->taken_at + 1;
	uint64_t cost = age * blocks_of(peer);
	return peer->reads && age <= POOL_TRUST_MS ? cost : cost * POOL_DOUBT;
}

/*
 * True if no other costs more.  Only one worker is looked
 * at, since each has a pool of its own, and none with a tail, which may or may
 * not be stored.
 */
static bool
is_costliest(const struct peer *peer)
{
	if (rules.settings->workers > 1 || peers_pending(peer) == 0)
		return true;
	for (size_t i = 0; i < npeers; i++) {
		const struct peer *other = &peers[i];
		if (peers_is_open(other) && !other->socket->resets &&
		    peers_pending(other) > 0 && cost_of(other) > cost_of(peer))
			return false;
	}
	return true;
}

/* True if what the kernel holds has not become less for the stall time. */
static bool
is_stuck(const struct peer *peer)
{
	uint32_t span = rules.settings->stall_ms;
	return peer->delivers && has_passed(peer->less_at, span);
}

/* Why the server may have reset a connection. */
static bool
may_reset(const struct peer *peer)
{
	if (peer->socket->reset_by_peer || peer->harmed || rules.stops > 1)
		return true;
	/* The order to cut may come in the middle of a worker's turn. */
	uint64_t span = rules.settings->drain_ms;
	if (rules.stops > 0 && span != 0 && kernel.now >= rules.asked_at + span)
		return true;
	if (is_stuck(peer))
		return true;
	if (peer->lingers)
		return false;
	struct due due = peers_due(peer);
	if (peer->socket->out.end == due.n + due.ntail)
		return false;
	if (has_passed(peer->moved_at, rules.settings->stall_ms))
		return true;
	return blocks_taken() >= rules.blocks && is_costliest(peer);
}

/* What a connection that is reset holds is still counted at that moment. */
void
rules_reset(const struct peer *peer)
{
	rules_must(may_reset(peer), peer, "it was reset without a reason");
	if (!peer->lingers)
		rules.nreset++;
}

static void
check_close(struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	struct due due = peers_due(peer);
	rules_must(
	    peers_held(peer) <= SMALL_ANSWER || rules.stops > 0 || peer->harmed,
	    peer, "it was closed while the kernel held much for it");
	rules_must(!peer->gone || peer->harmed, peer,
	    "it was gone, and passes for served");
	if (peer->lingers) {
		rules_must(peers_has_ended(peer) || socket->reset_by_peer ||
			       peer->harmed ||
			       has_passed(peer->shut_at,
				   span_now(rules.settings->linger_ms)),
		    peer, "it was not lingered for");
		return;
	}
	rules_must(!socket->partial, peer, "its whole answer was cut");
	rules_must(peers_has_ended(peer), peer, "it was closed before its end");
	rules_must(socket->out.end == due.n + due.ntail, peer,
	    "it was closed before the end of its answer");
	rules.nended += !peers_is_refused_at_end(peer);
}

void
rules_closed(struct peer *peer)
{
	if (!peer->socket->resets)
		check_close(peer);
	rules.nopen--;
}

void
rules_listener_closed(const struct kernel_socket *listener)
{
	if (list_is_empty(&listener->queue))
		return;
	/* The queue may be left only if nothing more could be accepted. */
	rules_must(
	    rules.failed || rules.nopen >= rules.settings->max_connections,
	    NULL, "a listener was closed with clients in its queue");
}

void
rules_listener_failed(void)
{
	rules.failed = true;
	rules.failed_at = threads_turn();
}

/* Until when one has to be looked at for what the kernel holds. */
static uint64_t
delivery_of(const struct peer *peer)
{
	uint32_t span = rules.settings->stall_ms;
	/* In a drain the kernel goes on alone. */
	if (rules.stops > 0)
		return rules.stopped_at;
	if (span != 0 && peer->asked_at >= peer->less_at + span)
		return peer->asked_at;
	return peer->asked_at + LOOK_MS + 1;
}

/* The deadline of an open connection, or the end of time. */
static uint64_t
deadline_of(const struct peer *peer)
{
	if (peer->delivers)
		return delivery_of(peer);
	const struct settings *settings = rules.settings;
	uint64_t since = peer->moved_at, span = settings->idle_ms;
	bool drains = rules.stops > 0;
	if (peer->lingers) {
		since = peer->shut_at;
		span = drains ? settings->quiet_ms : settings->linger_ms;
	} else if (peers_pending(peer) > 0 || peer->ended) {
		span = settings->stall_ms;
		drains = false;
	} else if (peers_due(peer).ntail > 0 && peers_is_full(peer)) {
		/* It may have been ended, and its tail may wait: who knows. */
		return UINT64_MAX;
	} else if (drains) {
		span = settings->quiet_ms;
	}
	if (drains && since < rules.stopped_at)
		since = rules.stopped_at;
	return span == 0 ? UINT64_MAX : since + span;
}

static void
check_open(struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	bool full = peers_is_full(peer);
	bool unread = socket->in.start < socket->in.end;
	struct due due = peers_due(peer);
	rules_must(kernel.now < deadline_of(peer), peer, "its deadline passed");
	if (peer->delivers)
		return;
	rules_must(!socket->reset_by_peer, peer, "its reset was not noticed");
	rules_must(!unread || full, peer, "its input was left");
	rules_must(!socket->peer_shut || unread || full, peer,
	    "its end was not noticed");
	rules_must(full || socket->out.end >= due.n, peer,
	    "a part of its answer is missing");
	rules_must(socket->partial || peers_pending(peer) == 0, peer,
	    "a kill would give it a part for the whole");
	rules_must(!socket->partial || socket->out.end < due.n + due.ntail,
	    peer, "a kill would cut its whole answer");
}

static void
check_queues(void)
{
	size_t nqueued = 0;
	for (size_t i = 0; i < npeers; i++)
		nqueued += peers_is_queued(&peers[i]);
	rules_must(
	    nqueued == 0 || rules.nopen >= rules.settings->max_connections ||
		(rules.failed && kernel.now < rules.failed_at + RETRY_MS),
	    NULL, "clients wait, and nobody is going to accept them");
}

static void
check_drain(bool server_has_ended)
{
	uint64_t span = rules.settings->drain_ms;
	if (rules.stops == 0)
		return;
	bool is_over = rules.stops > 1 ||
		       (span != 0 && kernel.now >= rules.stopped_at + span);
	rules_must(!is_over || server_has_ended, NULL, "the drain has no end");
}

void
rules_calm(bool server_has_ended)
{
	/* By now all workers know of it. */
	if (rules.stops > 0 && rules.stopped_at == 0)
		rules.stopped_at = kernel.now;
	size_t held = 0;
	for (size_t i = 0; i < npeers; i++) {
		if (!peers_is_open(&peers[i]))
			continue;
		held += peers_pending(&peers[i]);
		check_open(&peers[i]);
	}
	rules_must(held <= rules.settings->workers * rules.blocks * POOL_BLOCK,
	    NULL, "more output is pending than there is memory for");
	check_queues();
	check_drain(server_has_ended);
}

bool
rules_deliver(void)
{
	for (size_t i = 0; i < npeers; i++) {
		if (peers_is_open(&peers[i]) && peers[i].delivers)
			return true;
	}
	return false;
}

void
rules_ended(const size_t totals[static NCOUNTERS])
{
	size_t causes = 0, nreset = 0;
	for (int cause = COUNTER_ENDED; cause <= COUNTER_FAILED; cause++)
		causes += totals[cause];
	for (int cause = COUNTER_STALLED; cause <= COUNTER_FAILED; cause++)
		nreset += totals[cause];
	rules_must(rules.nopen == 0, NULL, "a connection was not closed");
	rules_must(causes == totals[COUNTER_ACCEPTED], NULL,
	    "not each connection was counted as ended");
	rules_must(totals[COUNTER_ENDED] == rules.nended, NULL,
	    "the connections that ended well were counted wrongly");
	rules_must(nreset >= rules.nreset, NULL,
	    "a connection that was reset was not counted as such");
	rules_must(totals[COUNTER_RECEIVED] == rules.nreceived, NULL,
	    "the received bytes were counted wrongly");
	rules_must(totals[COUNTER_SENT] == rules.nsent, NULL,
	    "the sent bytes were counted wrongly");
}
