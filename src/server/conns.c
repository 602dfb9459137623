/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conns.h"

#include "report.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* At how many connections a worker looks for one to yield. */
enum { YIELD_LOOKS = 64 };

static int
take_memory(struct conns *conns, size_t nslots, size_t nblocks)
{
	conns->input = malloc(CONNS_INPUT);
	conns->output = malloc(UPCASE_BOUND(CONNS_INPUT));
	if (conns->input == NULL || conns->output == NULL ||
	    nslots > SIZE_MAX / sizeof *conns->slots)
		return -1;
	/*
	 * Slots that are never used are never touched, so that the system need
	 * not provide them.
	 */
	void *slots;
	if (posix_memalign(
		&slots, CONN_ALIGNMENT, nslots * sizeof *conns->slots) != 0)
		return -1;
	conns->slots = slots;
	return pool_open(&conns->pool, nblocks);
}

int
conns_open(struct conns *conns, struct loop *loop,
    const struct server_settings *settings, struct counters *counters,
    size_t nslots, size_t nblocks)
{
	*conns = (struct conns){
	    .loop = loop,
	    .counters = counters,
	    .invalid = settings->invalid,
	    .quiet_ms = settings->quiet_ms,
	    .nslots = nslots,
	};
	list_init(&conns->free);
	list_init(&conns->closed);
	buffers_init(&conns->buffers, settings);
	if (take_memory(conns, nslots, nblocks) == -1) {
		conns_close(conns);
		errno = ENOMEM;
		return -1;
	}
	const uint64_t spans[CONNS_NEVER] = {
	    [CONNS_IDLE] = settings->idle_ms,
	    [CONNS_STALL] = settings->stall_ms,
	    [CONNS_LINGER] = settings->linger_ms,
	};
	for (int i = 0; i < CONNS_NEVER; i++)
		timer_queue_init(&conns->deadlines[i], loop_timers(loop),
		    spans[i], conn_expired);
	return 0;
}

void
conns_close(struct conns *conns)
{
	pool_close(&conns->pool);
	free(conns->slots);
	free(conns->output);
	free(conns->input);
}

static struct conn *
take_slot(struct conns *conns)
{
	struct list *link = list_first(&conns->free);
	if (link != NULL) {
		list_remove(link);
		return LIST_OWNER(link, struct conn, timer.link);
	}
	if (conns->nfresh == conns->nslots)
		return NULL;
	return &conns->slots[conns->nfresh++];
}

static void
give_slot(struct conns *conns, struct conn *conn)
{
	conn->state = CONN_CLOSED;
	list_init(&conn->timer.link);
	/* In front, so that the slots in use stay few and warm. */
	list_append(conns->free.next, &conn->timer.link);
}

static void
log_adoption_failure(struct conns *conns)
{
	char note[LOG_NOTE_MAX];
	if (log_limit_pass(&conns->adoptions, loop_now(conns->loop), note))
		log_warn("cannot serve a new connection%s", note);
}

void
conns_adopt(struct conns *conns, int fd)
{
	struct conn *conn = take_slot(conns);
	/* The server hands over no more connections than there are slots. */
	assert(conn != NULL);
	if (conn_start(conn, conns, fd) == 0)
		return;
	log_adoption_failure(conns);
	/* A plain close would pass for the answer to an empty text. */
	(void)sys_set_reset(fd);
	counters_add(conns->counters, COUNTER_FAILED, 1);
	watch_init(&conn->watch, fd, NULL);
	conn->state = CONN_CLOSED;
	conns_retire(conns, conn);
}

/*
 * Of the connections at rest the one that was active last, among so many: it
 * takes its share of the work with it, and its idle time has just begun.
 */
static struct conn *
find_at_rest(const struct conns *conns, unsigned most)
{
	const struct list *timers = &conns->deadlines[CONNS_IDLE].timers;
	struct list *link = timers->prev;
	for (; link != timers && most > 0; link = link->prev, most--) {
		struct conn *conn = LIST_OWNER(link, struct conn, timer.link);
		if (upcase_is_at_rest(&conn->upcase))
			return conn;
	}
	return NULL;
}

int
conns_yield(struct conns *conns)
{
	struct conn *conn = find_at_rest(conns, YIELD_LOOKS);
	if (conn == NULL ||
	    loop_watch(conns->loop, &conn->watch, POLLER_NOTHING) == -1)
		return -1;
	timer_disarm(&conn->timer);
	buffers_withdraw(&conns->buffers, conn);
	give_slot(conns, conn);
	return conn->watch.fd;
}

void
conns_drain(struct conns *conns)
{
	conns->draining = true;
	uint64_t now = loop_now(conns->loop);
	timer_queue_set_span(
	    &conns->deadlines[CONNS_IDLE], conns->quiet_ms, now);
	timer_queue_set_span(
	    &conns->deadlines[CONNS_LINGER], conns->quiet_ms, now);
}

void
conns_cut(struct conns *conns)
{
	for (size_t i = 0; i < conns->nfresh; i++) {
		if (conns->slots[i].state != CONN_CLOSED)
			conn_evict(&conns->slots[i], COUNTER_CUT);
	}
}

size_t
conns_release_closed(struct conns *conns)
{
	size_t n = 0;
	struct list *link;
	while ((link = list_first(&conns->closed)) != NULL) {
		struct conn *conn = LIST_OWNER(link, struct conn, timer.link);
		list_remove(link);
		(void)sys_close(conn->watch.fd);
		give_slot(conns, conn);
		n++;
	}
	return n;
}

static void
evict_longest_waiting(struct conns *conns)
{
	struct conn *conn = pool_longest_waiting(&conns->pool);
	assert(conn != NULL);
	report_eviction(
	    &conns->evictions, loop_now(conns->loop), conn->watch.fd);
	conn_evict(conn, COUNTER_EVICTED);
}

size_t
conns_evict(struct conns *conns, size_t most)
{
	while (pool_room(&conns->pool) < UPCASE_BOUND(CONNS_INPUT_MIN))
		evict_longest_waiting(conns);
	size_t room = pool_room(&conns->pool) / UPCASE_EXPANSION - UPCASE_CARRY;
	return room < most ? room : most;
}

void
conns_retire(struct conns *conns, struct conn *conn)
{
	timer_disarm(&conn->timer);
	buffers_release(&conns->buffers, conn);
	list_append(&conns->closed, &conn->timer.link);
}
