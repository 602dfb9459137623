/* SPDX-License-Identifier: ISC */
/* What makes a server ready to serve, or says why it cannot be. */
#include "config.h"

#include "base/log.h"
#include "server/announce.h"
#include "server/server.h"
#include "server/server_impl.h"
#include "server/status.h"

#include <stdbool.h>
#include <stdlib.h>

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
	if (decide_limits(server) == -1)
		return -1;
	if (open_workers(server) == 0)
		return 0;
	announce_no_workers(server->settings, &server->limits);
	return -1;
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
	struct kernel_buffers_held held;
	kernel_buffers_measure(server->settings, &held);
	announce_start(server->settings, &server->limits, &held,
	    listening_held_ms(&server->listeners), loop_backend(server->loop));
	if (server_change(server) == -1 || status_start(server->status) == -1) {
		log_error("cannot wait for new connections; the limits of "
			  "memory or of watches (fs.epoll.max_user_watches) "
			  "may be too low");
		return -1;
	}
	return 0;
}
