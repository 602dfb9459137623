/* SPDX-License-Identifier: ISC */
/*
 * The peers of the simulated server: each has a plan to send, a temper, and
 * the books of what has come of it, which the rules are held against.
 */
#ifndef PEERS_H
#define PEERS_H

#include "fake/kernel.h"
#include "sim/plan.h"
#include "upcase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most peers of one run. */
enum { PEERS_MAX = 32 };

/* How readily a peer does each thing, in a thousand, when it has its turn. */
struct temper {
	unsigned sends, reads, reads_all, ends, resets;
};

struct peer {
	struct kernel_socket *socket, *listener;
	enum upcase_invalid invalid;
	const struct plan *plan;
	size_t first, last, sent; /* places in the plan */
	struct temper temper;

	/* The books of the rules. */
	bool accepted;
	bool harmed;   /* by a system call that was made to fail */
	bool ended;    /* by the server, as its sending the tail shows */
	bool lingers;  /* the server has sent FIN */
	bool reads;    /* it took something that had been stored */
	bool asked;    /* what the kernel holds, and nothing moved since */
	bool delivers; /* what the kernel holds is looked at */
	bool gone;   /* as the last look has told, without all of its answer */
	size_t turn; /* its place among all that received, at the last */
	size_t nsends; /* calls since the last that received something */
	size_t
	    stored_from;   /* the place in the answer where the pool's begins */
	size_t received;   /* by the server, before it ended the connection */
	size_t answered;   /* bytes that were sent to it */
	size_t small;      /* bytes that were answered to it, at first */
	size_t kib;        /* and then, of each answer the whole KiB */
	size_t checked;    /* of those, the ones that are right for good */
	uint64_t moved_at; /* the turn in which bytes last moved, in ms */
	uint64_t taken_at; /* the turn in which it last made progress */
	uint64_t shut_at;  /* the turn in which the server sent FIN */
	uint64_t asked_at; /* the turn that last asked what the kernel holds */
	uint64_t less_at;  /* the turn that last found less */
	size_t held;       /* how much; if it is stored, had it read nothing */
	bool known;        /* that is */
};

extern struct peer peers[PEERS_MAX];
extern size_t npeers;

/* No peers any more. */
void peers_reset(void);

/* One more peer, in the queue of a listener. */
void peers_connect(struct kernel_socket *listener, enum upcase_invalid);

/* A peer does what its temper gives it. */
void peers_act(struct peer *);

/*
 * It sends the rest, as far as it fits, and its FIN, and from now on reads as
 * fast as it is answered.
 */
void peers_finish(struct peer *);

/* True while its connection is in the hands of the server. */
bool peers_is_open(const struct peer *);

/* True for one that still waits to be accepted. */
bool peers_is_queued(const struct peer *);

/* What is due on all that the server has received before it ended. */
struct due peers_due(const struct peer *);

/* Bytes of that which the kernel has not taken yet, but for the tail. */
size_t peers_pending(const struct peer *);

/* Bytes that the kernel has taken, and the peer has not acknowledged. */
size_t peers_held(const struct peer *);

/* True when the kernel takes nothing more for the peer. */
bool peers_is_full(const struct peer *);

/* True if the peer has sent FIN, and all that came before was received. */
bool peers_has_ended(const struct peer *);

/* True if the stream is to be ended for a byte that was received. */
bool peers_is_refused(const struct peer *);

/* True if its client ended the stream, but inside a character. */
bool peers_is_refused_at_end(const struct peer *);

#endif
