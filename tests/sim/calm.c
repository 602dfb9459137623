/* SPDX-License-Identifier: ISC */
/* The rules for a moment when all threads wait and nothing is ready. */
#include "config.h"

#include "server/pool.h"
#include "sim/rules.h"
#include "sim/spans.h"

/* How long listeners wait after a failure, in ms: as in listener.c. */
enum { RETRY_MS = 100 };

/* The longest time between two looks at a delivery, in ms: as in shard.c. */
enum { LOOK_MS = 1000 };

/* When the server must have asked again what the kernel holds for the peer. */
static uint64_t
delivery_of(const struct peer *peer)
{
	/* In a drain the kernel goes on alone. */
	if (rules.stops > 0)
		return rules.stopped_at;
	/* The last look was under the settings of now, and came too late. */
	if (peer->asked_at > spans_settled_at() &&
	    peer->asked_at >= spans_due(SPAN_STALL, peer->less_at))
		return peer->asked_at;
	return peer->asked_at + LOOK_MS + 1;
}

/* The deadline of an open connection, or the end of time. */
static uint64_t
deadline_of(const struct peer *peer)
{
	if (!peer->greeted)
		return spans_due(SPAN_GREETING, peer->moved_at);
	if (peer->delivers)
		return delivery_of(peer);
	if (peer->lingers)
		return spans_due(SPAN_LINGER, peer->shut_at);
	if (peers_pending(peer) > 0 || peer->ended)
		return spans_due(SPAN_STALL, peer->moved_at);
	/* Its tail may be pending or not: both are right. */
	if (peers_due(peer).ntail > 0 && peers_is_full(peer))
		return UINT64_MAX;
	return spans_due(SPAN_IDLE, peer->moved_at);
}

static void
check_open(struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	bool full = peers_is_full(peer);
	bool unread = socket->in.start < socket->in.end;
	struct due due = peers_due(peer);
	rules_must(kernel.now < deadline_of(peer), peer, "its deadline passed");
	rules_must(
	    !peer->is_unserved, peer, "it cannot be served, and is left");
	rules_must(!peer->is_bad || peer->header_sent < peer->nheader, peer,
	    "what is no header was taken for one");
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
	/* By now all workers have heard of the drain. */
	if (rules.stops > 0 && rules.stopped_at == 0)
		rules.stopped_at = kernel.now;
	spans_calm();
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
