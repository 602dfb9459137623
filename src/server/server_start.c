/* SPDX-License-Identifier: ISC */
/* What makes a server ready to serve, or says why it cannot be. */
#include "config.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "server/announce.h"
#include "server/server.h"
#include "server/server_impl.h"

#include <stdbool.h>
#include <stdlib.h>

/* Says what is over, as long as a source is throttled. */
static void
tell(struct timer *timer)
{
	struct server *server = OWNER_OF(timer, struct server, telling);
	if (sources_tell(server->sources, loop_now(server->loop), false))
		server_tell_of_sources(server);
}

void
server_init_sources(struct server *server)
{
	timer_queue_init(&server->tellings, loop_timers(server->loop),
	    SOURCES_TELL_MS, tell);
	timer_init(&server->telling);
}

void
server_tell_of_sources(void *arg)
{
	struct server *server = arg;
	if (!timer_is_armed(&server->telling))
		timer_arm(&server->tellings, &server->telling,
		    loop_now(server->loop));
}

/* From the thread of a worker. */
static void
tell_from_worker(void *arg)
{
	struct server *server = arg;
	atomic_store(&server->throttles, true);
	bell_ring(&server->wake.bell);
}

void
server_note_sources(struct server *server)
{
	if (atomic_exchange(&server->throttles, false))
		server_tell_of_sources(server);
}

static int
open_sources(struct server *server)
{
	struct siphash_key key;
	if (sys_entropy(&key, sizeof key) == -1) {
		log_error("cannot get random bytes for the table of sources");
		return -1;
	}
	server->sources =
	    sources_open(server->settings, server->limits.connections, &key);
	server->listeners.sources = server->sources;
	if (server->sources != NULL)
		return 0;
	announce_no_workers(server->settings, &server->limits);
	return -1;
}

static int
open_worker(struct server *server, struct worker *worker)
{
	const struct settings *settings = server->settings;
	size_t nslots = server->limits.connections;
	size_t nblocks = server->limits.blocks;
	if (!server->is_threaded)
		return worker_open(
		    worker, server->loop, settings, nslots, nblocks);
	return worker_open_thread(worker, loop_backend(server->loop),
	    &server->wake, settings, nslots, nblocks);
}

static int
open_workers(struct server *server)
{
	unsigned n = server->settings->workers;
	server->workers = calloc(n, sizeof *server->workers);
	if (server->workers == NULL)
		return -1;
	while (server->nworkers < n) {
		if (open_worker(server, &server->workers[server->nworkers]) ==
		    -1)
			return -1;
		/* Nobody else uses the shard yet. */
		struct shard *shard = &server->workers[server->nworkers].shard;
		shard->sources = server->sources;
		shard->throttles = server->is_threaded ? tell_from_worker
						       : server_tell_of_sources;
		shard->throttles_arg = server;
		server->nworkers++;
	}
	return 0;
}

static int
decide_limits(struct server *server)
{
	const struct settings *settings = server->settings;
	struct sys_descriptors descriptors;
	size_t nconns =
	    server->inherited == NULL ? 0 : server->inventory.header.nconns;
	if (limits_decide(&server->limits, settings, nconns, &descriptors) ==
	    0) {
		server->room = server->limits.possible +
			       listening_count(&server->listeners);
		/* A listener that ends at the start accepts what it has. */
		server->connections = server->limits.connections;
		return 0;
	}
	announce_lack(settings, &server->limits, descriptors.limit);
	return -1;
}

int
server_start_workers(struct server *server)
{
	while (server->is_threaded && server->nstarted < server->nworkers) {
		if (worker_start(&server->workers[server->nstarted]) == -1) {
			announce_no_thread(
			    server->settings, server->nstarted + 1);
			return -1;
		}
		server->nstarted++;
	}
	return 0;
}

void
server_stop_workers(struct server *server)
{
	while (server->nstarted > 0)
		worker_stop(&server->workers[--server->nstarted]);
}

int
server_prepare(struct server *server)
{
	if (decide_limits(server) == -1 || open_sources(server) == -1)
		return -1;
	if (open_workers(server) == 0)
		return 0;
	announce_no_workers(server->settings, &server->limits);
	return -1;
}

void
server_on_ready(struct server *server, void (*ready)(void *arg), void *arg)
{
	server->ready = ready;
	server->ready_arg = arg;
}

int
server_start(struct server *server)
{
	if (server_prepare(server) == -1)
		return -1;
	if (server->unpack != NULL)
		server->unpack(server);
	if (server_start_workers(server) == -1)
		return -1;
	if (server->ready != NULL)
		server->ready(server->ready_arg);
	announce_start(server->settings, &server->limits,
	    listening_count(&server->listeners),
	    listening_held_ms(&server->listeners), loop_backend(server->loop));
	if (server_change(server) == -1) {
		log_error("cannot wait for new connections; the limits of "
			  "memory or of watches (fs.epoll.max_user_watches) "
			  "may be too low");
		return -1;
	}
	return 0;
}
