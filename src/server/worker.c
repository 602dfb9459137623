/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/worker.h"

#include "base/owner.h"
#include "base/sys.h"
#include "server/conn_machine.h"
#include "server/service.h"

#include <errno.h>

/* NULL: those of other threads. */
static const struct service *const services[NSERVICES] = {
    [SERVICE_TEXT] = &service_text,
};

static void
follow_settings(struct worker *worker)
{
	const struct settings *settings = atomic_load(&worker->settings);
	if (settings == worker->shard.settings)
		return;
	loop_set_busy_poll(worker->loop, settings->busy_poll_us);
	shard_set(&worker->shard, settings);
	atomic_store(&worker->followed, settings);
}

void
worker_obey(struct worker *worker)
{
	struct shard *shard = &worker->shard;
	/* Read first, so that sockets handed over before an order obey it. */
	bool drain = atomic_load(&worker->drain);
	bool cut = atomic_load(&worker->cut);
	struct handoff handoff;
	while (handover_take(&worker->handover, &handoff)) {
		/* Here those are seen that were set before it was accepted. */
		follow_settings(worker);
		services[handoff.service]->start(shard, &handoff);
	}
	follow_settings(worker);
	bool drains = drain && !shard->draining;
	for (size_t i = 0; i < NSERVICES && (drains || cut); i++) {
		if (services[i] == NULL)
			continue;
		if (drains)
			services[i]->drain(shard);
		if (cut)
			services[i]->cut(shard);
	}
}

static void
report_activity(void *arg)
{
	struct worker *worker = arg;
	atomic_store_explicit(&worker->reports, false, memory_order_relaxed);
	bell_ring(&worker->wake->bell);
}

/* These are asked of a worker with a thread alone. */
static void
hear(struct bell *bell)
{
	struct worker *worker = OWNER_OF(bell, struct worker, bell);
	atomic_store_explicit(&worker->seen_probe,
	    atomic_load_explicit(&worker->probe, memory_order_relaxed),
	    memory_order_relaxed);
	if (atomic_load_explicit(&worker->reports, memory_order_relaxed))
		loop_on_activity(worker->loop, report_activity, worker);
	worker_obey(worker);
}

/* Lets the worker see what was stored for it. */
static void
post(struct worker *worker)
{
	if (worker->has_thread)
		bell_ring(&worker->bell);
	else
		worker_obey(worker);
}

int
worker_open(struct worker *worker, struct loop *loop,
    const struct settings *settings, size_t nslots, size_t nblocks)
{
	worker->loop = loop;
	atomic_store(&worker->settings, settings);
	atomic_store(&worker->followed, settings);
	loop_set_busy_poll(loop, settings->busy_poll_us);
	/* Without a thread it takes each at once, so one place is enough. */
	if (handover_open(&worker->handover, worker->has_thread ? nslots : 1,
		settings->log_connections) == 0) {
		if (shard_open(&worker->shard, loop, settings,
			&worker->counters, nslots, nblocks, conn_expired,
			conn_evict) == 0)
			return 0;
		handover_close(&worker->handover);
	}
	errno = ENOMEM;
	return -1;
}

int
worker_open_thread(struct worker *worker, const char *backend,
    struct worker_wake *wake, const struct settings *settings, size_t nslots,
    size_t nblocks)
{
	struct loop *loop = loop_open(backend);
	if (loop == NULL)
		return -1;
	worker->has_thread = true;
	worker->wake = wake;
	if (bell_open(&worker->bell, loop, hear) == 0) {
		if (worker_open(worker, loop, settings, nslots, nblocks) == 0)
			return 0;
		bell_close(&worker->bell, loop);
	}
	int saved = errno;
	loop_close(loop);
	errno = saved;
	return -1;
}

void
worker_close(struct worker *worker)
{
	shard_close(&worker->shard);
	handover_close(&worker->handover);
	if (!worker->has_thread)
		return;
	bell_close(&worker->bell, worker->loop);
	loop_close(worker->loop);
}

void
worker_note_ends(struct worker *worker, size_t n)
{
	atomic_fetch_add(&worker->ngone, n);
	/* In this order: see has_at_most in server.c. */
	if (worker->has_thread && atomic_exchange(&worker->wake->wanted, false))
		bell_ring(&worker->wake->bell);
}

void
worker_turn(struct worker *worker)
{
	if (loop_turn_or_pause(worker->loop) == -1)
		counters_add(&worker->counters, COUNTER_WAIT_FAILURES, 1);
	worker_release(worker);
}

static void *
serve_on(void *arg)
{
	struct worker *worker = arg;
	/* The time up to here is no turn. */
	loop_catch_up(worker->loop, sys_now());
	while (!atomic_load(&worker->stop))
		worker_turn(worker);
	return NULL;
}

int
worker_start(struct worker *worker)
{
	atomic_store(&worker->stop, false);
	return sys_thread_start(&worker->thread, serve_on, worker);
}

void
worker_hand(struct worker *worker, const struct handoff *handoff)
{
	worker->nhanded++;
	handover_put(&worker->handover, handoff);
	post(worker);
}

size_t
worker_load(struct worker *worker)
{
	return worker->nhanded - atomic_load(&worker->ngone);
}

struct worker_figures
worker_figures(struct worker *worker)
{
	struct worker_figures figures = {
	    .connections = worker_load(worker),
	    .turns = loop_turns(worker->loop),
	    .longest_ms = loop_longest(worker->loop),
	    .held = pool_held(&worker->shard.pool),
	    .blocks = worker->shard.pool.nblocks,
	};
	for (unsigned i = 0; i < CONN_NSTATES; i++)
		figures.states[i] =
		    shard_in_state(&worker->shard, (enum conn_state)i);
	return figures;
}

void
worker_forget_all(struct worker *worker)
{
	worker->nhanded = atomic_load(&worker->ngone);
}

void
worker_set(struct worker *worker, const struct settings *settings)
{
	atomic_store(&worker->settings, settings);
	post(worker);
}

bool
worker_follows(const struct worker *worker)
{
	return atomic_load(&worker->followed) == atomic_load(&worker->settings);
}

void
worker_drain(struct worker *worker)
{
	atomic_store(&worker->drain, true);
	post(worker);
}

void
worker_cut(struct worker *worker)
{
	atomic_store(&worker->cut, true);
	post(worker);
}

bool
worker_probe(struct worker *worker)
{
	if (!worker->has_thread)
		return true;
	unsigned probe =
	    atomic_load_explicit(&worker->probe, memory_order_relaxed);
	unsigned seen =
	    atomic_load_explicit(&worker->seen_probe, memory_order_relaxed);
	atomic_store_explicit(&worker->probe, probe + 1, memory_order_relaxed);
	post(worker);
	return seen == probe;
}

void
worker_report_activity(struct worker *worker)
{
	/* To wake it for what it does anyhow would count as activity. */
	if (atomic_load_explicit(&worker->reports, memory_order_relaxed))
		return;
	atomic_store_explicit(&worker->reports, true, memory_order_relaxed);
	post(worker);
}

void
worker_stop(struct worker *worker)
{
	atomic_store(&worker->stop, true);
	post(worker);
	if (worker->has_thread)
		sys_thread_join(worker->thread);
}
