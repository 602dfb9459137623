/* SPDX-License-Identifier: ISC */
/*
 * One run: a server with settings of its own, on a kernel whose calls fail,
 * with peers of all tempers, from its start to its end.  On the way there may
 * be reloads, and hand-overs to another server.  All of it follows from the
 * seed.
 */
#ifndef WORLD_H
#define WORLD_H

#include "server/counters.h"

#include <stddef.h>
#include <stdint.h>

/* What has happened in all runs, to show that nothing was missed. */
struct tally {
	size_t counters[NCOUNTERS]; /* of the servers */
	size_t starts_refused, handovers;
};

extern struct tally tally;

void world_run(uint64_t seed);

#endif
