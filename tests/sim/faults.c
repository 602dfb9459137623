/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/faults.h"

#include "sim/draw.h"
#include "sim/peers.h"
#include "sim/rules.h"
#include "sim/threads.h"

#include <errno.h>

size_t faults_calls, faults_made;

static size_t scarce; /* how many connections exhaust the descriptors */
static bool start_may_fail, is_serving;
static int is_paused; /* how often */

/* The chance of each fault in this run, in a thousand. */
static struct {
	unsigned shorts, agains, failures, accept_failures, gives_way, wakes,
	    untrue, shuffles, refusals;
} rates;

void
faults_draw(void)
{
	static const unsigned some[] = {0, 0, 5, 50, 300};
	static const unsigned few[] = {0, 0, 0, 2, 20};
	is_serving = false;
	is_paused = 0;
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
	rates.refusals = DRAW_ONE_OF(some);
}

void
faults_serve(void)
{
	is_serving = true;
}

void
faults_pause(bool pause)
{
	is_paused += pause ? 1 : -1;
}

unsigned
faults_wakes(void)
{
	return rates.wakes;
}

bool
faults_are_untrue(void)
{
	return draw_chance(rates.untrue);
}

static int
fault(int error)
{
	faults_made++;
	return error;
}

static int
enter_connection(struct kernel_socket *socket, enum kernel_call call)
{
	static const int errors[] = {ECONNRESET, ETIMEDOUT, ENOBUFS, EPIPE};
	struct peer *peer = socket->peer;
	bool moves =
	    call == KERNEL_RECV || call == KERNEL_PEEK || call == KERNEL_SEND;
	if (!moves && call != KERNEL_WATCH)
		return 0;
	socket->recv_most = socket->send_most =
	    draw_chance(rates.shorts) ? 1 + draw(40) : SIZE_MAX;
	if (moves && draw_chance(rates.agains))
		return fault(EAGAIN);
	if (!draw_chance(rates.failures))
		return 0;
	peer->harmed = true;
	peer->is_unserved |= socket->wants == POLLER_NOTHING && !moves;
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
	} else if (call == KERNEL_WATCH && is_serving &&
		   listener->wants == POLLER_NOTHING) {
		if (draw_chance(rates.accept_failures))
			error = ENOMEM;
	}
	if (error == 0)
		return 0;
	/* One that is to start pauses no other. */
	if (call == KERNEL_ACCEPT || !rules.is_changing)
		rules_listener_failed();
	return fault(error);
}

/* A change of what listens, of which most calls can be refused. */
static int
enter_change(enum kernel_call call)
{
	static const int errors[] = {EMFILE, EACCES, EADDRINUSE, ENOBUFS};
	bool may = call == KERNEL_SOCKET || call == KERNEL_BIND ||
		   call == KERNEL_LISTEN;
	return may && draw_chance(rates.refusals) ? fault(DRAW_ONE_OF(errors))
						  : 0;
}

static void
note(struct kernel_socket *socket, enum kernel_call call)
{
	struct peer *peer = socket->peer;
	if (call == KERNEL_CLOSE && socket->is_listening)
		rules_listener_closed(socket);
	if (peer == NULL)
		return;
	rules_touched(peer);
	if (call == KERNEL_SEND)
		rules_sends(peer);
	else if (call == KERNEL_RECV)
		rules_receives(peer);
	else if (call == KERNEL_WATCH && socket->wants == POLLER_NOTHING)
		rules_adopted(peer);
	else if (call == KERNEL_SHUTDOWN)
		rules_shut(peer);
	else if (call == KERNEL_SET_RESET)
		rules_reset(peer);
	else if (call == KERNEL_CLOSE)
		rules_closed(peer);
}

/*
 * No other thread may run, and no rule be checked, between a close and its
 * count, nor between computing a timeout and beginning to wait.
 */
static bool
may_give_way(enum kernel_call call)
{
	return call != KERNEL_CLOSE && call != KERNEL_WAIT;
}

static int
enter(struct kernel_socket *socket, enum kernel_call call)
{
	faults_calls++;
	if (socket != NULL)
		note(socket, call);
	if (!is_paused && may_give_way(call) && draw_chance(rates.gives_way))
		threads_give_way();
	if (call == KERNEL_WAIT)
		threads_begin_turn();
	if (is_paused && socket != NULL)
		socket->recv_most = socket->send_most = SIZE_MAX;
	if (is_paused)
		return 0;
	if (socket != NULL && socket->peer != NULL)
		return enter_connection(socket, call);
	if (socket != NULL && socket->is_listening)
		return enter_listener(socket, call);
	if (rules.is_changing && threads_is_first())
		return enter_change(call);
	if (call == KERNEL_WAIT && draw_chance(rates.failures))
		return fault(ENOMEM);
	if (start_may_fail && !is_serving && draw_chance(20))
		return fault(ENOBUFS);
	return 0;
}

static void
moved(struct kernel_socket *socket, enum kernel_call call)
{
	if (call == KERNEL_ACCEPT)
		rules_accepted(socket->peer);
	else if (call == KERNEL_ASK)
		rules_asked(socket->peer);
	else
		rules_moved(socket->peer, call);
}

/* Events may come in any order; what is left out is ready the next time. */
static int
arrange(void **ready, int n)
{
	if (is_paused || n < 2 || !draw_chance(rates.shuffles))
		return n;
	for (int i = n - 1; i > 0; i--) {
		size_t other = draw((size_t)i + 1);
		void *swapped = ready[i];
		ready[i] = ready[other];
		ready[other] = swapped;
	}
	return n - (int)draw((size_t)n);
}

const struct kernel_hooks faults_hooks = {
    .enter = enter,
    .moved = moved,
    .wait = threads_wait,
    .arrange = arrange,
    .start = threads_start,
    .join = threads_join,
};
