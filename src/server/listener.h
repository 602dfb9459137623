/* SPDX-License-Identifier: ISC */
/*
 * The listeners: sockets that are bound, and what is accepted from them.
 *
 * One function of their owner decides whether a connection may be accepted.
 * While it may not, the listeners are out of the loop, and new clients wait
 * in the kernel's queue; whoever makes room calls listeners_resume.  When a
 * call of accept fails for a reason of the system's, such as a lack of
 * descriptors, all listeners pause for a moment: left in the loop they would
 * only make it spin.
 *
 * A turn of the loop only notes which listeners have clients.  When the turn is
 * over, they are accepted one by one from each listener in rotation, so that no
 * listener takes all the room there is.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "base/log.h"
#include "net/transport.h"
#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/counters.h"
#include "server/settings.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

/* How much later than stall_ms the kernel gives a connection up, in ms. */
#define LISTENER_MARGIN_MS 1000

/* Allocated one by one, since the loop keeps the address of the watch. */
struct listener {
	struct list link; /* in listeners.all */
	struct watch watch;
	struct listeners *listeners;
	const struct transport *transport;
	const struct service *service; /* what serves its clients */
	unsigned left;  /* how many it may still accept now; 0: is not ready */
	unsigned nfull; /* turns in a row that did not find the queue empty */
};

/* Decides whether to accept, and takes over each socket that was accepted. */
struct listeners_owner {
	bool (*may_accept)(void *arg);
	void (*accepted)(int fd, const struct service *, void *arg);
	void *arg;
};

struct listeners {
	struct loop *loop;
	const struct settings *settings;
	struct counters *counters;
	struct listeners_owner owner;

	struct list all; /* the one whose turn is next is in front */
	unsigned nready; /* listeners with clients to be accepted now */
	struct timer_queue retries;
	struct timer retry; /* armed after a failure of the system */
	bool paused;        /* the listeners are out of the loop */
	bool waits;         /* they stay out of it until the retry */
	struct log_limit failures, fulls;
	unsigned refused; /* options that the system refused: a set of bits */
};

void listeners_init(struct listeners *, struct loop *, const struct settings *,
    struct counters *, const struct listeners_owner *);

/*
 * Binds an address and listens on it: clients are queued from now on.  -1 with
 * the errno of socket, setsockopt, bind or listen.
 */
int listeners_bind(struct listeners *, const struct transport *,
    const struct service *, const struct sockaddr *, socklen_t);

/*
 * Accepts from a socket that listens already and was passed to this process; it
 * is closed with the others from then on.  -1 with the errno of fcntl or
 * setsockopt.
 */
int listeners_adopt(
    struct listeners *, const struct transport *, const struct service *, int);

/*
 * Other settings hold from now on, for what is bound and for what is bound
 * later.
 */
void listeners_set(struct listeners *, const struct settings *);

/*
 * How long the kernel holds its part of a closed connection, in ms; 0: as long
 * as it likes.  To be called after a bind.
 */
uint32_t listeners_held_ms(const struct listeners *);

/*
 * Starts to accept, with queues of the given length, and logs each address.
 * Returns -1 with the poller's errno.
 */
int listeners_start(struct listeners *, size_t backlog);

/* Does what listeners_accept does when there is something to do. */
void listeners_accept_ready(struct listeners *);

/*
 * To be called after each turn of the loop: accepts, as far as allowed.  True
 * if there was something to do, which is seldom.
 */
static inline bool
listeners_accept(struct listeners *listeners)
{
	if (listeners->nready == 0)
		return false;
	listeners_accept_ready(listeners);
	return true;
}

/* Does what listeners_resume does when there is something to do. */
void listeners_resume_paused(struct listeners *);

/* Accepts again, if that is allowed by now; harmless at any time. */
static inline void
listeners_resume(struct listeners *listeners)
{
	if (listeners->paused)
		listeners_resume_paused(listeners);
}

/*
 * Accepts what is queued, as far as allowed, and closes the listeners.  Not
 * inside a turn of the loop.
 */
void listeners_finish(struct listeners *);

/* Closes the listeners.  Not inside a turn of the loop. */
void listeners_close(struct listeners *);

#endif
