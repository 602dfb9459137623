/* SPDX-License-Identifier: ISC */
/*
 * The inventory: all that one process hands over to the next that serves, but
 * for the descriptors, as one run of bytes.  It is read by other versions of
 * the program, on the same machine, so its layout is a format:
 *
 *	header, counters, listeners, connections, pending output
 *
 * Numbers have the byte order of the machine, times are those of sys_now.  A
 * newer version may add members at the end of each structure, whose size the
 * header tells, and behind all sections; what it adds an older one leaves out.
 * A change that an older one must not overlook raises the version that can read
 * it.  An inventory comes from a process that is trusted, and is checked all
 * the same: no number in it leads outside of it.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include "upcase/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version that is written, and the least that can read it. */
enum { INVENTORY_VERSION = 3, INVENTORY_READABLE_BY = 1 };

#define INVENTORY_MAGIC "upcased"

struct inventory_header {
	char magic[8];        /* INVENTORY_MAGIC, its end included */
	uint32_t version;     /* that wrote it */
	uint32_t readable_by; /* the least version that may read it */
	uint32_t size;        /* of this structure */
	uint32_t counter_size, listener_size, conn_size;
	uint32_t ncounters, nlisteners, nconns;
	uint32_t reserved;
	uint64_t npending; /* bytes of pending output, of all connections */
	uint64_t blocks;   /* that the writer had for pending output */
};

/* By its name, since a version may have others. */
struct inventory_counter {
	char name[24]; /* ends with 0 */
	uint64_t value;
};

/* Its descriptor is one of the first, in the same order. */
struct inventory_listener {
	char transport[16], service[16]; /* their names, ended with 0 */
	unsigned char address[128];      /* as it was asked for */
	uint32_t length;                 /* of that */
	uint32_t number;                 /* in the list of addresses, from 1 */
	uint32_t is_passed;              /* came with the start: 0 or 1 */
	uint32_t is_proxied;             /* has the attribute proxy: 0 or 1 */
};

/* Its descriptor is one of those behind, in the same order. */
struct inventory_conn {
	uint64_t began;   /* when its deadline began to run */
	uint64_t pending; /* bytes of output, or of a header in GREETING */
	uint64_t moved;   /* when that made its last progress */
	uint32_t held, held_since; /* by the kernel: see conn.h and pool.h */
	uint16_t answered;
	uint8_t state, cause; /* the latter is an index of counters */
	uint8_t service;      /* enum service_number */
	uint8_t reads, is_large, nlooks;
	struct upcase_saved text;
	uint16_t worker; /* that served it */

	/* What is known for the log, if that is 1: see record.h. */
	uint64_t opened, received, sent;
	unsigned char peer[28]; /* the address, as the system has it */
	uint32_t has_record;
	uint32_t is_proxied; /* that address is what a header says: 0 or 1 */

	/* What it is counted for, if that is 1: a struct prefix. */
	unsigned char source[18];
	uint16_t has_source;
};

struct inventory {
	const unsigned char *bytes;
	size_t size;
	struct inventory_header header;
	size_t counters, listeners, conns, pending; /* where they begin */
};

/* The header for so many of each, and the size of all. */
size_t inventory_plan(struct inventory_header *, size_t ncounters,
    size_t nlisteners, size_t nconns, size_t npending);

/* Finds where the sections are of what such a header begins. */
void inventory_lay_out(struct inventory *, const struct inventory_header *);

/*
 * Reads where all is.  NULL, or why it cannot be read, as the end of a
 * sentence.
 */
const char *inventory_read(struct inventory *, const void *bytes, size_t size);

/* The i-th of each; what the writer did not know of is 0. */
void inventory_counter(
    const struct inventory *, size_t i, struct inventory_counter *);
void inventory_listener(
    const struct inventory *, size_t i, struct inventory_listener *);
void inventory_conn(
    const struct inventory *, size_t i, struct inventory_conn *);

#endif
