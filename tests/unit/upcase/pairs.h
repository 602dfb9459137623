/* SPDX-License-Identifier: ISC */
/*
 * Descriptors for the tests of poller.h: pairs of connected sockets of which
 * near is the one that is polled, and far is its peer.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include "reactor/poller.h"

#include <stdbool.h>

/* How long silence is listened to: the latter shows that nothing spins. */
enum { SHORT_MS = 10, LONG_MS = 120 };

struct pair {
	int near, far;
	enum poller_interest wants;
	int nevents;
};

/* The poller of all that is below. */
extern struct poller *poller;

/* True while events may be untrue: silence cannot be asked for then. */
extern bool is_untrue;

/* Opens the poller over the back end of that number. */
void open_poller(int i);

/* One that has room for little output. */
struct pair pair_open(void);

/* Over TCP, for what only TCP does. */
struct pair pair_connect(void);

void pair_want(struct pair *, enum poller_interest);

/* Ends the near side as its owner has to. */
void pair_end(struct pair *);

/* Writes until the kernel takes no more. */
void fill(int fd);

/* Reads until the kernel has no more. */
void drain(int fd);

/*
 * Waits for events, over waits that a signal ended, counts them in their pairs
 * and returns how many came: at most nready.
 */
int gather(int nready);

/* The next wait reports this pair, and no other. */
void expect_only(struct pair *);

/* Nothing is reported, and the waits for it really sleep. */
void expect_silence(int ms);

/* Silence, for descriptors that are wanted, but not ready. */
void expect_unready(void);

#endif
