/* SPDX-License-Identifier: ISC */
/*
 * The peers of the simulated server.  Each has a plan to send, a temper, and
 * the records by which the rules are checked.
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

/* The chance that a peer does each thing in its turn, in a thousand. */
struct temper {
	unsigned sends, reads, reads_all, ends, resets;
};

struct peer {
	struct kernel_socket *socket, *listener;
	enum upcase_invalid invalid; /* from when it is served */
	const struct plan *plan;
	size_t first, last, sent; /* places in the plan */
	struct temper temper;

	unsigned origin; /* where it comes from: see origins.h */

	/* What a proxy sends before that. */
	bool is_proxied;
	const char *header;
	size_t nheader, header_sent;
	bool is_bad; /* that is no header */
	int client;  /* where that says it comes from, or -1 */

	/* The records of the rules. */
	bool accepted;
	bool is_counted;  /* for its source */
	bool is_refused;  /* for its source, and is to be reset at once */
	bool greeted;     /* all of its header was taken, or it has none */
	bool harmed;      /* by a system call that was made to fail */
	bool is_unserved; /* so that it could not be served */
	bool ended;       /* by the server, as its sending the tail shows */
	bool expired;     /* the server may send the tail for that */
	bool lingers;     /* the server ended it first, and has sent FIN */
	bool lingered;    /* for as long as it is to be */
	bool reads;       /* it took something that had been stored */
	bool asked;       /* since bytes last moved: what the kernel holds */
	bool delivers;    /* the server looks at what the kernel holds */
	size_t change;    /* the one in which it was accepted, or 0 */
	bool gone;        /* the last look found it reset, and bytes lost */
	size_t turn;      /* the number of its last recv, among those of all */
	size_t nsends;    /* sends since it was last received from */

	/* The place in the answer where the stored part begins. */
	size_t stored_from;

	size_t received;   /* bytes, before the server ended it */
	size_t answered;   /* bytes that were sent to it */
	size_t small;      /* bytes answered, counted up to SMALL_ANSWER */
	size_t kib;        /* whole KiB of each answer above that */
	size_t checked;    /* bytes sent that were found to be right */
	uint64_t moved_at; /* the turn in which bytes last moved, in ms */
	uint64_t taken_at; /* the turn in which it last made progress */
	uint64_t shut_at;  /* the turn in which the server sent FIN */
	uint64_t asked_at; /* the turn of the last look at its delivery */
	uint64_t less_at;  /* the turn of the last look that found less */
	size_t held;       /* what less is compared with: see rules_asked */
	bool known;        /* held is valid for the stored output */
};

extern struct peer peers[PEERS_MAX];
extern size_t npeers;

/* Forgets all peers. */
void peers_reset(void);

/* One more peer, in the queue of a listener. */
void peers_connect(struct kernel_socket *listener);

/* Gives a peer its turn: its temper says what it is likely to do. */
void peers_act(struct peer *);

/*
 * Lets a peer read all that was sent to it and send the rest, as far as the
 * kernel takes it, and FIN when all is sent.
 */
void peers_finish(struct peer *);

/* True while its connection is accepted and not closed. */
bool peers_is_open(const struct peer *);

/* True for one that still waits to be accepted. */
bool peers_is_queued(const struct peer *);

/* The answer that is due to all that the server has received. */
struct due peers_due(const struct peer *);

/* Bytes of that answer, without its tail, that the kernel has not taken. */
size_t peers_pending(const struct peer *);

/* Bytes that the kernel has taken and the peer has not acknowledged. */
size_t peers_held(const struct peer *);

/* True when the kernel takes nothing more for the peer. */
bool peers_is_full(const struct peer *);

/* True if the peer has sent FIN, and all that came before was received. */
bool peers_has_ended(const struct peer *);

/* True if the stream is to be ended for a byte that was received. */
bool peers_is_refused(const struct peer *);

/* True if a stream that ended now would be refused for its last character. */
bool peers_is_refused_at_end(const struct peer *);

#endif
