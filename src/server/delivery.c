/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/delivery.h"

#include "base/sys.h"
#include "server/shard.h"

#include <stdint.h>

/* The largest value of conn.answered, which has 11 bits. */
enum { ANSWERED_MOST = 2047 };

/*
 * How many bytes a peer has to take to count as one that reads: of the 30 of
 * POOL_DOUBT, 25 got their whole answer if only what was pending counted.
 */
enum { PROOF = 65536 };

/*
 * The least, in bytes, that a peer has to take within stall_ms of what the
 * kernel holds for it: taking less would be a cheap way to keep a place.  It is
 * little enough for a peer that reads 140 bytes a second in the default of 30
 * s.
 */
enum { PROGRESS = 4096 };

/*
 * The count is in bytes up to DELIVERY_SMALL, and in whole KiB from there on:
 * the values that are left of the 11 bits reach 1022 KiB.
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
 * True for a peer that reads: it took pending output before, or at least PROOF
 * bytes of what it was answered.  Of that, it has not taken the n bytes that
 * are to be stored, nor those held by the kernel.
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
	conn->reads = is_proven(conn, n - taken, held);
	conn->pending = pool_store(&shard->pool, shard->output + taken,
	    n - taken, conn, conn->reads, loop_now(shard->loop));
	pool_set_held(conn->pending, held);
	shard_note_use(shard);
	/* If we are killed now, the peer must not take a part for the whole. */
	(void)sys_set_partial(conn->watch.fd, true);
}

enum conn_event
delivery_look(struct conn *conn)
{
	const struct shard *shard = conn->shard;
	struct conn_held *held = &conn->held;
	uint32_t stall_ms = shard->settings->stall_ms;
	int fd = conn->watch.fd;
	if (conn->answered <= DELIVERY_SMALL)
		return CONN_FLUSHED;
	/* A peer that is gone has not got all, also where nobody waits. */
	if (shard->draining && (stall_ms == 0 || sys_gives_up(fd)))
		return sys_check_connection(fd) == -1 ? CONN_FAILED
						      : CONN_FLUSHED;
	bool is_first = held->left == 0;
	size_t left = sys_unacknowledged(fd);
	if (left == 0 && is_first)
		return CONN_FLUSHED;
	if (is_first) {
		(void)sys_shutdown(fd);
		/* On some systems the FIN counts as a byte. */
		left = sys_unacknowledged(fd);
	} else if (held->nlooks < SHARD_LOOKS - 1) {
		held->nlooks++;
	}
	bool moves = left + PROGRESS <= held->left;
	/* A broken one may keep its count, or lose bytes and count none. */
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
