/* SPDX-License-Identifier: ISC */
/* What connects a server with what tells its state over HTTP. */
#include "config.h"

#include "base/owner.h"
#include "server/server.h"
#include "server/server_impl.h"
#include "server/status.h"

static void
work_on_status(struct errand *errand)
{
	struct server *server = OWNER_OF(errand, struct server, status_work);
	status_work(server->status);
}

static void
call_for_status(void *arg)
{
	struct server *server = arg;
	server_send_on(server, &server->status_work);
}

static void
measure(struct metrics_figures *figures, void *arg)
{
	const struct server *server = arg;
	server_count(server, figures->totals);
	figures->workers = server->workers;
	figures->nworkers = server->nworkers;
	figures->connections_limit = server->connections;
	figures->memory_limit = server->limits.memory;
	figures->drains = !server_is_serving(server);
}

struct status *
server_open_status(struct server *server)
{
	const struct status_owner owner = {measure, call_for_status, server};
	errand_init(&server->status_work, work_on_status);
	return status_open(server->loop, server->settings, &owner);
}

int
server_bind_metrics(struct server *server,
    const struct listen_address *addresses, size_t n, size_t *refused)
{
	return listening_prepare(
	    status_listeners(server->status), addresses, n, refused);
}
