/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/shard.h"

#include "base/owner.h"
#include "base/sys.h"
#include "server/conn_state.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * How many candidates are asked for progress before one is evicted: a peer can
 * read for a while before the kernel takes more of the pending output.  Of 60
 * slow readers beside 200 clients that never read and come again at once, 57
 * got their whole answer, and 53 when nobody was asked.
 */
enum { ASKED_MOST = 16 };

/*
 * Memory that was used in a burst goes back to the system when it was not used
 * for this long, in ms: of 155 MiB that a burst of 3,000 clients took, 3 stay.
 */
enum { TRIM_MS = 60000 };

/*
 * Blocks go back this many at a time, and this many ms apart, as each takes a
 * system call, and clients wait meanwhile: 0.6 ms for a step, and 70 ms if all
 * of 256 MiB went back at once.
 */
enum { STEP_BLOCKS = 128, STEP_MS = 10 };

/*
 * The times between two looks at what the kernel has to deliver, in ms.  The
 * first leaves time for an acknowledgement in a local network.  The last, which
 * is repeated, is how long a connection may keep its place after its peer has
 * taken all.  A peer that reads after 4 s is looked at 9 times, and 930 times
 * if all looks were 4 ms apart; the place of one that reads at once is free
 * after 4 ms, and after 1000 if all were that far apart.
 */
static const uint64_t looks[SHARD_LOOKS] = {4, 32, 256, 1000};

static void trim(struct timer *);
static void tell(struct timer *);

/*
 * Memory that begins with a cache line, or NULL.  The kernel copies faster to
 * such a place than to one 16 bytes behind it, where malloc puts large memory:
 * a byte of bulk takes 0.8 of the processor time.
 */
static void *
take_lines(size_t size)
{
	void *lines;
	return posix_memalign(&lines, CONN_ALIGNMENT, size) == 0 ? lines : NULL;
}

static int
take_memory(struct shard *shard, size_t nslots, size_t nblocks)
{
	shard->input = take_lines(SHARD_INPUT);
	shard->output = take_lines(UPCASE_BOUND(SHARD_INPUT));
	/* Slots that are never used are never touched, and take no memory. */
	if (nslots <= SIZE_MAX / sizeof *shard->slots)
		shard->slots = take_lines(nslots * sizeof *shard->slots);
	shard->source_of = calloc(nslots, sizeof *shard->source_of);
	if (settings_keep_records(shard->settings) &&
	    nslots <= SIZE_MAX / sizeof *shard->records)
		shard->records = take_lines(nslots * sizeof *shard->records);
	if (shard->input == NULL || shard->output == NULL ||
	    shard->slots == NULL || shard->source_of == NULL ||
	    (settings_keep_records(shard->settings) && shard->records == NULL))
		return -1;
	return pool_open(&shard->pool, nblocks);
}

/* The span of a deadline under the present settings, in ms; 0: no limit. */
static uint64_t
span_of(const struct shard *shard, enum shard_deadline deadline)
{
	const struct settings *settings = shard->settings;
	switch (deadline) {
	case SHARD_IDLE:
		return shard->draining ? settings->quiet_ms : settings->idle_ms;
	case SHARD_STALL:
		return settings->stall_ms;
	case SHARD_LINGER:
		return shard->draining ? settings->quiet_ms
				       : settings->linger_ms;
	case SHARD_GREETING:
		return shard->draining ? settings->quiet_ms
				       : settings->greeting_ms;
	case SHARD_LOOK:
	case SHARD_NDEADLINES:
		break;
	}
	return looks[deadline - SHARD_LOOK];
}

int
shard_open(struct shard *shard, struct loop *loop,
    const struct settings *settings, struct counters *counters, size_t nslots,
    size_t nblocks, void (*expired)(struct timer *),
    void (*evict)(struct conn *, enum counter cause))
{
	*shard = (struct shard){
	    .loop = loop,
	    .settings = settings,
	    .counters = counters,
	    .buffers.nlarge = kernel_buffers_large(settings->workers),
	    .nslots = nslots,
	    .evict = evict,
	};
	list_init(&shard->free);
	list_init(&shard->closed);
	if (take_memory(shard, nslots, nblocks) == -1) {
		shard_close(shard);
		errno = ENOMEM;
		return -1;
	}
	for (unsigned i = 0; i < SHARD_NDEADLINES; i++)
		timer_queue_init(&shard->deadlines[i], loop_timers(loop),
		    span_of(shard, (enum shard_deadline)i), expired);
	timer_queue_init(&shard->trims, loop_timers(loop), TRIM_MS, trim);
	timer_queue_init(&shard->steps, loop_timers(loop), STEP_MS, trim);
	timer_init(&shard->trim);
	timer_queue_init(
	    &shard->tellings, loop_timers(loop), RECORD_TELL_MS, tell);
	timer_init(&shard->telling);
	return 0;
}

void
shard_close(struct shard *shard)
{
	record_tell(&shard->lines);
	pool_close(&shard->pool);
	free(shard->source_of);
	free(shard->records);
	free(shard->slots);
	free(shard->output);
	free(shard->input);
}

struct conn *
shard_take_slot(struct shard *shard)
{
	struct list *link = list_first(&shard->free);
	if (link != NULL) {
		list_remove(link);
		return OWNER_OF(link, struct conn, timer.link);
	}
	/* The server hands over no more connections than there are slots. */
	assert(shard->nfresh < shard->nslots);
	return &shard->slots[shard->nfresh++];
}

