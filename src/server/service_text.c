/* SPDX-License-Identifier: ISC */
/*
 * The service of upcased: text comes in, and goes back in upper case.  Each
 * connection is a state machine.
 */
#include "config.h"

#include "base/sys.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/service.h"

static void
start(struct shard *shard, const struct handoff *handoff)
{
	struct conn *conn = shard_take_slot(shard);
	if (shard->records != NULL)
		record_begin(shard_record(shard, conn), &handoff->peer,
		    loop_now(shard->loop));
	if (conn_start(conn, shard, handoff->fd) == 0)
		return;
	shard_warn(shard);
	/* A plain close would pass for the answer to an empty text. */
	(void)sys_set_reset(handoff->fd);
	counters_add(shard->counters, COUNTER_FAILED, 1);
	watch_init(&conn->watch, handoff->fd, NULL);
	conn->state = CONN_CLOSED;
	conn->cause = COUNTER_FAILED;
	shard_retire(shard, conn);
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
    .mark = "",
    .number = SERVICE_TEXT,
    .start = start,
    .drain = drain,
    .cut = cut,
};
