/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/server.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "server/announce.h"
#include "server/server_impl.h"
#include "server/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t
server_count_open(struct server *server)
{
	size_t sum = 0;
	for (unsigned i = 0; i < server->nworkers; i++)
		sum += worker_load(&server->workers[i]);
	return sum;
}

/* The worker with the fewest connections. */
static struct worker *
find_least(struct server *server)
{
	struct worker *least = &server->workers[0];
	for (unsigned i = 1; i < server->nworkers; i++) {
		struct worker *worker = &server->workers[i];
		if (worker_load(worker) < worker_load(least))
			least = worker;
	}
	return least;
}

/*
 * True when no more than n connections are open.  Otherwise the next end of a
 * connection wakes the loop.  A worker counts an end and then looks whether a
 * wake is wanted; here it is wanted first and then counted.  So an end that
 * comes between the two counts is either counted here or wakes the loop.
 */
static bool
has_at_most(struct server *server, size_t n)
{
	if (server_count_open(server) <= n)
		return true;
	atomic_store(&server->wake.wanted, true);
	return server_count_open(server) <= n;
}

/* The only place that decides whether a connection may be accepted. */
static bool
may_accept(void *arg)
{
	struct server *server = arg;
	return has_at_most(server, server->connections - 1);
}

static void
serve(const struct handoff *handoff, void *arg)
{
	struct server *server = arg;
	worker_hand(find_least(server), handoff);
}

/* All that counts is that the loop was woken: follow_up does the rest. */
static void
hear_wake(struct bell *bell)
{
	(void)bell;
}

static void
expire_drain(struct timer *timer)
{
	struct server *server = OWNER_OF(timer, struct server, drain);
	server->wanted = CUTTING;
}

struct server *
server_open(const struct settings *settings)
{
	struct server *server = calloc(1, sizeof *server);
	if (server == NULL)
		return NULL;
	server->settings = settings;
	server->is_threaded = settings->workers > 1;
	server->loop = loop_open(settings->backend);
	server->status =
	    server->loop == NULL ? NULL : server_open_status(server);
	if (server->status == NULL ||
	    bell_open(&server->wake.bell, server->loop, hear_wake) == -1) {
		int saved = errno;
		status_close(server->status);
		loop_close(server->loop);
		free(server);
		errno = saved;
		return NULL;
	}
	list_init(&server->errands);
	listeners_init(&server->listeners, server->loop, settings,
	    &server->counters,
	    &(struct listeners_owner){.may_accept = may_accept,
		.accepted = serve,
		.limit = "the limit of connections is reached, new clients "
			 "wait",
		.arg = server});
	timer_queue_init(&server->drains, loop_timers(server->loop),
	    settings->drain_ms, expire_drain);
	timer_init(&server->drain);
	return server;
}

void
server_close(struct server *server)
{
	if (server == NULL)
		return;
	server_stop_workers(server);
	listeners_close(&server->listeners);
	status_close(server->status);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_close(&server->workers[i]);
	free(server->workers);
	bell_close(&server->wake.bell, server->loop);
	loop_close(server->loop);
	free(server);
}

struct loop *
server_loop(struct server *server)
{
	return server->loop;
}

int
server_bind(struct server *server, const struct listen_address *addresses,
    size_t n, size_t *refused)
{
	size_t least = server->settings->max_connections;
	/* Before the start it is not known yet. */
	if (server->room != 0 && server->room < n + (least != 0 ? least : 1)) {
		*refused = n - 1;
		errno = EMFILE;
		return -1;
	}
	return listening_prepare(&server->listeners, addresses, n, refused);
}

void
server_give(struct server *server, uid_t account)
{
	listening_give(&server->listeners, account);
	listening_give(status_listeners(server->status), account);
}

int
server_change(struct server *server)
{
	if (listening_change(&server->listeners, server->limits.backlog) == -1)
		return -1;
	size_t left = server->room - listening_count(&server->listeners);
	server->connections = server->limits.connections < left
				  ? server->limits.connections
				  : left;
	return 0;
}

bool
server_has_retired(const struct server *server)
{
	return listening_has_retired(&server->listeners);
}

void
server_retire(struct server *server)
{
	listening_retire(&server->listeners);
}

void
server_send_on(struct server *server, struct errand *errand)
{
	list_remove(&errand->link);
	list_append(&server->errands, &errand->link);
}

bool
server_is_serving(const struct server *server)
{
	return server->wanted == SERVING;
}

int
server_adopt(
    struct server *server, const struct listen_address *address, int fd)
{
	return listening_adopt(&server->listeners, address, 0, true, fd);
}

int
server_adopt_held(
    struct server *server, const struct listen_address *address, int fd)
{
	return listening_adopt_held(&server->listeners, address, fd);
}

struct listener *
server_find_listener(struct server *server, const struct transport *transport,
    const struct sockaddr *address)
{
	return listening_find(&server->listeners, transport, address);
}

