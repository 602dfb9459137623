/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/server.h"

#include "base/log.h"
#include "base/sys.h"
#include "server/balance.h"
#include "server/counters.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/report.h"
#include "server/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct server_settings server_defaults = {
    .linger_ms = 5 * 1000,
    .quiet_ms = 1000,
    /*
     * Linux doubles these.  A peer that sends and never reads then makes it
     * hold 190 KiB, where its own choice lets it hold over 4 MiB.
     */
    .send_buffer = 48 * 1024,
    .receive_buffer = 48 * 1024,
    .large_buffer = 2 * 1024 * 1024,
};

/* What a worker with a thread of its own opens: its poller and its bell. */
enum { WORKER_DESCRIPTORS = 3 };

struct server {
	const struct server_settings *settings;
	struct loop *loop;
	struct counters counters; /* of the accepting thread */
	struct listeners listeners;
	struct limits limits;

	struct worker *workers;
	unsigned nworkers; /* that are open */
	unsigned nstarted; /* threads of theirs that run */
	struct worker_reports reports;
	struct balance balance;

	unsigned ndrains; /* how often a drain was asked for */
	bool draining, cut, expired;
	struct timer_queue drains;
	struct timer drain;
};

static size_t
count_open(struct server *server)
{
	return balance_measure(&server->balance).sum;
}

static bool
is_threaded(const struct server *server)
{
	return server->settings->workers > 1;
}

/*
 * True when no more than n connections are open.  Otherwise the next end of a
 * connection wakes the loop.  A worker counts first and looks at the wish
 * afterwards, and here it is the other way round, so one of the two sees what
 * the other did.
 */
static bool
has_at_most(struct server *server, size_t n)
{
	if (count_open(server) <= n)
		return true;
	atomic_store(&server->reports.wanted, true);
	return count_open(server) <= n;
}

/* The only place that decides whether a connection may be accepted. */
static bool
may_accept(void *arg)
{
	struct server *server = arg;
	return has_at_most(server, server->limits.connections - 1);
}

static void
serve(int fd, void *arg)
{
	struct server *server = arg;
	balance_hand(&server->balance, fd);
}

/* Beyond this, that the loop was woken is all: follow_up looks. */
static void
hear_report(struct bell *bell)
{
	struct server *server = LIST_OWNER(bell, struct server, reports.bell);
	balance_hear(&server->balance);
}

static void
expire_drain(struct timer *timer)
{
	struct server *server = LIST_OWNER(timer, struct server, drain);
	server->expired = true;
}

struct server *
server_open(const struct server_settings *settings)
{
	struct server *server = calloc(1, sizeof *server);
	if (server == NULL)
		return NULL;
	server->settings = settings;
	server->loop = loop_open(settings->backend);
	if (server->loop == NULL ||
	    bell_open(&server->reports.bell, server->loop, hear_report) == -1) {
		int saved = errno;
		loop_close(server->loop);
		free(server);
		errno = saved;
		return NULL;
	}
	listeners_init(
	    &server->listeners, server->loop, settings, &server->counters);
	balance_init(&server->balance, server->loop, &server->counters);
	server->listeners.may_accept = may_accept;
	server->listeners.accepted = serve;
	server->listeners.owner = server;
	timer_queue_init(&server->drains, loop_timers(server->loop),
	    settings->drain_ms, expire_drain);
	timer_init(&server->drain);
	return server;
}

static void
stop_workers(struct server *server)
{
	while (server->nstarted > 0)
		worker_stop(&server->workers[--server->nstarted]);
}

void
server_close(struct server *server)
{
	if (server == NULL)
		return;
	stop_workers(server);
	listeners_close(&server->listeners);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_close(&server->workers[i]);
	free(server->workers);
	bell_close(&server->reports.bell, server->loop);
	loop_close(server->loop);
	free(server);
}

struct loop *
server_loop(struct server *server)
{
	return server->loop;
}

int
server_check_congestion(const char *name)
{
	int fd = sys_socket(AF_INET);
	/* A host may have the other family only. */
	if (fd == -1)
		fd = sys_socket(AF_INET6);
	if (fd == -1)
		return -1;
	int result = sys_set_congestion(fd, name);
	int saved = errno;
	(void)sys_close(fd);
	errno = saved;
	return result;
}

int
server_bind(
    struct server *server, const struct sockaddr *address, socklen_t length)
{
	return listeners_bind(&server->listeners, address, length);
}

