/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/delivery.h"

#include "base/sys.h"
#include "server/shard.h"

#include <stdint.h>

/* Of the KiB of an answer no more are counted than there is room for. */
enum { ANSWERED_MOST = 2047 };

/* What a peer has to take, in bytes, until it is one that reads. */
enum { PROOF = 65536 };

/*
 * What a peer has to take at least within a stall time, in bytes, of what the
 * kernel has for it: less is a way to keep a place for nothing.
 */
enum { PROGRESS = 4096 };

/*
 * Counts what is answered: first in bytes, up to a small answer, and then in
 * whole KiB, of which what is left of the 11 bits holds 1 MiB.
 */
void
delivery_note(struct conn *conn, size_t n)
{
	size_t sum = conn->answered;
	if (sum <= DELIVERY_SMALL)
		sum = sum + n <= DELIVERY_SMALL ? sum + n
						: DELIVERY_SMALL + 1 + n / 1024;
	else
		sum += n / 1024;
	conn->answered = (sum < ANSWERED_MOST ? sum : ANSWERED_MOST) & 2047;
}

/*
 * True for a peer that reads: it has taken output before that had been stored,
 * or enough of what it was sent, of which n bytes are to be stored and the
 * kernel holds the others.
 */
static bool
is_proven(const struct conn *conn, size_t n, size_t held)
{
	size_t sent = conn->answered <= DELIVERY_SMALL
			  ? 0
			  : (conn->answered - DELIVERY_SMALL - 1U) * 1024;
	return conn->reads || sent >= n + held + PROOF;
}

void
delivery_store(struct conn *conn, size_t taken, size_t n)
{
	struct shard *shard = conn->shard;
	size_t held = sys_unacknowledged(conn->watch.fd);
	conn->pending =
	    pool_store(&shard->pool, shard->output + taken, n - taken, conn,
		is_proven(conn, n - taken, held), loop_now(shard->loop));
	pool_set_held(conn->pending, held);
	shard_note_use(shard);
	/* Whatever ends us now, the peer must not take a part for the whole. */
	(void)sys_set_partial(conn->watch.fd, true);
}

enum conn_event
delivery_look(struct conn *conn)
{
	const struct shard *shard = conn->shard;
	struct conn_held *held = &conn->held;
	uint32_t stall_ms = shard->settings->stall_ms;
	int fd = conn->watch.fd;
	if (conn->answered <= DELIVERY_SMALL ||
	    (shard->draining && (stall_ms == 0 || sys_gives_up(fd))))
		return CONN_FLUSHED;
	bool is_first = held->left == 0;
	size_t left = sys_unacknowledged(fd);
	if (left == 0 && is_first)
		return CONN_FLUSHED;
	if (is_first) {
		(void)sys_shutdown(fd);
		/* On some systems FIN counts as well. */
		left = sys_unacknowledged(fd);
	} else if (held->nlooks < SHARD_LOOKS - 1) {
		held->nlooks++;
	}
	bool moves = left + PROGRESS <= held->left;
	/* One that is broken keeps its count, or has lost what was counted. */
	if ((!moves || left == 0) && sys_check_connection(fd) == -1)
		return CONN_FAILED;
	if (left == 0)
		return CONN_FLUSHED;
	uint32_t now = (uint32_t)loop_now(shard->loop);
	if (moves || is_first) {
		held->left = (uint32_t)left;
		held->since = now % CONN_TIME;
	} else if (stall_ms != 0 &&
		   (now - held->since) % CONN_TIME >= stall_ms) {
		return CONN_EXPIRED;
	}
	return CONN_MOVED;
}
