/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/greeting.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/proxy.h"
#include "server/conn_step.h"
#include "server/farewell.h"
#include "server/shard.h"

#include <string.h>

_Static_assert(PROXY_HEADER_MAX <= POOL_BLOCK_OUTPUT,
    "one block holds any header that is not complete");

/* Whether the client that a header has named may be served. */
static enum conn_event
admit(struct conn *conn, const struct sockaddr *client)
{
	struct shard *shard = conn->shard;
	uint32_t source;
	bool begins = false;
	uint64_t now = loop_now(shard->loop);
	enum counter result = sources_admit(
	    shard->sources, shard->settings, client, now, &source, &begins);
	shard_keep_source(shard, conn, source);
	if (begins)
		shard->throttles(shard->throttles_arg);
	if (result == COUNTER_ACCEPTED)
		return CONN_GREETED;
	farewell_log(&shard->ends[result], now, conn->watch.fd, client, result);
	conn->cause = result & 15;
	return CONN_EVICTED;
}

static enum conn_event
refuse(const struct conn *conn, const char *reason)
{
	log_debug("conn %d: the header is refused: %s", conn->watch.fd, reason);
	return CONN_REFUSED;
}

/* Keeps n bytes of the header behind those that came before. */
static void
keep(struct conn *conn, const unsigned char *bytes, size_t n)
{
	struct shard *shard = conn->shard;
	if (conn->pending != NULL) {
		pool_append(conn->pending, bytes, n);
		return;
	}
	conn->pending = pool_store(
	    &shard->pool, bytes, n, conn, false, loop_now(shard->loop));
	shard_note_use(shard);
}

/* All of it has been taken. */
static enum conn_event
obey(struct conn *conn, const struct proxy_header *header)
{
	struct shard *shard = conn->shard;
	union peer_address client;
	pool_release(&shard->pool, conn->pending);
	conn->pending = NULL;
	/* The proxy speaks for itself, or for one without such an address. */
	if (header->client.any.sa_family == AF_UNSPEC)
		return CONN_GREETED;
	_Static_assert(
	    sizeof client == sizeof header->client, "both are addresses");
	memcpy(&client, &header->client, sizeof client);
	record_set_client(shard_record(shard, conn), &client);
	return admit(conn, &client.any);
}

enum conn_event
conn_greet(struct conn *conn)
{
	struct shard *shard = conn->shard;
	struct proxy_header header;
	size_t held = pool_size(conn->pending);
	unsigned char *fresh = shard->input + held;
	if (held > 0)
		memcpy(shard->input, conn->pending->bytes, held);
	else if (pool_is_full(&shard->pool))
		shard_make_room(shard);
	ssize_t got = sys_peek(conn->watch.fd, fresh, PROXY_HEADER_MAX - held);
	if (got == -1)
		return conn_what_failed();
	if (got == 0)
		return refuse(conn, "it ends too early");
	enum proxy_outcome outcome =
	    proxy_parse(shard->input, held + (size_t)got, &header);
	if (outcome == PROXY_MALFORMED)
		return refuse(conn, header.reason);
	size_t wanted =
	    outcome == PROXY_COMPLETE ? header.length - held : (size_t)got;
	ssize_t taken = sys_recv(conn->watch.fd, fresh, wanted);
	if (taken == -1)
		return conn_what_failed();
	if (outcome == PROXY_COMPLETE && (size_t)taken == wanted)
		return obey(conn, &header);
	keep(conn, fresh, (size_t)taken);
	return CONN_MOVED;
}
