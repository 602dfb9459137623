/* SPDX-License-Identifier: ISC */
/*
 * What is kept of one connection.  Its states are in conn_state.h, what it does
 * in them in conn_machine.c, and what the connections of a worker share in
 * shard.h.
 */
#ifndef CONN_H
#define CONN_H

#include "reactor/loop.h"
#include "reactor/timer.h"
#include "server/pool.h"
#include "upcase/stream.h"

#include <stdint.h>

struct shard;

/* The size of a cache line, in bytes, on most machines. */
#define CONN_ALIGNMENT 64

/* What the kernel holds of an answer until the peer acknowledges it. */
struct conn_held {
	uint32_t left;       /* bytes, when the peer last made progress */
	uint32_t since : 30; /* loop_now at that progress, modulo CONN_TIME */
	uint32_t nlooks : 2; /* which wait comes next, of SHARD_LOOKS */
};

/* Times of looks are kept modulo this, in ms: more than the longest span. */
#define CONN_TIME (UINT32_C(1) << 30)

/* It fits in one cache line: it has no buffer, no address and no strings. */
struct conn {
	struct watch watch;
	struct timer timer; /* its deadline; when closed, its link in a list */
	struct shard *shard;
	union {
		/* Output that the kernel did not take; in GREETING, a header.
		 */
		struct block *pending;

		struct conn_held held; /* only while DELIVERING */
	};
	struct upcase_stream upcase;
	uint8_t state;          /* enum conn_state */
	uint16_t cause : 4;     /* enum counter: why it ends, once it does */
	uint16_t reads : 1;     /* its peer is known to read, see delivery.c */
	uint16_t answered : 11; /* bytes, then KiB: see delivery_note */
};

#endif
