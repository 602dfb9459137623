/* SPDX-License-Identifier: ISC */
/*
 * The listeners: sockets that are bound, and what is accepted from them.
 *
 * One function of their owner decides whether a connection may be accepted.
 * While it may not, the listeners are out of the loop, and new clients wait
 * in the kernel's queue; whoever makes room calls listeners_resume.  A failure
 * of accept that is the system's, such as a lack of descriptors, pauses all
 * listeners for a moment: left in the loop they would only make it spin.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "counters.h"
#include "log.h"
#include "loop.h"
#include "server.h"
#include "timer.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener {
	struct watch watch;
	struct listeners *all;
	unsigned nfull; /* turns in a row that may have left somebody */
};

struct listeners {
	struct loop *loop;
	const struct server_settings *settings;
	struct counters *counters;
	bool (*may_accept)(void *owner);
	void (*accepted)(int fd, void *owner); /* who owns the socket then */
	void *owner;

	struct listener *list;
	size_t n;
	struct timer_queue retries;
	struct timer retry; /* armed after a failure of the system */
	bool paused;        /* out of the loop */
	bool waits;         /* until the retry */
	struct log_limit failures, fulls;
	unsigned refused; /* options that the system does not have */
};

void listeners_init(struct listeners *, struct loop *,
    const struct server_settings *, struct counters *);

/*
 * Binds an address and listens on it: clients are queued from now on.  -1 with
 * the errno of socket, setsockopt, bind or listen.
 */
int listeners_bind(struct listeners *, const struct sockaddr *, socklen_t);

/*
 * How long the kernel holds its part of a closed connection, in ms; 0: as long
 * as it likes.  To be called after a bind.
 */
uint32_t listeners_held_ms(const struct listeners *);

/* Starts to accept, and logs each address: -1 with the poller's errno. */
int listeners_start(struct listeners *);

/* Accepts again, if that is allowed by now; harmless at any time. */
void listeners_resume(struct listeners *);

/*
 * Accepts what is queued, as far as allowed, and closes the listeners.  Not
 * inside a turn of the loop.
 */
void listeners_finish(struct listeners *);

/* Closes the listeners.  Not inside a turn of the loop. */
void listeners_close(struct listeners *);

#endif
