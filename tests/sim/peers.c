/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/peers.h"

#include "sim/draw.h"
#include "sim/origins.h"
#include "sim/places.h"

#include <errno.h>

/* The most bytes of a peer that the kernel holds for the server to receive. */
enum { RECEIVE_ROOM = 100000 };

struct peer peers[PEERS_MAX];
size_t npeers;

static const struct temper tempers[] = {
    {.sends = 700, .reads_all = 700, .ends = 100},             /* usual */
    {.sends = 700, .reads = 700, .reads_all = 50, .ends = 50}, /* slow */
    {.sends = 900, .ends = 30},                                /* blind */
    {.sends = 900}, /* blind and stubborn */
    {.ends = 10},   /* mute */
    {.sends = 700, .reads = 300, .reads_all = 300, .resets = 100}, /* rude */
    {.sends = 50, .reads_all = 500, .ends = 5},                    /* idle */
};

#define HEADER(bytes, is_bad, origin)                                          \
	{                                                                      \
		bytes, sizeof(bytes) - 1, is_bad, origin                       \
	}
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ENDS      "\xc0\0\3\2\xc0\0\2\1\1\2\3\4"

/* Before the text of a proxy's client; the last ones are none. */
static const struct header {
	const char *bytes;
	size_t n;
	bool is_bad;
	int origin; /* of the client; -1: it is not named */
} headers[] = {
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.1 1234 5220\r\n", false, 0),
    HEADER("PROXY TCP6 ::ffff:192.0.2.2 2001:db8::1 1234 5220\r\n", false, 1),
    HEADER("PROXY UNKNOWN\r\n", false, -1),
    HEADER(SIGNATURE "\x21\x11\0\14" ENDS, false, 3),
    HEADER(SIGNATURE "\x21\x11\0\24" ENDS "\4\0\5value", false, 3),
    HEADER(SIGNATURE "\x20\0\0\0", false, -1),
    HEADER(SIGNATURE "\x21\x11\0\17" ENDS "\4\0\1", true, -1),
    HEADER(SIGNATURE "\x21\x11\x0f\xf1" ENDS, true, -1),
    HEADER("PROXY TCP4 192.0.2.7\r\n", true, -1),
    HEADER("hello", true, -1),
};

void
peers_reset(void)
{
	npeers = 0;
}

void
peers_connect(struct kernel_socket *listener)
{
	static const size_t rooms[] = {1, 3, 50, 700, 20000, 70000, 400000};
	static const int errors[] = {ECONNABORTED, EPROTO, ENETDOWN};
	const struct plan *plan = plans_draw();
	struct peer *peer = &peers[npeers++];
	int error = draw_chance(30) ? DRAW_ONE_OF(errors) : 0;
	*peer = (struct peer){
	    .socket = kernel_queue(listener, error),
	    .listener = listener,
	    .plan = plan,
	    .temper = DRAW_ONE_OF(tempers),
	    .is_proxied = places_have_proxies(listener),
	};
	peer->greeted = !peer->is_proxied;
	if (peer->is_proxied) {
		const struct header *header = &DRAW_ONE_OF(headers);
		peer->header = header->bytes;
		peer->nheader = header->n;
		peer->is_bad = header->is_bad;
		peer->client = header->origin;
	}
	/* Two places in order, the first of them where a character begins. */
	size_t some = draw(plan->length + 1), other = draw(plan->length + 1);
	peer->first = plan->begins[some < other ? some : other];
	peer->last = some < other ? other : some;
	peer->sent = peer->first;
	peer->socket->peer = peer;
	peer->socket->room = DRAW_ONE_OF(rooms);
	peer->socket->tight = draw_chance(500);
	origins_draw(peer);
}

bool
peers_is_queued(const struct peer *peer)
{
	return !peer->accepted && peer->socket->accept_error == 0 &&
	       !peer->listener->closed;
}

bool
peers_is_open(const struct peer *peer)
{
	return peer->accepted && !peer->socket->closed;
}

/* Of the header, with the text behind it or not. */
static void
send_header(struct peer *peer, size_t most)
{
	size_t left = peer->nheader - peer->header_sent;
	size_t n = left < most ? left : most;
	if (n == 0 || peer->socket->peer_shut)
		return;
	kernel_peer_sends(peer->socket, peer->header + peer->header_sent, n);
	peer->header_sent += n;
}

static void
send_some(struct peer *peer, size_t most)
{
	struct kernel_socket *socket = peer->socket;
	send_header(peer, most);
	if (peer->header_sent < peer->nheader)
		return;
	size_t left = peer->last - peer->sent;
	size_t held = socket->in.end - socket->in.start;
	size_t room = held < RECEIVE_ROOM ? RECEIVE_ROOM - held : 0;
	size_t n = left < room ? left : room;
	if (n > most)
		n = most;
	if (n == 0 || socket->peer_shut)
		return;
	kernel_peer_sends(socket, peer->plan->text + peer->sent, n);
	peer->sent += n;
}

void
peers_act(struct peer *peer)
{
	static const size_t amounts[] = {1, 2, 5, 30, 1000, 50000, 200000};
	struct kernel_socket *socket = peer->socket;
	const struct temper *temper = &peer->temper;
	if (socket->closed || socket->reset_by_peer)
		return;
	if (draw_chance(temper->sends))
		send_some(peer, 1 + draw(DRAW_ONE_OF(amounts)));
	if (draw_chance(temper->reads))
		kernel_peer_reads(socket, 1 + draw(DRAW_ONE_OF(amounts)));
	if (draw_chance(temper->reads_all))
		kernel_peer_reads(socket, SIZE_MAX);
	/* Sometimes it sends FIN before it has sent all. */
	if (draw_chance(temper->ends) || peer->sent == peer->last)
		socket->peer_shut |= draw_chance(500);
	if (draw_chance(temper->resets))
		kernel_peer_resets(socket);
}

void
peers_finish(struct peer *peer)
{
	struct kernel_socket *socket = peer->socket;
	if (socket->closed || socket->reset_by_peer)
		return;
	send_some(peer, SIZE_MAX);
	socket->room = KERNEL_ROOM;
	kernel_peer_reads(socket, SIZE_MAX);
	if (peer->sent == peer->last)
		socket->peer_shut = true;
}

struct due
peers_due(const struct peer *peer)
{
	return plan_due(peer->plan, peer->invalid, peer->first,
	    peer->first + peer->received);
}

size_t
peers_held(const struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	if (!socket->tight || socket->reset_by_peer)
		return 0;
	return socket->out.end - socket->out.start;
}

bool
peers_is_full(const struct peer *peer)
{
	const struct kernel_stream *out = &peer->socket->out;
	return out->end - out->start >= peer->socket->room;
}

size_t
peers_pending(const struct peer *peer)
{
	size_t sent = peer->socket->out.end, due = peers_due(peer).n;
	return sent < due ? due - sent : 0;
}

bool
peers_has_ended(const struct peer *peer)
{
	const struct kernel_socket *socket = peer->socket;
	return socket->peer_shut && socket->in.start == socket->in.end;
}

bool
peers_is_refused(const struct peer *peer)
{
	return peer->invalid == UPCASE_CLOSE &&
	       peer->plan->bad[peer->first] < peer->first + peer->received;
}

/* True if what the server has received ends inside a character. */
static bool
is_cut(const struct peer *peer)
{
	size_t end = peer->first + peer->received;
	return peer->plan->begins[end] != end;
}

bool
peers_is_refused_at_end(const struct peer *peer)
{
	return peer->invalid == UPCASE_CLOSE && is_cut(peer);
}
