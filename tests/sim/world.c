/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/world.h"

#include "fake/kernel.h"
#include "reactor/bell.h"
#include "server/pool.h"
#include "server/server.h"
#include "sim/draw.h"
#include "sim/faults.h"
#include "sim/peers.h"
#include "sim/rules.h"
#include "sim/threads.h"

#include <netinet/in.h>

#include <stdbool.h>
#include <string.h>

/* After how long memory is given back, in ms: as in shard.c. */
enum { TRIM_MS = 60000 };

/* Bytes: more than a peer has to take within stall_ms, PROGRESS in rules.c. */
enum { TAKEN = 5000 };

/* The longest time between two looks at a delivery, in ms: as in shard.c. */
enum { LOOK_MS = 1000 };

/* A server that makes this many steps without coming to rest spins. */
enum { SPINS = 100000 };

struct tally tally;

static struct settings settings;
enum { LISTENERS_MAX = 2 };
static unsigned nlisteners;
static struct kernel_socket *listeners[2];
static struct bell stop;
static struct server *server;
static unsigned nheard; /* how many of rules.stops the server has heard */
static bool started;

/* The server hears the bell that asks it to stop. */
static void
hear_stop(struct bell *bell)
{
	(void)bell;
	for (; nheard < rules.stops; nheard++)
		server_drain(server);
}

static int
bind_listeners(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	struct listen_address wanted[LISTENERS_MAX];
	size_t refused;
	for (unsigned i = 0; i < nlisteners; i++)
		wanted[i] = (struct listen_address){
		    .transport = &transport_tcp,
		    .service = &service_text,
		    .address = (const struct sockaddr *)&any,
		    .length = sizeof any,
		};
	return server_bind(server, wanted, nlisteners, &refused);
}

/* Finds the sockets that listen, for the peers to connect to. */
static void
find_listeners(void)
{
	unsigned n = 0;
	for (int fd = 0; fd <= kernel_highest() && n < nlisteners; fd++) {
		if (kernel_is_open(fd) && kernel_find(fd)->is_listening)
			listeners[n++] = kernel_find(fd);
	}
}

static void
serve(void)
{
	size_t totals[NCOUNTERS];
	server = server_open(&settings);
	if (server == NULL) {
		tally.starts_refused++;
		return;
	}
	bool opened = bell_open(&stop, server_loop(server), hear_stop) == 0;
	if (opened && bind_listeners() == 0 && server_start(server) == 0) {
		find_listeners();
		started = true;
		faults_serve();
		server_run(server);
		server_count(server, totals);
		rules_ended(totals);
		for (int i = 0; i < NCOUNTERS; i++)
			tally.counters[i] += totals[i];
	} else {
		tally.starts_refused++;
	}
	if (opened)
		bell_close(&stop, server_loop(server));
	server_close(server);
}

static void
stop_server(void)
{
	if (rules.stops++ == 0)
		rules.asked_at = kernel.now;
	bell_ring(&stop);
}

static void
pass_time(void)
{
	static const size_t spans[] = {1, 3, 10, 30, 100, 300, 1000, 5000};
	kernel.now += draw(DRAW_ONE_OF(spans)) + 1;
	/* Sometimes so long that memory which was not needed is given back. */
	if (draw_chance(50))
		kernel.now += TRIM_MS;
}

/* Lets all threads run until they wait, without any faults. */
static void
calm_down(void)
{
	faults_pause(true);
	size_t nsteps = 0;
	while (threads_step(0))
		rules_must(nsteps++ < SPINS, NULL, "the server spins");
	if (started)
		rules_calm(threads_ended());
	faults_pause(false);
}

/* A peer that has only to take its answer does so bit by bit, never late. */
static void
take_slowly(void)
{
	size_t i = 0;
	while (i < npeers && !(peers_is_open(&peers[i]) && peers[i].delivers))
		i++;
	for (int n = 0; i < npeers && n < 8; n++) {
		if (!peers_is_open(&peers[i]) || peers[i].socket->reset_by_peer)
			return;
		kernel_peer_reads(peers[i].socket, TAKEN);
		kernel.now += draw(settings.stall_ms / 2 + 1);
		calm_down();
		/* So the next look finds that it took nothing meanwhile. */
		if (settings.stall_ms > 2 * LOOK_MS)
			kernel.now += LOOK_MS;
		calm_down();
	}
}

