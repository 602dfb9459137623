/* SPDX-License-Identifier: ISC */
/*
 * One simulated client, as a state machine:
 *
 *	CLOSED -> CONNECTING -> OPEN -> ENDING -> CLOSED, or FAILED from any
 *
 * In OPEN it sends questions as far as the kernel takes them, and compares what
 * comes with their answers; exchange.h keeps both places.  It begins no more
 * messages than it was granted.  In ENDING it has sent FIN and waits for that
 * of the server.
 *
 * Several sessions that do the same are a group, with one text and one set of
 * figures.  All groups share what is in struct engine.  Nothing is allocated
 * here.
 */
#ifndef SESSION_H
#define SESSION_H

#include "bench/duplex.h"
#include "bench/errors.h"
#include "bench/exchange.h"
#include "bench/histogram.h"
#include "bench/schedule.h"
#include "bench/target.h"
#include "reactor/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one recv takes at most. */
#define SESSION_BUFFER ((size_t)256 * 1024)

struct engine {
	struct loop *loop;
	struct timer_queue deadlines; /* of sessions that wait for the server */
	struct timer_queue answers;   /* of those that wait for an answer */
	struct target target;
	uint64_t now;        /* ticks, of the present event */
	unsigned connecting; /* sessions */
	struct errors errors;
	unsigned char *buffer; /* of SESSION_BUFFER bytes */
};

/* What was done since the start. */
struct figures {
	uint64_t messages;       /* answered */
	uint64_t sent, received; /* bytes */
	uint64_t established;    /* connections */
};

struct group {
	struct engine *engine;
	const struct text *text;
	const struct schedule *schedule; /* NULL: as fast as answers come */
	size_t depth;    /* messages under way at once; 0: it streams */
	bool is_single;  /* a connection is for one message */
	bool reconnects; /* and a message is done when that has ended */
	bool is_ending;  /* connections end when they are at rest */
	size_t size;     /* sessions */

	unsigned active; /* sessions that have a connection */
	struct figures figures;

	/* Of messages that began in this time; NULL: not wanted. */
	struct histogram *latencies;
	uint64_t from, to; /* ticks */
};

enum session_state {
	SESSION_CLOSED,
	SESSION_CONNECTING,
	SESSION_OPEN,
	SESSION_ENDING,
	SESSION_FAILED
};

struct session {
	struct group *group;
	struct duplex socket;
	struct timer deadline;        /* for the next byte */
	struct timer answer_deadline; /* for the end of the oldest answer */
	unsigned number, place;       /* among all, and in the group; from 0 */
	enum session_state state;
	bool has_asked; /* this connection has begun a message */
	struct exchange exchange;
	uint64_t granted;   /* messages that may be begun, of all times */
	uint64_t received;  /* bytes, over this connection */
	uint64_t opened_at; /* ticks */
	uint64_t *begun_at; /* ticks, of the last `depth' messages */
};

/*
 * Prepares a session of the group, which begins with the given message of the
 * text.  At begun_at there is room for a time for each message of the depth.
 */
void session_init(
    struct session *, struct group *, size_t first, uint64_t *begun_at);

/* Connects.  Failures become errors of the engine. */
void session_open(struct session *);

/* Grants that many more messages; one that reconnects opens for them. */
void session_grant(struct session *, uint64_t messages);

/* Begins no more messages; if the group ends, so does it when at rest. */
void session_end(struct session *);

/* To be called for the queue of deadlines. */
void session_expired(struct timer *);

/* To be called for that of answers. */
void session_overdue(struct timer *);

/* Ends one that still has a connection, as if its deadline had passed. */
void session_give_up(struct session *);

/* Closes whatever is open, at once. */
void session_abort(struct session *);

#endif
