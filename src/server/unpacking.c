/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/unpacking.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/transport.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/service.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The counter of that name, or NCOUNTERS. */
static enum counter
find_counter(const char *name)
{
	int i = 0;
	while (i < NCOUNTERS && strcmp(counter_rows[i].name, name) != 0)
		i++;
	return (enum counter)i;
}

void
unpack_counters(const struct inventory *inventory, struct counters *counters)
{
	struct inventory_counter counter;
	for (size_t i = 0; i < inventory->header.ncounters; i++) {
		inventory_counter(inventory, i, &counter);
		enum counter known = find_counter(counter.name);
		if (known != NCOUNTERS)
			counters_add(counters, known, (size_t)counter.value);
	}
}

void
unpack_listeners(const struct inventory *inventory, const int *fds,
    struct listeners *const of[static NSERVICES])
{
	struct inventory_listener record;
	for (size_t i = 0; i < inventory->header.nlisteners; i++) {
		inventory_listener(inventory, i, &record);
		struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
		const struct listen_address at = {
		    .transport = &transport_tcp,
		    .service = service_find(record.service),
		    .address = (const struct sockaddr *)&address,
		    .length = record.length,
		};
		bool is_known =
		    strcmp(record.transport, at.transport->name) == 0 &&
		    at.service != NULL && record.length <= sizeof address &&
		    record.length <= sizeof record.address;
		if (is_known)
			memcpy(&address, record.address, record.length);
		/* In a rehearsal another one stands for it. */
		int fd = fds != NULL ? fds[i] : sys_socket(AF_INET);
		if (is_known &&
		    listening_adopt(of[at.service->number], &at, record.number,
			record.is_passed == 1, fd) == 0)
			continue;
		log_warnx("a listener that was handed over is not understood; "
			  "it is closed");
		(void)sys_close(fd);
	}
}

void
unpack_none(struct counters *counters, int fd)
{
	/* A plain close would pass for the end of the answer. */
	(void)sys_set_reset(fd);
	(void)sys_close(fd);
	counters_add(counters, COUNTER_FAILED, 1);
}

/* True when a connection can be as the record says. */
static bool
is_possible(const struct inventory_conn *record)
{
	enum conn_state state = (enum conn_state)record->state;
	bool can_send = state == CONN_SENDING || state == CONN_FINISHING ||
			state == CONN_ENDING;
	return state < CONN_CLOSED && record->service == SERVICE_TEXT &&
	       (record->pending == 0 || can_send) &&
	       (record->pending != 0 || state != CONN_SENDING) &&
	       record->nlooks < SHARD_LOOKS;
}

static int
unpack_text(struct conn *conn, const struct inventory *inventory,
    const struct inventory_conn *record)
{
	struct inventory_counter counter = {.name = ""};
	if (record->cause < inventory->header.ncounters)
		inventory_counter(inventory, record->cause, &counter);
	enum counter cause = find_counter(counter.name);
	if (cause > COUNTER_FAILED || !is_possible(record) ||
	    upcase_stream_restore(&conn->upcase, &record->text) == -1)
		return -1;
	conn->state = record->state;
	conn->cause = cause & 15;
	conn->reads = record->reads & 1U;
	conn->answered = record->answered & 2047U;
	return 0;
}

static void
unpack_output(struct conn *conn, const struct inventory_conn *record,
    const unsigned char *pending)
{
	struct shard *shard = conn->shard;
	conn->pending = NULL;
	if (record->state == CONN_DELIVERING)
		conn->held = (struct conn_held){
		    .left = record->held,
		    .since = record->held_since % CONN_TIME,
		    .nlooks = record->nlooks & 3U,
		};
	if (record->pending == 0)
		return;
	uint64_t now = loop_now(shard->loop);
	conn->pending = pool_store(&shard->pool, pending,
	    (size_t)record->pending, conn, conn->reads, now);
	pool_resume(conn->pending, record->moved < now ? record->moved : now,
	    record->held);
	shard_note_use(shard);
}

int
unpack_conn(const struct inventory *inventory,
    const struct inventory_conn *record, const unsigned char *pending,
    struct shard *shard, int fd)
{
	uint64_t now = loop_now(shard->loop);
	uint64_t began = record->began < now ? record->began : now;
	struct conn *conn = shard_take_slot(shard);
	conn->shard = shard;
	timer_init(&conn->timer);
	watch_init(&conn->watch, fd, NULL);
	if (record->pending > pool_room(&shard->pool) ||
	    unpack_text(conn, inventory, record) == -1) {
		shard_forget(shard, conn);
		unpack_none(shard->counters, fd);
		return -1;
	}
	unpack_output(conn, record, pending);
	if (shard->records != NULL)
		record_restore(shard_record(shard, conn), record, fd, now);
	kernel_buffers_resume(
	    &shard->buffers, shard->settings, conn, record->is_large, now);
	if (conn_go_on(conn, fd, began) == 0)
		return 0;
	shard_warn(shard);
	conn_leave(conn);
	unpack_none(shard->counters, fd);
	return -1;
}
