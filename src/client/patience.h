/* SPDX-License-Identifier: ISC */
/*
 * How long the server is waited for: for its next move, and for all that it
 * owes.  Only time in which nothing else is waited for counts against it.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct patience {
	uint32_t move;   /* ms for its next move; 0: no limit */
	uint32_t answer; /* ms for the end of its answer; 0: no limit */
	uint64_t moved;  /* ms of sys_now, when a byte last went anywhere */
	uint64_t waited; /* ms of waiting since it was last sent anything */
};

/* Milliseconds until it has moved nothing for too long; -1: never. */
int patience_for_move(const struct patience *, uint64_t now);

/* Milliseconds until its answer has taken too long; -1: never. */
int patience_for_answer(const struct patience *);

/*
 * Counts a wait for the server that ended now and was to take no longer than
 * longest (-1: any time): that this program was stopped in it is not the
 * server's fault.
 */
void patience_count(
    struct patience *, uint64_t began, uint64_t now, int longest);

/* The shorter of two waits, of which -1 is the longest. */
int patience_shorter(int, int);

#endif
