/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/listener.h"

#include "base/owner.h"
#include "base/sys.h"
#include "server/limits.h"
#include "server/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A turn accepts one connection from a listener, since an accept that finds
 * nothing costs nearly as much as one that succeeds.  After PATIENCE turns in a
 * row that did not find the queue empty, each turn accepts twice as many as the
 * one before.  There is a bound, 2^DOUBLED_MOST or 64, because the connected
 * clients wait meanwhile.
 *
 * Counted on Linux, for clients that come one after the other: 1.2 accepts a
 * client, and 2.0 if each turn emptied the queue.  For 64 that come at once:
 * 0.1 waits a client, and 1.0 if each turn accepted one.
 */
enum { PATIENCE = 4, DOUBLED_MOST = 6 };

/*
 * How long no listener accepts after a failure of the system, in ms: while it
 * lasts, a second costs 10 calls that fail.
 */
enum { RETRY_MS = 100 };

/* What became of one attempt to accept. */
enum attempt {
	ATTEMPT_DONE,  /* a connection, or one that was gone already */
	ATTEMPT_EMPTY, /* nobody was in the queue */
	ATTEMPT_FAILED /* the system lacked a resource */
};

static void note_ready(struct watch *);
static void retry(struct timer *);

void
listeners_init(struct listeners *listeners, struct loop *loop,
    const struct settings *settings, struct counters *counters,
    const struct listeners_owner *owner)
{
	*listeners = (struct listeners){
	    .loop = loop,
	    .settings = settings,
	    .counters = counters,
	    .owner = *owner,
	};
	list_init(&listeners->all);
	timer_queue_init(
	    &listeners->retries, loop_timers(loop), RETRY_MS, retry);
	timer_init(&listeners->retry);
}

/* Takes all listeners out of the loop; the kernel's queue holds the rest. */
static void
pause_all(struct listeners *listeners)
{
	listeners->paused = true;
	listeners->nready = 0;
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		listener->left = 0;
		(void)loop_watch(
		    listeners->loop, &listener->watch, POLLER_NOTHING);
	}
}

static bool
may_accept(const struct listeners *listeners)
{
	return listeners->owner.may_accept(listeners->owner.arg);
}

static void
wait_to_retry(struct listeners *listeners)
{
	listeners->waits = true;
	timer_arm(
	    &listeners->retries, &listeners->retry, loop_now(listeners->loop));
	pause_all(listeners);
}

static void
retry(struct timer *timer)
{
	struct listeners *listeners = OWNER_OF(timer, struct listeners, retry);
	listeners->waits = false;
	listeners_resume(listeners);
}

void
listeners_resume_paused(struct listeners *listeners)
{
	if (listeners->waits || !may_accept(listeners))
		return;
	listeners->paused = false;
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		/* If the poller has no memory now, it may have some later. */
		if (loop_watch(listeners->loop, &listener_at(link)->watch,
			POLLER_INPUT) == -1) {
			wait_to_retry(listeners);
			return;
		}
	}
}

/*
 * True for an error of the connection that would have been accepted: it is gone
 * already, or Linux reports an error of its network by accept (accept(2)).
 */
static bool
is_of_peer(int error)
{
	static const int errors[] = {ECONNABORTED, ECONNRESET, EPROTO, ENETDOWN,
	    ENETUNREACH, ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP,
	    ETIMEDOUT};
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		if (error == errors[i])
			return true;
	}
	return false;
}

static int
accept_with_peer(const struct listener *listener, union peer_address *peer)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	int fd = sys_accept(listener->watch.fd, &address);
	memcpy(peer, &address, sizeof *peer);
	return fd;
}

