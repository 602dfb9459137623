/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/succession.h"

#include "base/log.h"
#include "base/sys.h"
#include "server/packing.h"
#include "server/server_impl.h"
#include "server/service.h"
#include "server/status.h"
#include "server/unpacking.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static uint64_t
count_blocks(const struct server *server)
{
	return (uint64_t)server->limits.blocks * server->nworkers;
}

/* The listeners by the number of their service. */
struct by_service {
	struct listeners *of[NSERVICES];
};

static struct by_service
listeners_of(struct server *server)
{
	return (struct by_service){{
	    [SERVICE_TEXT] = &server->listeners,
	    [SERVICE_METRICS] = status_listeners(server->status),
	}};
}

static size_t
count_listeners(struct server *server)
{
	size_t n = 0;
	for (size_t i = 0; i < NSERVICES; i++)
		n += listening_count(listeners_of(server).of[i]);
	return n;
}

static void
leave(struct listeners *listeners)
{
	struct list *link;
	while ((link = list_first(&listeners->all)) != NULL)
		listener_leave(listener_at(link));
}

static void
pack(struct server *server, const struct inventory_header *header,
    const struct estate *estate)
{
	struct packing packing;
	size_t totals[NCOUNTERS];
	server_count(server, totals);
	status_leave(server->status);
	packing_begin(&packing, header, estate->bytes, estate->fds);
	packing_add_counters(&packing, totals);
	for (size_t i = 0; i < NSERVICES; i++)
		packing_add_listeners(&packing, listeners_of(server).of[i]);
	for (size_t i = 0; i < NSERVICES; i++)
		leave(listeners_of(server).of[i]);
	for (unsigned i = 0; i < server->nworkers; i++) {
		struct worker *worker = &server->workers[i];
		packing_add_conns(&packing, &worker->shard, i);
		worker_forget_all(worker);
	}
}

int
succession_sketch(struct server *server, struct estate *estate,
    int (*make_room)(struct estate *))
{
	struct inventory_header header;
	struct packing packing;
	size_t nlisteners = count_listeners(server);
	size_t nconns = server_count_open(server);
	estate->size =
	    inventory_plan(&header, NCOUNTERS, nlisteners, nconns, 0);
	estate->nfds = nlisteners + nconns;
	header.blocks = count_blocks(server);
	if (make_room(estate) == -1)
		return -1;
	packing_begin(&packing, &header, estate->bytes, estate->fds);
	for (size_t i = 0; i < NSERVICES; i++)
		packing_add_listeners(&packing, listeners_of(server).of[i]);
	return 0;
}

/* Makes it the same time in all loops, so that deadlines can move. */
static void
agree_on_time(struct server *server)
{
	uint64_t now = sys_now();
	loop_catch_up(server->loop, now);
	for (unsigned i = 0; i < server->nworkers; i++)
		loop_catch_up(server->workers[i].loop, now);
}

int
succession_pack(struct server *server, struct estate *estate,
    int (*make_room)(struct estate *))
{
	size_t nconns = 0, npending = 0;
	struct inventory_header header;
	server_stop_workers(server);
	agree_on_time(server);
	for (unsigned i = 0; i < server->nworkers; i++) {
		/* What was handed over last, while the thread ended. */
		worker_obey(&server->workers[i]);
		worker_release(&server->workers[i]);
		packing_measure(&server->workers[i].shard, &nconns, &npending);
	}
	size_t nlisteners = count_listeners(server);
	estate->size =
	    inventory_plan(&header, NCOUNTERS, nlisteners, nconns, npending);
	header.blocks = count_blocks(server);
	estate->nfds = nlisteners + nconns;
	if (make_room(estate) == 0) {
		pack(server, &header, estate);
		return 0;
	}
	int saved = errno;
	if (server_start_workers(server) == -1)
		succession_leave(server);
	errno = saved;
	return -1;
}

/* Where the pending output of each connection begins, and which come first. */
struct order {
	uint64_t began;
	uint64_t pending;
	size_t i;
};

static int
compare(const void *a, const void *b)
{
	const struct order *left = a, *right = b;
	if (left->began != right->began)
		return left->began < right->began ? -1 : 1;
	return left->i < right->i ? -1 : 1;
}

static bool
fits(const struct worker *worker, uint64_t pending)
{
	return pool_room(&worker->shard.pool) >= pending;
}

/*
 * The worker with the fewest connections.  Output goes where it was, so that it
 * fits if it did, or to one that has room for it.
 */
