/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "world.h"

#include "bell.h"
#include "draw.h"
#include "fake/kernel.h"
#include "peers.h"
#include "rules.h"
#include "server.h"
#include "server/pool.h"
#include "threads.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Steps until a server that does something for nothing is said to spin. */
enum { SPINS = 100000 };

struct tally tally;

static struct server_settings settings;
static unsigned nlisteners;
static struct kernel_socket *listeners[2];
static struct bell stop;
static size_t scarce; /* connections, above which descriptors run out */
static bool started, is_calm, start_may_fail;

/* How often what happens, in a thousand, in this run. */
static struct {
	unsigned shorts, agains, failures, accept_failures, gives_way, wakes,
	    untrue, shuffles;
} rates;

/* The hooks of the kernel. */

static int
fault(int error)
{
	tally.faults++;
	return error;
}

static int
enter_connection(struct kernel_socket *socket, enum kernel_call call)
{
	static const int errors[] = {ECONNRESET, ETIMEDOUT, ENOBUFS, EPIPE};
	struct peer *peer = socket->peer;
	bool moves = call == KERNEL_RECV || call == KERNEL_SEND;
	if (!moves && call != KERNEL_WATCH)
		return 0;
	socket->recv_most = socket->send_most =
	    draw_chance(rates.shorts) ? 1 + draw(40) : SIZE_MAX;
	if (moves && draw_chance(rates.agains))
		return fault(EAGAIN);
	if (!draw_chance(rates.failures))
		return 0;
	peer->harmed = true;
	return fault(moves ? DRAW_ONE_OF(errors) : ENOMEM);
}

static int
enter_listener(const struct kernel_socket *listener, enum kernel_call call)
{
	static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
	int error = 0;
	if (call == KERNEL_ACCEPT && !list_is_empty(&listener->queue)) {
		if (rules.nopen >= scarce)
			error = EMFILE;
		else if (draw_chance(rates.accept_failures))
			error = DRAW_ONE_OF(errors);
	} else if (call == KERNEL_WATCH && started &&
		   listener->wants == POLLER_NOTHING) {
		if (draw_chance(rates.accept_failures))
			error = ENOMEM;
	}
	if (error == 0)
		return 0;
	rules_listener_failed();
	return fault(error);
}

static void
note(struct kernel_socket *socket, enum kernel_call call)
{
	struct peer *peer = socket->peer;
	if (call == KERNEL_CLOSE && socket->is_listening)
		rules_listener_closed(socket);
	if (peer == NULL)
		return;
	if (call == KERNEL_WATCH)
		rules_watched(peer);
	else if (call == KERNEL_SHUTDOWN)
		rules_shut(peer);
	else if (call == KERNEL_SET_RESET)
		rules_reset(peer);
	else if (call == KERNEL_CLOSE)
		rules_closed(peer);
}

/*
 * The rules look neither between a close and its count, nor between the moment
 * when a timeout is computed and that from which it counts.
 */
static bool
may_give_way(enum kernel_call call)
{
	return call != KERNEL_CLOSE && call != KERNEL_WAIT;
}

static int
enter(struct kernel_socket *socket, enum kernel_call call)
{
	tally.steps++;
	if (socket != NULL)
		note(socket, call);
	if (!is_calm && may_give_way(call) && draw_chance(rates.gives_way))
		threads_give_way();
	if (call == KERNEL_WAIT)
		threads_begin_turn();
	if (is_calm && socket != NULL)
		socket->recv_most = socket->send_most = SIZE_MAX;
	if (is_calm)
		return 0;
	if (socket != NULL && socket->peer != NULL)
		return enter_connection(socket, call);
	if (socket != NULL && socket->is_listening)
		return enter_listener(socket, call);
	if (call == KERNEL_WAIT && draw_chance(rates.failures))
		return fault(ENOMEM);
	if (start_may_fail && !started && draw_chance(20))
		return fault(ENOBUFS);
	return 0;
}

static void
moved(struct kernel_socket *socket, enum kernel_call call)
{
	if (call == KERNEL_ACCEPT)
		rules_accepted(socket->peer);
	else
		rules_moved(socket->peer, call);
}

/* Any order will do, and what is left out is ready the next time. */
static int
arrange(void **ready, int n)
{
	if (is_calm || n < 2 || !draw_chance(rates.shuffles))
		return n;
	for (int i = n - 1; i > 0; i--) {
		size_t other = draw((size_t)i + 1);
		void *swapped = ready[i];
		ready[i] = ready[other];
		ready[other] = swapped;
	}
	return n - (int)draw((size_t)n);
}

