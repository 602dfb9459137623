/* SPDX-License-Identifier: ISC */
/*
 * The service of upcased: text comes in, and goes back in upper case.  Each
 * connection is a state machine.
 */
#include "config.h"

#include "base/sys.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/farewell.h"
#include "server/service.h"

/* Resets a connection that is not served at all. */
static void
turn_away(struct shard *shard, struct conn *conn, int fd, enum counter cause)
{
	/* A plain close would pass for the answer to an empty text. */
	(void)sys_set_reset(fd);
	counters_add(shard->counters, cause, 1);
	watch_init(&conn->watch, fd, NULL);
	timer_init(&conn->timer);
	conn->state = CONN_CLOSED;
	conn->cause = cause & 15;
	shard_retire(shard, conn);
}

/* Whoever could send a header unasked could be any client. */
static bool
is_forbidden(const struct shard *shard, const struct handoff *handoff)
{
	const struct settings *settings = shard->settings;
	return handoff->is_proxied &&
	       !prefixes_have(
		   settings->proxies, settings->nproxies, &handoff->peer.any);
}

static void
start(struct shard *shard, const struct handoff *handoff)
{
	struct conn *conn = shard_take_slot(shard);
	int fd = handoff->fd;
	shard_keep_source(shard, conn, handoff->source);
	if (shard->records != NULL)
		record_begin(shard_record(shard, conn), &handoff->peer,
		    loop_now(shard->loop));
	if (is_forbidden(shard, handoff)) {
		farewell_log(&shard->ends[COUNTER_PROXY_FORBIDDEN],
		    loop_now(shard->loop), fd, shard_client(shard, conn),
		    COUNTER_PROXY_FORBIDDEN);
		turn_away(shard, conn, fd, COUNTER_PROXY_FORBIDDEN);
	} else if (conn_start(conn, shard, fd, handoff->is_proxied) == -1) {
		shard_warn(shard);
		turn_away(shard, conn, fd, COUNTER_FAILED);
	}
}

/* Connections that only deliver may be left to the kernel: they look now. */
static void
drain(struct shard *shard)
{
	shard_drain(shard);
	for (size_t i = 0; i < shard->nfresh; i++) {
		struct conn *conn = &shard->slots[i];
		if (conn->state != CONN_DELIVERING)
			continue;
		timer_disarm(&conn->timer);
		conn_expired(&conn->timer);
	}
}

static void
cut(struct shard *shard)
{
	for (size_t i = 0; i < shard->nfresh; i++) {
		if (shard->slots[i].state != CONN_CLOSED)
			conn_evict(&shard->slots[i], COUNTER_CUT);
	}
}

const struct service service_text = {
    .name = "text",
    .number = SERVICE_TEXT,
    .start = start,
    .drain = drain,
    .cut = cut,
};