static enum attempt
accept_one(struct listener *listener)
{
	struct listeners *listeners = listener->listeners;
	const struct listeners_owner *owner = &listeners->owner;
	struct handoff handoff;
	handoff.service = (uint8_t)listener->service->number;
	handoff.fd = listeners->settings->log_connections
			 ? accept_with_peer(listener, &handoff.peer)
			 : sys_accept(listener->watch.fd, NULL);
	if (handoff.fd != -1) {
		counters_add(listeners->counters, COUNTER_ACCEPTED, 1);
		owner->accepted(&handoff, owner->arg);
		return ATTEMPT_DONE;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return ATTEMPT_EMPTY;
	return is_of_peer(errno) ? ATTEMPT_DONE : ATTEMPT_FAILED;
}

static void
note_failure(struct listeners *listeners)
{
	char note[LOG_NOTE_MAX];
	counters_add(listeners->counters, COUNTER_ACCEPT_FAILURES, 1);
	if (!log_limit_pass(
		&listeners->failures, loop_now(listeners->loop), note))
		return;
	log_warn("cannot accept, new clients wait%s", note);
}

/* Takes the listeners out of the loop until a connection ends. */
static void
wait_for_end(struct listeners *listeners)
{
	char note[LOG_NOTE_MAX];
	counters_add(listeners->counters, COUNTER_FULL, 1);
	if (log_limit_pass(&listeners->fulls, loop_now(listeners->loop), note))
		log_warnx("%s%s", listeners->owner.limit, note);
	pause_all(listeners);
}

/* How many connections the listener accepts in this turn. */
static unsigned
turn_of(const struct listener *listener)
{
	if (listener->nfull < PATIENCE)
		return 1;
	unsigned doubled = listener->nfull - PATIENCE + 1;
	return 1U << (doubled < DOUBLED_MOST ? doubled : DOUBLED_MOST);
}

static void
note_ready(struct watch *watch)
{
	struct listener *listener = OWNER_OF(watch, struct listener, watch);
	listener->left = turn_of(listener);
	listener->listeners->nready++;
	const struct listeners_owner *owner = &listener->listeners->owner;
	if (owner->noted != NULL)
		owner->noted(owner->arg);
}

/* The ready listener whose turn was longest ago; there must be one. */
static struct listener *
next_ready(const struct listeners *listeners)
{
	struct list *link = listeners->all.next;
	while (listener_at(link)->left == 0)
		link = link->next;
	return listener_at(link);
}

void
listeners_accept_ready(struct listeners *listeners)
{
	while (listeners->nready > 0) {
		struct listener *listener = next_ready(listeners);
		if (!may_accept(listeners)) {
			wait_for_end(listeners);
			return;
		}
		/* To the end of the list: now the others come first. */
		list_remove(&listener->link);
		list_append(&listeners->all, &listener->link);
		switch (accept_one(listener)) {
		case ATTEMPT_DONE:
			if (--listener->left == 0) {
				listener->nfull++;
				listeners->nready--;
			}
			break;
		case ATTEMPT_EMPTY:
			listener->left = 0;
			listener->nfull = 0;
			listeners->nready--;
			break;
		case ATTEMPT_FAILED:
			note_failure(listeners);
			wait_to_retry(listeners);
			return;
		}
	}
}

/* Accepts what is queued at one listener, as far as allowed. */
static void
accept_rest(struct listener *listener)
{
	struct listeners *listeners = listener->listeners;
	/* Clients may keep coming, so this ends after a full queue. */
	for (int i = 0; i < LIMITS_BACKLOG_MAX; i++) {
		if (!may_accept(listeners))
			return;
		enum attempt attempt = accept_one(listener);
		if (attempt == ATTEMPT_FAILED)
			note_failure(listeners);
		if (attempt != ATTEMPT_DONE)
			return;
	}
}

void
listener_init(struct listener *listener, struct listeners *listeners, int fd)
{
	listener->listeners = listeners;
	watch_init(&listener->watch, fd, note_ready);
	list_append(&listeners->all, &listener->link);
}

int
listener_start(struct listener *listener)
{
	struct listeners *listeners = listener->listeners;
	if (listeners->paused)
		return 0;
	return loop_watch(listeners->loop, &listener->watch, POLLER_INPUT);
}

/* Another process, such as a service manager, may hold a duplicate. */
static void
leave_loop(struct listener *listener)
{
	struct listeners *listeners = listener->listeners;
	(void)loop_watch(listeners->loop, &listener->watch, POLLER_NOTHING);
	if (listener->left > 0)
		listeners->nready--;
	listener->left = 0;
}

void
listener_leave(struct listener *listener)
{
	leave_loop(listener);
	list_remove(&listener->link);
	free(listener);
}

void
listener_close(struct listener *listener)
{
	int fd = listener->watch.fd;
	leave_loop(listener);
	loop_unwatch(listener->listeners->loop, &listener->watch);
	listener_leave(listener);
	(void)sys_close(fd);
}

void
listener_finish(struct listener *listener)
{
	leave_loop(listener);
	accept_rest(listener);
	listener_close(listener);
}

void
listener_retire(struct listener *listener)
{
	/*
	 * Who came between the last accept and the close would be reset.  While
	 * others have the socket it would stay deaf.
	 */
	if (listener->hold != LISTENER_HELD)
		sys_ignore_new(listener->watch.fd);
	listener_finish(listener);
}

void
listeners_finish(struct listeners *listeners)
{
	struct list *all = &listeners->all, *next;
	/* Each is closed as soon as its queue is empty, so that it stays so. */
	for (struct list *link = all->next; link != all; link = next) {
		next = link->next;
		/* The other end of a duplicate closes it a moment later. */
		if (listener_at(link)->hold == LISTENER_RELEASED)
			listener_retire(listener_at(link));
		else
			listener_finish(listener_at(link));
	}
	listeners_close(listeners);
}

void
listeners_close(struct listeners *listeners)
{
	struct list *all = &listeners->all, *next;
	timer_disarm(&listeners->retry);
	for (struct list *link = all->next; link != all; link = next) {
		next = link->next;
		listener_close(listener_at(link));
	}
}
