/* SPDX-License-Identifier: ISC */
/* The rules for when the server may reset a connection. */
#include "config.h"

#include "server/pool.h"
#include "sim/rules.h"
#include "sim/spans.h"
#include "sim/threads.h"

/* The blocks that the pending output of a peer takes; a tail counts as one. */
static size_t
blocks_of(const struct peer *peer)
{
	if (!peers_is_open(peer) || peer->socket->resets)
		return 0;
	if (!peer->greeted)
		return peer->socket->in.start > 0;
	struct due due = peers_due(peer);
	size_t sent = peer->socket->out.end;
	if (sent < due.n)
		return (due.n - peer->stored_from + POOL_BLOCK_OUTPUT - 1) /
			   POOL_BLOCK_OUTPUT -
		       (sent - peer->stored_from) / POOL_BLOCK_OUTPUT;
	/* What was stored under other spans stays stored. */
	bool ends = peers_has_ended(peer) || peer->ended || peer->expired ||
		    spans_may_end(SPAN_IDLE, peer->moved_at);
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
 * The cost by which pool.h chooses: blocks times the time since the last
 * progress, and less for a reader that made some lately.
 */
static uint64_t
cost_of(const struct peer *peer)
{
	uint64_t age = threads_turn() - peer->taken_at + 1;
	uint64_t cost = age * blocks_of(peer);
	return peer->reads && age <= POOL_TRUST_MS ? cost : cost * POOL_DOUBT;
}

/*
 * True if no other costs more.  With several workers it is always true, since
 * each has a pool of its own.  A pending tail is not compared, since it may or
 * may not be stored.
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
	return peer->delivers && spans_may_end(SPAN_STALL, peer->less_at);
}

/* The same before the header is there, which is not to be waited for long. */
static bool
may_reset_header(const struct peer *peer)
{
	if (rules.settings->nproxies == 0 || peer->is_bad)
		return true;
	if (spans_may_end(SPAN_GREETING, peer->moved_at))
		return true;
	/* Only what has come of it takes a block. */
	return peers_has_ended(peer) ||
	       (blocks_of(peer) > 0 && blocks_taken() >= rules.blocks);
}

/* True if the server had a reason to reset the connection. */
static bool
may_reset(const struct peer *peer)
{
	if (peer->socket->reset_by_peer || peer->is_refused || peer->harmed ||
	    rules.stops > 1)
		return true;
	/* The time of now, as the order to cut may come in mid-turn. */
	uint64_t span = rules.settings->drain_ms;
	if (rules.stops > 0 && span != 0 && kernel.now >= rules.asked_at + span)
		return true;
	if (!peer->greeted)
		return may_reset_header(peer);
	if (is_stuck(peer))
		return true;
	if (peer->lingers)
		return false;
	struct due due = peers_due(peer);
	if (peer->socket->out.end == due.n + due.ntail)
		return false;
	if (spans_may_end(SPAN_STALL, peer->moved_at))
		return true;
	return blocks_taken() >= rules.blocks && is_costliest(peer);
}

/* Called before the reset, so what the connection holds still counts. */
void
rules_reset(const struct peer *peer)
{
	rules_must(may_reset(peer), peer, "it was reset without a reason");
	if (!peer->lingers)
		rules.nreset++;
}
