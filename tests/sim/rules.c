/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/rules.h"

#include "server/pool.h"
#include "sim/origins.h"
#include "sim/places.h"
#include "sim/spans.h"
#include "sim/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DELIVERY_SMALL of delivery.h: left with the kernel uncounted, in bytes. */
enum { SMALL_ANSWER = 1024 };

/* As in delivery.c: what a peer has to take within stall_ms, in bytes. */
enum { PROGRESS = 4096 };

/* As in delivery.c: bytes that prove a reader, and the most KiB counted. */
enum { PROOF = 65536, KIB_MOST = 1022 };

struct rules rules;

void
rules_begin(const struct settings *settings)
{
	rules = (struct rules){.settings = settings};
	spans_begin(settings);
	origins_begin();
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

void
rules_set(const struct settings *settings)
{
	rules.settings = settings;
	spans_change(settings, threads_soonest());
}

bool
rules_has_passed(uint64_t since, uint64_t span)
{
	return span != 0 && threads_turn() >= since + span;
}

void
rules_accepted(struct peer *peer)
{
	if (!peer->is_proxied)
		origins_accepted(peer);
	peer->accepted = true;
	peer->change = rules.is_changing ? rules.nchanges : 0;
	rules.nopen++;
	rules_must(rules.nopen <= rules.settings->max_connections, peer,
	    "it was accepted above the limit");
}

void
rules_adopted(struct peer *peer)
{
	rules_must(!peer->is_refused, peer, "its source has too many");
	/* Again after a hand-over, which neither of them notices. */
	if (peer->moved_at != 0)
		return;
	peer->moved_at = threads_turn();
	peer->invalid = rules.settings->invalid;
}

void
rules_touched(const struct peer *peer)
{
	/* But those may be served that a listener had which is to end. */
	rules_must(!rules.is_changing || !threads_is_first() ||
		       peer->moved_at == 0 || peer->change == rules.nchanges,
	    peer, "it was touched by a change");
}

/* What is sent when no answer is pending is the answer to the tail. */
void
rules_sends(struct peer *peer)
{
	rules_must(peer->greeted, peer, "it was answered before its header");
	peer->nsends++;
	if (peers_pending(peer) == 0 &&
	    spans_may_end(SPAN_IDLE, peer->moved_at))
		peer->expired = true;
}

/* The last step before a deadline is served. */
void
rules_receives(struct peer *peer)
{
	if (peer->lingers && spans_may_end(SPAN_LINGER, peer->shut_at))
		peer->lingered = true;
}

/* Only if its stream has ended may the server send the answer to the tail. */
static void
check_tail(struct peer *peer, const struct due *due)
{
	const struct kernel_socket *socket = peer->socket;
	size_t n = socket->out.end - due->n;
	rules_must(n <= due->ntail, peer, "it was sent more than is due");
	rules_must(memcmp(socket->out.bytes + due->n, due->tail, n) == 0, peer,
	    "the answer to the tail is wrong");
	if (peer->expired)
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

/* Counts an answer as delivery_note does. */
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

/* The kernel took n stored bytes, which it now holds for the peer. */
static void
note_taken(struct peer *peer, size_t n)
{
	peer->reads = true;
	peer->held += n;
}

/* Bytes were taken of a header, which is no text. */
static void
note_header(struct peer *peer)
{
	size_t taken = peer->socket->in.start;
	rules_must(taken <= peer->nheader, peer,
	    "a byte of its text was taken with the header");
	if (taken < peer->nheader || peer->is_bad)
		return;
	if (peer->client != -1) {
		peer->origin = (unsigned)peer->client;
		origins_accepted(peer);
	}
	peer->greeted = true;
	peer->moved_at = peer->taken_at = threads_turn();
}

void
rules_moved(struct peer *peer, enum kernel_call call)
{
	const struct kernel_socket *socket = peer->socket;
	peer->asked = false;
	rules_must(!peer->is_refused, peer, "its source has too many");
	if (peer->lingers)
		return;
	if (!peer->greeted) {
		note_header(peer);
		return;
	}
	if (call == KERNEL_SEND) {
		size_t before = peer->answered;
		rules.nsent += socket->out.end - before;
		peer->answered = socket->out.end;
		/* What the first send after a recv does not take is stored. */
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
		size_t text = socket->in.start - peer->nheader;
		rules.nreceived += text - peer->received;
		peer->received = text;
		note_answer(peer, peers_due(peer).n - due);
		peer->turn = ++rules.nturns;
		peer->stored_from = socket->out.end;
		peer->nsends = 0;
		peer->known = false;
	}
	peer->moved_at = peer->taken_at = threads_turn();
}

/* The server has sent FIN to deliver the rest: all must be with the kernel. */
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
	/* The FIN of a delivery comes right after sys_unacknowledged. */
	if (peer->lingers || peer->asked) {
		check_delivery(peer);
		return;
	}
	rules_must(peers_is_refused(peer) || peer->ended ||
		       spans_may_end(SPAN_IDLE, peer->moved_at),
	    peer, "it was ended too early");
	struct due due = peers_due(peer);
	rules_must(peer->socket->out.end == due.n + due.ntail, peer,
	    "FIN before the answer to the tail");
	peer->lingers = true;
	peer->shut_at = threads_turn();
}

static void
check_close(struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	struct due due = peers_due(peer);
	rules_must(peer->greeted || peer->harmed, peer,
	    "it was closed before its header as if it was served");
	rules_must(
	    peers_held(peer) <= SMALL_ANSWER || rules.stops > 0 || peer->harmed,
	    peer, "it was closed while the kernel held much for it");
	rules_must(!peer->gone || peer->harmed, peer,
	    "it was gone, and passes for served");
	if (peer->lingers) {
		rules_must(peers_has_ended(peer) || socket->reset_by_peer ||
			       peer->harmed || peer->lingered,
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
	places_closed(listener);
	if (list_is_empty(&listener->queue))
		return;
	/* Clients may be left in it only if no more could be accepted. */
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
	origins_ended(totals);
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
