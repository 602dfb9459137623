/* SPDX-License-Identifier: ISC */
/*
 * The sessions that a mode is made of, with their texts and addresses.  All
 * memory of a run is allocated here, before its start: for each connection some
 * 250 bytes and 8 for each message of its depth; a text, its answers, and 16
 * bytes for each of its messages; the buffer that is received into.
 */
#ifndef LOAD_H
#define LOAD_H

#include "bench/options.h"
#include "bench/session.h"

#include <stddef.h>
#include <stdint.h>

enum { LOAD_GROUPS_MAX = 2 };

struct load {
	struct engine engine;
	struct addrinfo *addresses;
	struct text texts[LOAD_GROUPS_MAX];
	struct group groups[LOAD_GROUPS_MAX]; /* mixed: streams come second */
	size_t ngroups;
	struct session *sessions; /* those of the first group come first */
	size_t nsessions;
	uint64_t *times; /* of messages under way */
};

/*
 * Returns the status to exit with; unless it is EX_OK a sentence was said.
 * Latencies are to be added to the histogram.
 */
int load_open(struct load *, const struct bench_options *, struct histogram *);

/* Also after an open that failed. */
void load_close(struct load *);

#endif
