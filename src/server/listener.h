/* SPDX-License-Identifier: ISC */
/*
 * The listeners: sockets that listen, and what is accepted from them.  What
 * they listen on is decided in listening.h.
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

#include "base/list.h"
#include "base/log.h"
#include "base/owner.h"
#include "net/transport.h"
#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/counters.h"
#include "server/handover.h"
#include "server/settings.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

/*
 * Whether a service manager holds a duplicate of a socket of ours, so that its
 * clients wait while there is no process.
 */
enum listener_hold {
	LISTENER_OWN,     /* it does not */
	LISTENER_HELD,    /* it does */
	LISTENER_RELEASED /* it was told to close it, and will soon have */
};

/* Where to listen. */
struct listen_address {
	const struct transport *transport;
	const struct service *service; /* of its clients */
	const struct sockaddr *address;
	socklen_t length;
};

/* Allocated one by one, since the loop keeps the address of the watch. */
struct listener {
	struct list link; /* in listeners.all */
	struct watch watch;
	struct listeners *listeners;
	const struct transport *transport;
	const struct service *service;   /* what serves its clients */
	struct sockaddr_storage address; /* as it was asked for */
	socklen_t length;
	size_t number;   /* of its address in the list in force, from 1 */
	size_t wanted;   /* the same in that of a change; 0: it ends */
	bool is_fresh;   /* is to start when the change is made */
	bool is_adopted; /* was taken over since, and is not ours to unbind */
	bool is_covered; /* is not in the list, but one that covers it is */
	bool is_passed;  /* came with the start, and is served in any case */
	bool is_retired; /* serves who has begun to connect, and is to end */
	enum listener_hold hold;
	unsigned left;  /* how many it may still accept now; 0: is not ready */
	unsigned nfull; /* turns in a row that did not find the queue empty */
};

/* Decides whether to accept, and takes over each socket that was accepted. */
struct listeners_owner {
	bool (*may_accept)(void *arg);
	void (*accepted)(const struct handoff *, void *arg);
	/*
	 * A listener has clients, and listeners_accept is to be called; NULL if
	 * it is called after each turn anyhow.
	 */
	void (*noted)(void *arg);
	const char *limit; /* what is said when it may not accept */
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
	bool shares; /* some let others have their address, see listening.c */
	unsigned refused; /* options that the system refused: a set of bits */
};

void listeners_init(struct listeners *, struct loop *, const struct settings *,
    struct counters *, const struct listeners_owner *);

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

/* Puts a listener, whose other members are set, at the end of the list. */
void listener_init(struct listener *, struct listeners *, int fd);

/* Waits for its clients from now on; -1 with the poller's errno. */
int listener_start(struct listener *);

/*
 * Frees a listener whose socket, which stays open, belongs to the caller now.
 * Not inside a turn of the loop.
 */
void listener_leave(struct listener *);

/*
 * Closes a listener and frees it; the second accepts what is queued before, as
 * far as allowed; the third lets nobody new into the queue before that, and is
 * for a socket that nobody else will have: one that is held is finished.  Not
 * inside a turn of the loop.
 */
void listener_close(struct listener *);
void listener_finish(struct listener *);
void listener_retire(struct listener *);

static inline struct listener *
listener_at(struct list *link)
{
	return OWNER_OF(link, struct listener, link);
}

/* The same for all listeners. */
void listeners_finish(struct listeners *);
void listeners_close(struct listeners *);

#endif
