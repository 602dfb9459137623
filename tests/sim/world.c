/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/world.h"

#include "fake/kernel.h"
#include "reactor/bell.h"
#include "server/pool.h"
#include "server/server.h"
#include "server/succession.h"
#include "sim/choices.h"
#include "sim/draw.h"
#include "sim/faults.h"
#include "sim/origins.h"
#include "sim/peers.h"
#include "sim/places.h"
#include "sim/reloads.h"
#include "sim/rules.h"
#include "sim/spans.h"
#include "sim/threads.h"

#include <stdbool.h>
#include <stdlib.h>
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

static struct bell stop, restart;
static struct errand handover;
static struct server *server;
static unsigned nheard; /* how many of rules.stops the server has heard */
static bool started;
static struct estate estate; /* of a server that hands over */

/* The server hears the bell that asks it to stop. */
static void
hear_stop(struct bell *bell)
{
	(void)bell;
	for (; nheard < rules.stops; nheard++)
		server_drain(server);
}

static int
make_room(struct estate *packed)
{
	packed->bytes = malloc(packed->size);
	packed->fds = malloc(packed->nfds * sizeof *packed->fds);
	if (packed->bytes != NULL && packed->fds != NULL)
		return 0;
	abort();
}

static void
forget_estate(void)
{
	free(estate.bytes);
	free(estate.fds);
	estate = (struct estate){.bytes = NULL};
}

/* Packs all, for the next server, or for the same one as if that failed. */
static void
hand_over(struct errand *errand)
{
	(void)errand;
	if (!server_is_serving(server))
		return;
	/* To take something out of a poller does not fail. */
	faults_pause(true);
	threads_begin_turn();
	rules_must(succession_pack(server, &estate, make_room) == 0, NULL,
	    "a server cannot be packed");
	faults_pause(false);
	tally.handovers++;
	if (draw_chance(800)) {
		succession_leave(server);
		return;
	}
	rules_must(succession_undo(server, &estate) == 0, NULL,
	    "a server cannot go on");
	forget_estate();
}

static void
hear_restart(struct bell *bell)
{
	(void)bell;
	server_send_on(server, &handover);
}

static int
open_bells(void)
{
	struct loop *loop = server_loop(server);
	errand_init(&handover, hand_over);
	if (bell_open(&stop, loop, hear_stop) == -1)
		return -1;
	if (bell_open(&restart, loop, hear_restart) == 0) {
		if (reloads_open(server) == 0)
			return 0;
		bell_close(&restart, loop);
	}
	bell_close(&stop, loop);
	return -1;
}

static void
close_bells(void)
{
	bell_close(&stop, server_loop(server));
	bell_close(&restart, server_loop(server));
	reloads_close();
}

/* True for a server that has ended, false for one that was not started. */
static bool
serve_once(void)
{
	if (estate.bytes != NULL)
		rules_must(succession_inherit(server, &estate) == NULL, NULL,
		    "an inventory is not understood");
	if (places_bind(server) == -1 || server_start(server) == -1)
		return false;
	forget_estate();
	places_started();
	if (started)
		faults_pause(false);
	started = true;
	faults_serve();
	/* It may have been asked to end while there was none. */
	if (nheard < rules.stops)
		bell_ring(&stop);
	server_run(server);
	return true;
}

static void
note_end(void)
{
	size_t totals[NCOUNTERS];
	server_count(server, totals);
	rules_ended(totals);
	for (int i = 0; i < NCOUNTERS; i++)
		tally.counters[i] += totals[i];
}

/* A successor may have other settings, and listen on something else. */
static void
draw_successor(void)
{
	/* The last workers followed what was set before they ended. */
	choices_settle();
	if (!spans_may_change())
		return;
	rules_set(choices_change(true));
	choices_settle();
	places_draw();
}

static void
serve(void)
{
	bool goes_on;
	do {
		goes_on = false;
		/* A successor has rehearsed its start. */
		bool is_successor = estate.bytes != NULL;
		if (is_successor)
			faults_pause(true);
		server = server_open(choices_now());
		origins_restart();
		bool opened = server != NULL && open_bells() == 0;
		if (!opened || !serve_once())
			tally.starts_refused++;
		else if (estate.bytes == NULL)
			note_end();
		else
			goes_on = true;
		if (opened)
			close_bells();
		server_close(server);
		if (goes_on)
			draw_successor();
	} while (goes_on);
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
	if (started && !threads_ended())
		reloads_calm();
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
		uint32_t stall_ms = choices_now()->stall_ms;
		kernel.now += draw(stall_ms / 2 + 1);
		calm_down();
		/* So the next look finds that it took nothing meanwhile. */
		if (stall_ms > 2 * LOOK_MS)
			kernel.now += LOOK_MS;
		calm_down();
	}
}

static void
ask_reload(void)
{
	if (draw_chance(300))
		reloads_ask_retire();
	else
		reloads_ask();
	/* Half of them among all else that goes on. */
	if (draw_chance(500))
		calm_down();
}

static void
act(void)
{
	size_t what = draw(100);
	if (what < 8 && npeers < PEERS_MAX) {
		struct kernel_socket *listener = places_pick();
		if (listener != NULL)
			peers_connect(listener);
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
	} else if (what < 55) {
		bell_ring(&restart);
	} else if (what < 57) {
		ask_reload();
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

void
world_run(uint64_t seed)
{
	draw_seed(seed);
	kernel_boot();
	kernel.hooks = &faults_hooks;
	started = false;
	nheard = 0;
	const struct settings *settings = choices_begin();
	faults_draw();
	peers_reset();
	places_begin();
	places_draw();
	rules_begin(settings);
	rules.blocks = settings->memory_limit / settings->workers / POOL_BLOCK;
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