static const struct kernel_hooks hooks = {
    .enter = enter,
    .moved = moved,
    .wait = threads_wait,
    .arrange = arrange,
    .start = threads_start,
    .join = threads_join,
};

/* The server, in the first of its threads. */

static void ask_to_stop(struct bell *bell);

static struct server *server;

static int
bind_listeners(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	for (unsigned i = 0; i < nlisteners; i++) {
		if (server_bind(server, (const struct sockaddr *)&any,
			sizeof any) == -1)
			return -1;
	}
	return 0;
}

/* Notes the sockets that listen, for the peers. */
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
	bool opened = bell_open(&stop, server_loop(server), ask_to_stop) == 0;
	if (opened && bind_listeners() == 0 && server_start(server) == 0) {
		find_listeners();
		started = true;
		(void)server_run(server);
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

static unsigned heard;

static void
ask_to_stop(struct bell *bell)
{
	(void)bell;
	for (; heard < rules.stops; heard++)
		server_drain(server);
}

/* What is done to it. */

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
}

/* Lets all threads run until they wait, without any faults. */
static void
calm_down(void)
{
	is_calm = true;
	size_t nsteps = 0;
	while (threads_step(0))
		rules_must(nsteps++ < SPINS, NULL, "the server spins");
	if (started)
		rules_calm(threads_ended());
	is_calm = false;
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
		if (draw_chance(rates.untrue))
			peer->socket->untrue = true;
		peers_act(peer);
	} else if (what < 50) {
		pass_time();
	} else if (what < 53) {
		calm_down();
	} else {
		(void)threads_step(rates.wakes);
	}
}

/* What the peers still want to say is said, and then the server ends. */
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
		if (rules.failed)
			kernel.now += 100;
	} while (!all_closed);
	stop_server();
	calm_down();
	rules_must(threads_ended(), NULL, "an idle server does not end");
}

/* The server is to end while peers still want something. */
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
		/* Without a limit of its own it goes on until the second. */
		if (nrounds == 50)
			stop_server();
	}
	calm_down();
}

static void
draw_settings(void)
{
	static const unsigned workers[] = {1, 1, 1, 2, 2, 3};
	static const uint32_t spans[] = {0, 20, 200, 2000, 60000};
	static const unsigned some[] = {0, 0, 5, 50, 300};
	static const unsigned few[] = {0, 0, 0, 2, 20};
	settings = (struct server_settings){
	    .workers = DRAW_ONE_OF(workers),
	    .invalid = (enum upcase_invalid)draw(UPCASE_CLOSE + 1),
	    .max_connections = 1 + draw(20),
	    .idle_ms = DRAW_ONE_OF(spans),
	    .stall_ms = DRAW_ONE_OF(spans),
	    .drain_ms = DRAW_ONE_OF(spans),
	    .linger_ms = DRAW_ONE_OF(spans),
	    .quiet_ms = 1 + (uint32_t)draw(1000),
	    .memory_limit = draw_chance(700) ? SERVER_MEMORY_MIN : 1 << 21,
	};
	nlisteners = 1 + (unsigned)draw(2);
	scarce = draw_chance(200) ? 1 + draw(6) : SIZE_MAX;
	start_may_fail = draw_chance(50);
	rates.shorts = DRAW_ONE_OF(some);
	rates.agains = DRAW_ONE_OF(some);
	rates.failures = DRAW_ONE_OF(few);
	rates.accept_failures = DRAW_ONE_OF(some);
	rates.gives_way = DRAW_ONE_OF(some);
	rates.wakes = DRAW_ONE_OF(some);
	rates.untrue = DRAW_ONE_OF(some);
	rates.shuffles = DRAW_ONE_OF(some);
}

void
world_run(uint64_t seed)
{
	draw_seed(seed);
	kernel_boot();
	kernel.hooks = &hooks;
	started = is_calm = false;
	heard = 0;
	draw_settings();
	peers_reset();
	rules_begin(&settings);
	size_t memory = settings.memory_limit;
	if (memory < SERVER_MEMORY_MIN * settings.workers)
		memory = SERVER_MEMORY_MIN * settings.workers;
	rules.blocks = memory / settings.workers / POOL_BLOCK;
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