static int
open_workers(struct server *server)
{
	const struct server_settings *settings = server->settings;
	server->workers = calloc(settings->workers, sizeof *server->workers);
	if (server->workers == NULL)
		return -1;
	struct worker_reports *reports = &server->reports;
	for (unsigned i = 0; i < settings->workers; i++) {
		if (worker_open(&server->workers[i], server->loop,
			is_threaded(server) ? reports : NULL, settings,
			server->limits.connections,
			server->limits.blocks) == -1)
			return -1;
		server->nworkers++;
	}
	return 0;
}

static int
decide_limits(struct server *server)
{
	const struct server_settings *settings = server->settings;
	struct sys_descriptors descriptors;
	sys_count_descriptors(&descriptors);
	if (is_threaded(server))
		descriptors.open +=
		    WORKER_DESCRIPTORS * (size_t)settings->workers;
	if (limits_compute(&server->limits, settings, &descriptors) == 0)
		return 0;
	report_lack(settings, &server->limits, descriptors.limit);
	return -1;
}

static int
start_workers(struct server *server)
{
	while (is_threaded(server) && server->nstarted < server->nworkers) {
		if (worker_start(&server->workers[server->nstarted]) == -1) {
			report_no_thread(
			    server->settings, server->nstarted + 1);
			return -1;
		}
		server->nstarted++;
	}
	return 0;
}

int
server_start(struct server *server)
{
	if (decide_limits(server) == -1)
		return -1;
	if (open_workers(server) == -1) {
		report_no_workers(server->settings, &server->limits);
		return -1;
	}
	if (start_workers(server) == -1)
		return -1;
	balance_start(&server->balance, server->workers, server->nworkers,
	    is_threaded(server) ? &server->reports : NULL);
	struct buffers_held held;
	buffers_measure(server->settings, &held);
	report_start(server->settings, &server->limits, &held,
	    listeners_held_ms(&server->listeners), loop_backend(server->loop));
	if (listeners_start(&server->listeners, server->limits.backlog) == -1) {
		log_error("cannot wait for new connections; the limits of "
			  "memory or of watches (fs.epoll.max_user_watches) "
			  "may be too low");
		return -1;
	}
	return 0;
}

static void
start_drain(struct server *server)
{
	server->draining = true;
	balance_end(&server->balance);
	listeners_finish(&server->listeners);
	uint32_t drain_ms = server->settings->drain_ms;
	if (drain_ms == 0)
		log_info("draining: open=%zu, served on without a limit",
		    count_open(server));
	else
		log_info("draining: open=%zu, served on for at most %" PRIu32
			 " ms",
		    count_open(server), drain_ms);
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_drain(&server->workers[i]);
	timer_arm(&server->drains, &server->drain, loop_now(server->loop));
}

static void
cut_drain(struct server *server)
{
	server->cut = true;
	log_info("ending the drain: open=%zu, to be reset", count_open(server));
	for (unsigned i = 0; i < server->nworkers; i++)
		worker_cut(&server->workers[i]);
}

/* A worker with a thread of its own releases what it has there. */
static void
release(struct server *server)
{
	if (!is_threaded(server))
		worker_release(server->workers);
}

/* What events of the turn have made due, outside the turn. */
static void
follow_up(struct server *server)
{
	release(server);
	if (server->ndrains == 0) {
		/* One that cannot be served has ended already. */
		if (listeners_accept(&server->listeners))
			release(server);
		listeners_resume(&server->listeners);
		return;
	}
	if (!server->draining)
		start_drain(server);
	if (!server->cut && (server->ndrains > 1 || server->expired))
		cut_drain(server);
	/* Both can end connections, and there may be nothing to wake for. */
	release(server);
}

static void
log_counters(const struct server *server, bool all)
{
	size_t totals[NCOUNTERS];
	server_count(server, totals);
	struct load load = balance_measure(&server->balance);
	report_counters(totals, &load, is_threaded(server), all);
}

void
server_run(struct server *server)
{
	do {
		worker_turn(server->loop, &server->counters);
		follow_up(server);
	} while (!server->draining || !has_at_most(server, 0));
	stop_workers(server);
	log_counters(server, false);
}

void
server_drain(struct server *server)
{
	server->ndrains++;
}

void
server_count(const struct server *server, size_t totals[static NCOUNTERS])
{
	memset(totals, 0, NCOUNTERS * sizeof *totals);
	counters_sum(&server->counters, totals);
	for (unsigned i = 0; i < server->nworkers; i++)
		counters_sum(&server->workers[i].counters, totals);
}

void
server_report(struct server *server)
{
	log_counters(server, true);
}
