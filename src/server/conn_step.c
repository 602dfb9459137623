/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/conn_step.h"

#include "base/sys.h"
#include "server/counters.h"
#include "server/delivery.h"
#include "server/shard.h"

#include <errno.h>
#include <stdbool.h>

/*
 * How many blocks of pending output one sendmsg takes: 256 KiB.  Slow readers
 * of bulk cost 32 calls of it and 242 with single blocks, of 2,000 in all; 64
 * blocks spare no more.
 */
enum { PIECES = 16 };

enum conn_event
conn_what_failed(void)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return CONN_NOTHING;
	return CONN_FAILED;
}

/*
 * Sends the n bytes of the output buffer at once.  What the kernel does not
 * take becomes the pending output.
 */
static enum conn_event
answer(struct conn *conn, size_t n)
{
	struct shard *shard = conn->shard;
	size_t taken = 0;
	if (n == 0)
		return CONN_MOVED;
	if (conn->answered <= DELIVERY_SMALL || n >= 1024)
		delivery_note(conn, n);
	ssize_t sent = sys_send(conn->watch.fd, shard->output, n);
	if (sent == -1 && conn_what_failed() == CONN_FAILED)
		return CONN_FAILED;
	if (sent > 0)
		taken = (size_t)sent;
	counters_add(shard->counters, COUNTER_SENT, taken);
	if (taken == n)
		return CONN_MOVED;
	delivery_store(conn, taken, n);
	return CONN_DATA;
}

enum conn_event
conn_finish(struct conn *conn)
{
	size_t n = upcase_stream_final(&conn->upcase, conn->shard->output);
	return answer(conn, n);
}

enum conn_event
conn_receive(struct conn *conn)
{
	struct shard *shard = conn->shard;
	if (pool_is_full(&shard->pool))
		shard_make_room(shard);
	ssize_t got = sys_recv(conn->watch.fd, shard->input, shard_room(shard));
	if (got == -1)
		return conn_what_failed();
	if (got == 0)
		return conn_finish(conn) == CONN_FAILED ? CONN_FAILED
							: CONN_EOF;
	counters_add(shard->counters, COUNTER_RECEIVED, (size_t)got);
	size_t n = upcase_stream_update(
	    &conn->upcase, shard->output, shard->input, (size_t)got);
	enum conn_event event = answer(conn, n);
	if (event != CONN_FAILED && upcase_stream_refused(&conn->upcase))
		return CONN_REFUSED;
	if (event != CONN_FAILED && got >= KERNEL_BUFFERS_BULK)
		shard_note_bulk(shard, conn);
	return event;
}

enum conn_event
conn_send_pending(struct conn *conn)
{
	struct shard *shard = conn->shard;
	enum conn_event event = CONN_NOTHING;
	if (conn->pending == NULL)
		return CONN_FLUSHED;
	while (conn->pending != NULL) {
		struct iovec pieces[PIECES];
		size_t left;
		size_t n = pool_pieces(conn->pending, pieces, PIECES, &left);
		ssize_t sent = sys_sendv(conn->watch.fd, pieces, n);
		if (sent == -1)
			return conn_what_failed() == CONN_FAILED ? CONN_FAILED
								 : event;
		counters_add(shard->counters, COUNTER_SENT, (size_t)sent);
		conn->reads = true;
		conn->pending = pool_drop(&shard->pool, conn->pending,
		    (size_t)sent, loop_now(shard->loop));
		event = CONN_MOVED;
		/* A short send means that the kernel is full. */
		if ((size_t)sent < left)
			return event;
	}
	return sys_set_partial(conn->watch.fd, false) == -1 ? CONN_FAILED
							    : CONN_FLUSHED;
}

enum conn_event
conn_discard(struct conn *conn)
{
	struct shard *shard = conn->shard;
	ssize_t got = sys_recv(conn->watch.fd, shard->input, SHARD_INPUT);
	if (got == -1)
		return conn_what_failed();
	return got == 0 ? CONN_EOF : CONN_MOVED;
}
