/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/conns.h"

#include "base/sys.h"
#include "server/report.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* The most connections that are looked at for some to detach. */
enum { LOOKS_MOST = 16384 };

/*
 * How many connections are looked at for progress before one is evicted: what
 * the kernel holds for a peer can shrink for a while before it takes more.
 */
enum { ASKED_MOST = 16 };

/*
 * Memory that was used in a burst, and not in this long afterwards, in ms, goes
 * back to the system.
 */
enum { TRIM_MS = 60000 };

/* This many blocks at a time, this many ms apart: clients wait meanwhile. */
enum { STEP_BLOCKS = 128, STEP_MS = 10 };

/*
 * The times between two looks at what is delivered, in ms.  The first leaves
 * time for an acknowledgement in a local network.  The last, which is repeated,
 * is how long a place may be taken for nothing.
 */
static const uint64_t looks[CONNS_LOOKS] = {4, 32, 256, 1000};

static void trim(struct timer *);

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
	    .settings = settings,
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
	const uint64_t spans[CONNS_LOOK] = {
	    [CONNS_IDLE] = settings->idle_ms,
	    [CONNS_STALL] = settings->stall_ms,
	    [CONNS_LINGER] = settings->linger_ms,
	};
	for (int i = 0; i < CONNS_NEVER; i++)
		timer_queue_init(&conns->deadlines[i], loop_timers(loop),
		    i < CONNS_LOOK ? spans[i] : looks[i - CONNS_LOOK],
		    conn_expired);
	timer_queue_init(&conns->trims, loop_timers(loop), TRIM_MS, trim);
	timer_queue_init(&conns->steps, loop_timers(loop), STEP_MS, trim);
	timer_init(&conns->trim);
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

void
conns_warn(struct conns *conns)
{
	char note[LOG_NOTE_MAX];
	if (log_limit_pass(&conns->failures, loop_now(conns->loop), note))
		log_warn("cannot serve a connection%s", note);
}

void
conns_note_bulk(struct conns *conns, struct conn *conn)
{
	buffers_note_bulk(&conns->buffers, conn, loop_now(conns->loop));
	conns->has_bulk = true;
	conns_note_use(conns);
}

/*
 * Gives back what was not used since the last time.  An idle server has nothing
 * left to give then, and sleeps.
 */
static void
trim(struct timer *timer)
{
	struct conns *conns = LIST_OWNER(timer, struct conns, trim);
	if (pool_trim(&conns->pool, STEP_BLOCKS)) {
		timer_arm(&conns->steps, &conns->trim, loop_now(conns->loop));
		return;
	}
	bool has_more = pool_begin(&conns->pool);
	if (!conns->has_bulk) {
		sys_give_back(conns->input, CONNS_INPUT);
		sys_give_back(conns->output, UPCASE_BOUND(CONNS_INPUT));
	}
	if (has_more || conns->has_bulk)
		conns_note_use(conns);
	conns->has_bulk = false;
}

void
conns_adopt(struct conns *conns, int handed)
{
	int fd = handed & ~HANDOVER_OWES;
	struct conn *conn = take_slot(conns);
	/* The server hands over no more connections than there are slots. */
	assert(conn != NULL);
	if (conn_start(conn, conns, fd, handed != fd) == 0)
		return;
	conns_warn(conns);
	/* A plain close would pass for the answer to an empty text. */
	(void)sys_set_reset(fd);
	counters_add(conns->counters, COUNTER_FAILED, 1);
	watch_init(&conn->watch, fd, NULL);
	conn->state = CONN_CLOSED;
	conns_retire(conns, conn);
}

/* Takes a connection out of all books, and returns what to hand over, or -1. */
static int
detach(struct conns *conns, struct conn *conn)
{
	int handed = conn->watch.fd;
	if (conn->answered > 0)
		handed |= HANDOVER_OWES;
	if (loop_watch(conns->loop, &conn->watch, POLLER_NOTHING) == -1)
		return -1;
	timer_disarm(&conn->timer);
	buffers_withdraw(&conns->buffers, conn, loop_now(conns->loop));
	give_slot(conns, conn);
	return handed;
}

size_t
conns_detach(struct conns *conns, size_t most, struct handover *to)
{
	/* Those that were armed last have mostly just been active. */
	const struct list *armed = &conns->deadlines[CONNS_IDLE].armed;
	struct list *link = armed->prev;
	size_t n = 0;
	for (int i = 0; link != armed && n < most && i < LOOKS_MOST; i++) {
		struct conn *conn = LIST_OWNER(link, struct conn, timer.link);
		link = link->prev;
		int handed = -1;
		if (upcase_stream_is_at_rest(&conn->upcase))
			handed = detach(conns, conn);
		if (handed == -1)
			continue;
		handover_put(to, handed);
		n++;
	}
	return n;
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
	/* The kernel may go on alone with these. */
	for (size_t i = 0; i < conns->nfresh; i++) {
		struct conn *conn = &conns->slots[i];
		if (conn->state != CONN_DELIVERING)
			continue;
		timer_disarm(&conn->timer);
		conn_expired(&conn->timer);
	}
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

/* Looks what the kernel holds of the answer; true if the peer takes it. */
static bool
look_for_progress(struct conns *conns, const struct conn *conn)
{
	return pool_note_held(&conns->pool, conn->pending,
	    sys_unacknowledged(conn->watch.fd), loop_now(conns->loop));
}

static void
evict(struct conns *conns)
{
	uint64_t now = loop_now(conns->loop);
	struct conn *conn = pool_costliest(&conns->pool, now);
	for (int i = 0; i < ASKED_MOST && look_for_progress(conns, conn); i++)
		conn = pool_costliest(&conns->pool, now);
	conn_evict(conn, COUNTER_EVICTED);
}

size_t
conns_evict(struct conns *conns, size_t most)
{
	while (pool_room(&conns->pool) < UPCASE_BOUND(CONNS_INPUT_MIN))
		evict(conns);
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