static void
give_slot(struct shard *shard, struct conn *conn)
{
	uint32_t *source = &shard->source_of[conn - shard->slots];
	if (*source != SOURCES_NONE) {
		sources_leave(shard->sources, *source);
		*source = SOURCES_NONE;
	}
	conn->state = CONN_CLOSED;
	list_init(&conn->timer.link);
	/* In front, so that slots which the cache still has are used again. */
	list_append(shard->free.next, &conn->timer.link);
}

void
shard_warn(struct shard *shard)
{
	char note[LOG_NOTE_MAX];
	if (log_limit_pass(&shard->failures, loop_now(shard->loop), note))
		log_warn("cannot serve a connection%s", note);
}

void
shard_note_bulk(struct shard *shard, struct conn *conn)
{
	kernel_buffers_note_bulk(
	    &shard->buffers, shard->settings, conn, loop_now(shard->loop));
	shard->has_bulk = true;
	shard_note_use(shard);
}

/*
 * Gives back what was not used since the last time.  When nothing is left that
 * could be given back, the timer stays disarmed, and an idle server sleeps.
 */
static void
trim(struct timer *timer)
{
	struct shard *shard = OWNER_OF(timer, struct shard, trim);
	if (pool_trim(&shard->pool, STEP_BLOCKS)) {
		timer_arm(&shard->steps, &shard->trim, loop_now(shard->loop));
		return;
	}
	bool has_more = pool_begin(&shard->pool);
	if (!shard->has_bulk) {
		sys_give_back(shard->input, SHARD_INPUT);
		sys_give_back(shard->output, UPCASE_BOUND(SHARD_INPUT));
	}
	if (has_more || shard->has_bulk)
		shard_note_use(shard);
	shard->has_bulk = false;
}

/* Changes the spans that have to be others by now. */
static void
set_spans(struct shard *shard,
    void (*change)(struct timer_queue *, uint64_t span, uint64_t now))
{
	uint64_t now = loop_now(shard->loop);
	for (unsigned i = 0; i < SHARD_LOOK; i++) {
		struct timer_queue *queue = &shard->deadlines[i];
		uint64_t span = span_of(shard, (enum shard_deadline)i);
		if (span != queue->span)
			change(queue, span, now);
	}
}

/* What was waited for without a limit has all of the one that there is now. */
static void
begin_stalls(struct shard *shard)
{
	uint32_t now = (uint32_t)loop_now(shard->loop);
	for (unsigned i = SHARD_LOOK; i < SHARD_NDEADLINES; i++) {
		const struct list *armed = &shard->deadlines[i].armed;
		for (struct list *link = armed->next; link != armed;
		     link = link->next)
			OWNER_OF(link, struct conn, timer.link)->held.since =
			    now % CONN_TIME;
	}
}

void
shard_set(struct shard *shard, const struct settings *settings)
{
	if (shard->settings->stall_ms == 0)
		begin_stalls(shard);
	shard->settings = settings;
	set_spans(shard, timer_queue_set_span);
}

void
shard_drain(struct shard *shard)
{
	shard->draining = true;
	/* Who was idle for long has a moment all the same, to be heard. */
	set_spans(shard, timer_queue_restart);
}

static void
tell(struct timer *timer)
{
	record_tell(&OWNER_OF(timer, struct shard, telling)->lines);
}

static void
log_end(struct shard *shard, const struct conn *conn)
{
	uint64_t now = loop_now(shard->loop);
	record_log(shard_record(shard, conn), &shard->lines, conn->watch.fd,
	    (enum counter)conn->cause, now);
	if (shard->lines.left_out > 0 && !timer_is_armed(&shard->telling))
		timer_arm(&shard->tellings, &shard->telling, now);
}

size_t
shard_release_closed(struct shard *shard)
{
	size_t n = 0;
	struct list *link;
	while ((link = list_first(&shard->closed)) != NULL) {
		struct conn *conn = OWNER_OF(link, struct conn, timer.link);
		list_remove(link);
		if (shard->settings->log_connections)
			log_end(shard, conn);
		(void)sys_close(conn->watch.fd);
		give_slot(shard, conn);
		n++;
	}
	return n;
}

/* Asks how much the kernel holds of the answer; true if the peer takes it. */
static bool
look_for_progress(struct shard *shard, struct conn *conn)
{
	bool reads = pool_note_held(&shard->pool, conn->pending,
	    sys_unacknowledged(conn->watch.fd), loop_now(shard->loop));
	conn->reads |= reads;
	return reads;
}

static struct conn *
find_costliest(struct shard *shard)
{
	uint64_t now = loop_now(shard->loop);
	struct conn *conn = pool_costliest(&shard->pool, now);
	for (int i = 0; i < ASKED_MOST && look_for_progress(shard, conn); i++)
		conn = pool_costliest(&shard->pool, now);
	return conn;
}

void
shard_make_room(struct shard *shard)
{
	while (pool_is_full(&shard->pool))
		shard->evict(find_costliest(shard), COUNTER_EVICTED);
}

void
shard_retire(struct shard *shard, struct conn *conn)
{
	timer_disarm(&conn->timer);
	kernel_buffers_release(&shard->buffers, conn);
	list_append(&shard->closed, &conn->timer.link);
}

void
shard_forget(struct shard *shard, struct conn *conn)
{
	timer_disarm(&conn->timer);
	kernel_buffers_release(&shard->buffers, conn);
	give_slot(shard, conn);
}