static struct worker *
find_place(struct server *server, const struct inventory_conn *record)
{
	struct worker *workers = server->workers, *best = &workers[0];
	uint64_t pending = record->pending;
	if (pending > 0 && record->worker < server->nworkers &&
	    fits(&workers[record->worker], pending))
		return &workers[record->worker];
	for (unsigned i = 1; i < server->nworkers; i++) {
		bool is_better = worker_load(&workers[i]) < worker_load(best);
		if (fits(&workers[i], pending) != fits(best, pending))
			is_better = fits(&workers[i], pending);
		if (is_better)
			best = &workers[i];
	}
	return best;
}

static void
unpack_one(struct server *server, const struct inventory *inventory,
    const struct order *order, int fd)
{
	struct inventory_conn record;
	inventory_conn(inventory, order->i, &record);
	record.began = order->began;
	if (server_count_open(server) == server->limits.connections) {
		unpack_none(&server->counters, fd);
		return;
	}
	struct worker *worker = find_place(server, &record);
	if (unpack_conn(inventory, &record,
		inventory->bytes + inventory->pending + order->pending,
		&worker->shard, fd) == 0)
		worker->nhanded++;
}

static void
warn_lost(size_t n)
{
	if (n > 0)
		log_warnx("%zu connections that were handed over cannot be "
			  "gone on with; they are reset",
		    n);
}

/*
 * Deadlines go on where they were, for which those that began first have to
 * come first.  Without memory to sort them they begin anew.
 */
static void
unpack_conns(
    struct server *server, const struct inventory *inventory, const int *fds)
{
	size_t n = inventory->header.nconns;
	struct order *orders = calloc(n, sizeof *orders), order = {0};
	struct inventory_conn record;
	for (size_t i = 0; i < n; i++) {
		inventory_conn(inventory, i, &record);
		order.i = i;
		order.began = UINT64_MAX;
		if (orders == NULL) {
			unpack_one(server, inventory, &order, fds[i]);
		} else {
			orders[i] = order;
			orders[i].began = record.began;
		}
		order.pending += record.pending;
	}
	if (orders != NULL) {
		qsort(orders, n, sizeof *orders, compare);
		for (size_t i = 0; i < n; i++)
			unpack_one(
			    server, inventory, &orders[i], fds[orders[i].i]);
		free(orders);
	}
	warn_lost(n - server_count_open(server));
}

int
succession_undo(struct server *server, const struct estate *estate)
{
	struct inventory inventory;
	(void)inventory_read(&inventory, estate->bytes, estate->size);
	unpack_listeners(&inventory, estate->fds, listeners_of(server).of);
	unpack_conns(
	    server, &inventory, estate->fds + inventory.header.nlisteners);
	for (size_t i = 0; i < NSERVICES; i++)
		listening_go_on(listeners_of(server).of[i]);
	if (server_start_workers(server) == 0)
		return 0;
	succession_leave(server);
	return -1;
}

void
succession_leave(struct server *server)
{
	server->phase = LEFT;
}

static void
go_on(struct server *server)
{
	unpack_conns(server, &server->inventory,
	    server->inherited + server->inventory.header.nlisteners);
	server->inherited = NULL;
	log_info("going on with %zu connections of the last process",
	    server_count_open(server));
}

const char *
succession_inherit(struct server *server, const struct estate *estate)
{
	struct inventory *inventory = &server->inventory;
	const char *fault =
	    inventory_read(inventory, estate->bytes, estate->size);
	if (fault != NULL)
		return fault;
	if (estate->fds != NULL &&
	    estate->nfds !=
		(size_t)inventory->header.nlisteners + inventory->header.nconns)
		return "it has not as many descriptors as it names";
	server->inherited = estate->fds;
	server->unpack = estate->fds != NULL ? go_on : NULL;
	unpack_listeners(inventory, estate->fds, listeners_of(server).of);
	if (estate->fds != NULL)
		unpack_counters(inventory, &server->counters);
	return NULL;
}

const char *
succession_rehearse(struct server *server)
{
	const struct inventory_header *header = &server->inventory.header;
	if (server_prepare(server) == -1)
		return "see above";
	if (header->nconns > server->limits.connections)
		return "max-connections, or the limit of descriptors, is lower "
		       "than the number of connections";
	/* As many are lost where they do not divide by the workers. */
	if (header->blocks > count_blocks(server) + server->nworkers)
		return "memory-limit is lower than it was";
	return NULL;
}
