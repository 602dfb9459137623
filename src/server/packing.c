/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/packing.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/transport.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/service.h"

#include <stdio.h>
#include <string.h>

static size_t
pending_of(const struct conn *conn)
{
	if (conn->state == CONN_DELIVERING)
		return 0;
	return pool_size(conn->pending);
}

void
packing_measure(const struct shard *shard, size_t *nconns, size_t *npending)
{
	for (size_t i = 0; i < shard->nfresh; i++) {
		const struct conn *conn = &shard->slots[i];
		if (conn->state == CONN_CLOSED)
			continue;
		++*nconns;
		*npending += pending_of(conn);
	}
}

void
packing_begin(struct packing *packing, const struct inventory_header *header,
    unsigned char *bytes, int *fds)
{
	*packing = (struct packing){.bytes = bytes};
	packing->fds = fds;
	memcpy(bytes, header, sizeof *header);
	inventory_lay_out(&packing->inventory, header);
	packing->end = packing->inventory.pending;
}

void
packing_add_counters(
    struct packing *packing, const size_t totals[static NCOUNTERS])
{
	for (size_t i = 0; i < NCOUNTERS; i++) {
		struct inventory_counter counter = {.value = totals[i]};
		(void)snprintf(counter.name, sizeof counter.name, "%s",
		    counter_rows[i].name);
		memcpy(packing->bytes + packing->inventory.counters +
			   i * sizeof counter,
		    &counter, sizeof counter);
	}
}

void
packing_add_listeners(
    struct packing *packing, const struct listeners *listeners)
{
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		const struct listener *listener = listener_at(link);
		struct inventory_listener record = {.length = listener->length,
		    .number = (uint32_t)listener->number,
		    .is_passed = listener->is_passed};
		(void)snprintf(record.transport, sizeof record.transport, "%s",
		    listener->transport->name);
		(void)snprintf(record.service, sizeof record.service, "%s",
		    listener->service->name);
		memcpy(record.address, &listener->address, listener->length);
		memcpy(packing->bytes + packing->inventory.listeners +
			   packing->nlisteners * sizeof record,
		    &record, sizeof record);
		packing->fds[packing->nlisteners++] = listener->watch.fd;
	}
}

/* Copies the pending output behind that of the others. */
static void
add_pending(struct packing *packing, const struct block *block,
    struct inventory_conn *record)
{
	if (block == NULL)
		return;
	record->moved = block->moved;
	record->held =
	    block->held < UINT32_MAX ? (uint32_t)block->held : UINT32_MAX;
	for (; block != NULL; block = block->next) {
		size_t n = block->end - block->start;
		memcpy(packing->bytes + packing->end,
		    block->bytes + block->start, n);
		packing->end += n;
		record->pending += n;
	}
}

static void
add_conn(struct packing *packing, struct shard *shard, unsigned worker,
    struct conn *conn)
{
	struct inventory_conn record = {
	    .began = conn_began(conn),
	    .answered = conn->answered,
	    .state = conn->state,
	    .cause = conn->cause,
	    .service = SERVICE_TEXT,
	    .worker = (uint16_t)worker,
	    .reads = conn->reads,
	    .is_large = kernel_buffers_has(&shard->buffers, conn),
	};
	upcase_stream_save(&conn->upcase, &record.text);
	if (shard->records != NULL)
		record_save(shard_record(shard, conn), &record);
	if (conn->state == CONN_DELIVERING) {
		record.held = conn->held.left;
		/* As conn_began: of no limit, nothing has passed. */
		record.held_since =
		    shard->settings->stall_ms != 0
			? conn->held.since
			: (uint32_t)loop_now(shard->loop) % CONN_TIME;
		record.nlooks = conn->held.nlooks;
	} else {
		add_pending(packing, conn->pending, &record);
	}
	memcpy(packing->bytes + packing->inventory.conns +
		   packing->nconns * sizeof record,
	    &record, sizeof record);
	packing->fds[packing->inventory.header.nlisteners + packing->nconns] =
	    conn->watch.fd;
	packing->nconns++;
	conn_leave(conn);
}

void
packing_add_conns(struct packing *packing, struct shard *shard, unsigned worker)
{
	for (size_t i = 0; i < shard->nfresh; i++) {
		if (shard->slots[i].state != CONN_CLOSED)
			add_conn(packing, shard, worker, &shard->slots[i]);
	}
	record_tell(&shard->lines);
}
