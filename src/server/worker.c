/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/worker.h"

#include "base/log.h"
#include "base/sys.h"

#include <errno.h>

/* How long to wait, in ms, when even waiting failed. */
enum { WAIT_FAILED_MS = 1000 };

/* Does what was ordered, in the worker's own thread. */
static void
obey(struct bell *bell)
{
	struct worker *worker = LIST_OWNER(bell, struct worker, bell);
	/* Read first: what was handed over before an order comes before it. */
	bool drain = atomic_load(&worker->drain);
	bool cut = atomic_load(&worker->cut);
	int fd;
	while ((fd = handover_take(&worker->handover)) != -1)
		conns_adopt(&worker->conns, fd);
	if (drain && !worker->conns.draining)
		conns_drain(&worker->conns);
	if (cut)
		conns_cut(&worker->conns);
}

static int
open_own_loop(struct worker *worker, const char *backend, size_t nslots)
{
	worker->loop = loop_open(backend);
	if (worker->loop == NULL)
		return -1;
	if (handover_open(&worker->handover, nslots) == 0 &&
	    bell_open(&worker->bell, worker->loop, obey) == 0)
		return 0;
	int saved = errno;
	handover_close(&worker->handover);
	loop_close(worker->loop);
	errno = saved;
	return -1;
}

static void
close_own_loop(struct worker *worker)
{
	bell_close(&worker->bell, worker->loop);
	handover_close(&worker->handover);
	loop_close(worker->loop);
}

int
worker_open(struct worker *worker, struct loop *loop,
    struct worker_reports *reports, const struct server_settings *settings,
    size_t nslots, size_t nblocks)
{
	worker->loop = loop;
	worker->reports = reports;
	if (reports != NULL &&
	    open_own_loop(worker, loop_backend(loop), nslots) == -1)
		return -1;
	loop_set_busy_poll(worker->loop, settings->busy_poll_us);
	if (conns_open(&worker->conns, worker->loop, settings,
		&worker->counters, nslots, nblocks) == 0)
		return 0;
	if (reports != NULL)
		close_own_loop(worker);
	errno = ENOMEM;
	return -1;
}

void
worker_close(struct worker *worker)
{
	conns_close(&worker->conns);
	if (worker->reports != NULL)
		close_own_loop(worker);
}

void
worker_note_ends(struct worker *worker, size_t n)
{
	atomic_fetch_add(&worker->ngone, n);
	/* In this order: see has_at_most in server.c. */
	if (worker->reports != NULL &&
	    atomic_exchange(&worker->reports->wanted, false))
		bell_ring(&worker->reports->bell);
}

void
worker_turn(struct loop *loop, struct counters *counters)
{
	if (loop_turn(loop) == 0)
		return;
	counters_add(counters, COUNTER_WAIT_FAILURES, 1);
	log_warn("cannot wait for connections");
	sys_sleep(WAIT_FAILED_MS);
}

static void *
run(void *arg)
{
	struct worker *worker = arg;
	while (!atomic_load(&worker->stop)) {
		worker_turn(worker->loop, &worker->counters);
		worker_release(worker);
	}
	return NULL;
}

int
worker_start(struct worker *worker)
{
	return sys_thread_start(&worker->thread, run, worker);
}

void
worker_hand(struct worker *worker, int fd)
{
	worker->nhanded++;
	if (worker->reports == NULL) {
		conns_adopt(&worker->conns, fd);
		return;
	}
	handover_put(&worker->handover, fd);
	bell_ring(&worker->bell);
}

size_t
worker_load(struct worker *worker)
{
	return worker->nhanded - atomic_load(&worker->ngone);
}

void
worker_drain(struct worker *worker)
{
	if (worker->reports == NULL) {
		conns_drain(&worker->conns);
		return;
	}
	atomic_store(&worker->drain, true);
	bell_ring(&worker->bell);
}

void
worker_cut(struct worker *worker)
{
	if (worker->reports == NULL) {
		conns_cut(&worker->conns);
		return;
	}
	atomic_store(&worker->cut, true);
	bell_ring(&worker->bell);
}

void
worker_stop(struct worker *worker)
{
	if (worker->reports == NULL)
		return;
	atomic_store(&worker->stop, true);
	bell_ring(&worker->bell);
	sys_thread_join(worker->thread);
}