void
server_each_listener(
    struct server *server, void (*see)(struct listener *, void *arg), void *arg)
{
	listening_each(&server->listeners, see, arg);
}

bool
server_has_passed(const struct server *server)
{
	return listening_has_passed(&server->listeners);
}

void
server_set(struct server *server, const struct settings *settings)
{
	server->settings = settings;
	listening_set(&server->listeners, settings);
	timer_queue_set_span(
	    &server->drains, settings->drain_ms, loop_now(server->loop));
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_set(&server->workers[i], settings);
}

bool
server_follows(const struct server *server)
{
	unsigned n = 0;
	while (n < server->nworkers && worker_follows(&server->workers[n]))
		n++;
	return n == server->nworkers;
}

static void
start_drain(struct server *server)
{
	server->phase = DRAINING;
	listeners_finish(&server->listeners);
	uint32_t drain_ms = server->settings->drain_ms;
	if (drain_ms == 0)
		log_info("draining: open=%zu, served on without a limit",
		    server_count_open(server));
	else
		log_info("draining: open=%zu, served on for at most %" PRIu32
			 " ms",
		    server_count_open(server), drain_ms);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_drain(&server->workers[i]);
	timer_arm(&server->drains, &server->drain, loop_now(server->loop));
}

static void
cut_drain(struct server *server)
{
	server->phase = CUTTING;
	log_info("ending the drain: open=%zu, to be reset",
	    server_count_open(server));
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_cut(&server->workers[i]);
}

/* A worker with a thread does this there, in worker_turn. */
static void
release(struct server *server)
{
	if (!server->is_threaded)
		worker_release(server->workers);
}

/* True if one of them has packed all: then the workers have no more turns. */
static bool
run_errands(struct server *server)
{
	struct list *link;
	while (server->phase != LEFT &&
	       (link = list_first(&server->errands)) != NULL) {
		struct errand *errand = OWNER_OF(link, struct errand, link);
		list_remove(link);
		errand->run(errand);
		/* One that ends a listener can end a connection of it. */
		if (server->phase != LEFT)
			release(server);
	}
	return server->phase == LEFT;
}

/* Does, outside the turn, what events of the turn have made due. */
static void
follow_up(struct server *server)
{
	release(server);
	if (!list_is_empty(&server->errands) && run_errands(server))
		return;
	if (server->wanted == SERVING) {
		/* A connection that could not be served has ended already. */
		if (listeners_accept(&server->listeners))
			release(server);
		listeners_resume(&server->listeners);
		return;
	}
	if (server->phase == SERVING)
		start_drain(server);
	if (server->phase == DRAINING && server->wanted == CUTTING)
		cut_drain(server);
	/* Both can end connections, and nothing else may wake the loop. */
	release(server);
}

static void
log_counters(struct server *server, bool all)
{
	size_t totals[NCOUNTERS];
	struct load load = {.nworkers = server->nworkers, .least = SIZE_MAX};
	server_count(server, totals);
	for (unsigned i = 0; i < server->nworkers; i++) {
		size_t n = worker_load(&server->workers[i]);
		load.sum += n;
		load.least = n < load.least ? n : load.least;
		load.most = n > load.most ? n : load.most;
	}
	announce_counters(totals, &load, all);
}

void
server_run(struct server *server)
{
	/* The start is no turn. */
	loop_catch_up(server->loop, sys_now());
	do {
		if (loop_turn_or_pause(server->loop) == -1)
			counters_add(
			    &server->counters, COUNTER_WAIT_FAILURES, 1);
		follow_up(server);
	} while (server->phase == SERVING ||
		 (server->phase != LEFT && !has_at_most(server, 0)));
	server_stop_workers(server);
	if (server->phase != LEFT)
		log_counters(server, false);
}

void
server_drain(struct server *server)
{
	server->wanted = server->wanted == SERVING ? DRAINING : CUTTING;
}

void
server_count(const struct server *server, size_t totals[static NCOUNTERS])
{
	memset(totals, 0, NCOUNTERS * sizeof *totals);
	counters_sum(&server->counters, totals);
	for (unsigned i = 0; i < server->nworkers; i++)
		counters_sum(&server->workers[i].counters, totals);
}

unsigned
server_probe(struct server *server)
{
	unsigned n = 0;
	for (unsigned i = 0; i < server->nworkers; i++)
		n += !worker_probe(&server->workers[i]);
	return n;
}

void
server_on_activity(struct server *server, void (*active)(void *arg), void *arg)
{
	loop_on_activity(server->loop, active, arg);
	for (unsigned i = 0; server->is_threaded && i < server->nworkers; i++)
		worker_report_activity(&server->workers[i]);
}

void
server_report(struct server *server)
{
	log_counters(server, true);
	for (unsigned i = 0; i < server->nworkers; i++) {
		struct worker_figures figures =
		    worker_figures(&server->workers[i]);
		announce_worker(i + 1, &figures);
	}
}