static void
act(void)
{
	size_t what = draw(100);
	if (what < 8 && npeers < PEERS_MAX) {
		struct kernel_socket *listener = listeners[draw(nlisteners)];
		if (!listener->closed)
			peers_connect(listener, settings.invalid);
	} else if (what < 45 && npeers > 0) {
		struct peer *peer = &peers[draw(npeers)];
		peer->socket->untrue |= faults_are_untrue();
		peers_act(peer);
	} else if (what < 50) {
		pass_time();
	} else if (what < 53) {
		calm_down();
	} else if (what < 54) {
		take_slowly();
	} else {
		(void)threads_step(faults_wakes());
	}
}

/* Ends the server after all peers have sent and received all. */
static void
end_in_peace(void)
{
	size_t nrounds = 0;
	bool all_closed;
	do {
		rules_must(nrounds++ < SPINS, NULL, "peers are not served");
		all_closed = true;
		for (size_t i = 0; i < npeers; i++) {
			peers_finish(&peers[i]);
			all_closed &= !peers_is_open(&peers[i]) &&
				      !peers_is_queued(&peers[i]);
		}
		calm_down();
		if (rules.failed || rules_deliver())
			kernel.now += 100;
	} while (!all_closed);
	stop_server();
	calm_down();
	rules_must(threads_ended(), NULL, "an idle server does not end");
}

/* Ends the server while peers still send and receive. */
static void
end_by_force(void)
{
	stop_server();
	for (size_t i = draw(200); i > 0 && !threads_ended(); i--)
		act();
	for (size_t nrounds = 0; !threads_ended(); nrounds++) {
		rules_must(nrounds < 100, NULL, "the drain has no end");
		calm_down();
		if (threads_ended())
			break;
		pass_time();
		/* A drain without a limit goes on until it is asked again. */
		if (nrounds == 50)
			stop_server();
	}
	calm_down();
}

static void
draw_settings(void)
{
	static const unsigned workers[] = {1, 1, 1, 2, 2, 3};
	static const uint32_t polls[] = {0, 0, 200};
	static const uint32_t spans[] = {0, 20, 200, 2000, 60000};
	settings = (struct settings){
	    .workers = DRAW_ONE_OF(workers),
	    .invalid = (enum upcase_invalid)draw(UPCASE_CLOSE + 1),
	    .max_connections = 1 + draw(20),
	    .idle_ms = DRAW_ONE_OF(spans),
	    .stall_ms = DRAW_ONE_OF(spans),
	    .drain_ms = DRAW_ONE_OF(spans),
	    .linger_ms = DRAW_ONE_OF(spans),
	    .quiet_ms = 1 + (uint32_t)draw(1000),
	    .busy_poll_us = DRAW_ONE_OF(polls),
	};
	size_t memory = draw_chance(700) ? SETTINGS_MEMORY_MIN : 1 << 20;
	settings.memory_limit = settings.workers * memory;
	nlisteners = 1 + (unsigned)draw(LISTENERS_MAX);
}

void
world_run(uint64_t seed)
{
	draw_seed(seed);
	kernel_boot();
	kernel.hooks = &faults_hooks;
	started = false;
	nheard = 0;
	draw_settings();
	faults_draw();
	peers_reset();
	rules_begin(&settings);
	rules.blocks = settings.memory_limit / settings.workers / POOL_BLOCK;
	threads_begin(serve);
	while (!started && !threads_ended())
		(void)threads_step(0);
	if (started) {
		for (size_t i = draw(600); i > 0; i--)
			act();
		if (draw_chance(500))
			end_in_peace();
		else
			end_by_force();
	}
	rules_must(kernel_halt() == 0, NULL, "a descriptor was left open");
}
