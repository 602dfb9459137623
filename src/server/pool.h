/* SPDX-License-Identifier: ISC */
/*
 * The pool: pending output of the connections of one worker, in blocks.
 *
 * It takes its memory once and never more.  Whoever receives first asks how
 * much the free blocks can hold, so storing cannot fail.  A connection stores
 * only while it has no output pending, so an output is written once, as a
 * chain of blocks, and then only shrinks.
 *
 * Blocks that were not needed for a while can be given back to the system.
 * Times are milliseconds of sys_now.
 */
#ifndef POOL_H
#define POOL_H

#include "base/list.h"

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of a block in bytes, and what of it holds output. */
#define POOL_BLOCK        ((size_t)16384)
#define POOL_BLOCK_OUTPUT (POOL_BLOCK - sizeof(struct block))

/* The memory that a block takes in all, in bytes. */
#define POOL_COST (POOL_BLOCK + sizeof(uint32_t))

struct block {
	struct block *next;  /* of the same output */
	unsigned start, end; /* the bytes still to be sent */

	/* In the first block of an output only. */
	void *owner;
	size_t nblocks; /* of the output */
	uint64_t moved; /* when it was stored, or something last taken */
	uint64_t held;  /* what the kernel would hold, had nothing been read */
	struct list waiting; /* in one of the pool's lists */
	unsigned char bytes[];
};

struct pool {
	unsigned char *memory;
	size_t nblocks;
	size_t nfree;  /* of all blocks */
	size_t nfresh; /* of those, the ones that were never used */

	/* The others, by number: the one that was given last is on top. */
	uint32_t *used;
	size_t nused;
	size_t nunneeded; /* at the bottom, free since the last trim */
	size_t ncold;     /* at the bottom, given back to the system */

	/*
	 * Outputs, the longest without progress in front: of owners who are not
	 * known to read, and of the others.
	 */
	struct list unproven, proven;
};

/* Takes memory for that many blocks; -1 with ENOMEM. */
int pool_open(struct pool *, size_t nblocks);
void pool_close(struct pool *);

/* How many bytes can be stored now. */
static inline size_t
pool_room(const struct pool *pool)
{
	return pool->nfree * POOL_BLOCK_OUTPUT;
}

/* True if nothing can. */
static inline bool
pool_is_full(const struct pool *pool)
{
	return pool->nfree == 0;
}

/*
 * Copies n bytes, 0 < n <= pool_room(), and returns the output, which belongs
 * to the given owner until its last block is released.  Proven is an owner who
 * is known to read.
 */
struct block *pool_store(struct pool *, const unsigned char *bytes, size_t n,
    void *owner, bool is_proven, uint64_t now);

/*
 * Says where the bytes of an output are: in at most n pieces, of its first
 * blocks.  Returns how many pieces there are, and stores how many bytes.
 */
size_t pool_pieces(
    struct block *, struct iovec *pieces, size_t n, size_t *size);

/* Drops the first n bytes of an output; returns what is left of it, or NULL. */
struct block *pool_drop(struct pool *, struct block *, size_t n, uint64_t now);

/* Gives all blocks of an output back; NULL is an output without any. */
void pool_release(struct pool *, struct block *);

/*
 * The owner of the output that costs most, or NULL: blocks, times how long none
 * of it was taken.  Those who read slowly must not lose their answers to
 * somebody who comes again and again and never reads, so for POOL_TRUST_MS
 * after progress an output costs only one part in POOL_DOUBT of that.  Only the
 * outputs without progress for longest are compared.
 */
#define POOL_DOUBT    64
#define POOL_TRUST_MS 2000
void *pool_costliest(const struct pool *, uint64_t now);

/* Says how many bytes the kernel has for its owner at first. */
static inline void
pool_set_held(struct block *block, size_t held)
{
	block->held = held;
}

/*
 * Says how many bytes the kernel holds now that its owner has not acknowledged.
 * If that is a block less than it would be had nothing been read, it is
 * progress as well: true.
 */
bool pool_note_held(struct pool *, struct block *, size_t held, uint64_t now);

/*
 * Gives blocks back to the system that were free all the time since pool_begin:
 * at most the given number, as each takes a system call.  True if there are
 * more.  (Where pages are larger than blocks, none can be given back.)
 */
bool pool_trim(struct pool *, size_t most);

/*
 * Begins a new time for pool_trim.  True if there may be something to give back
 * at the end of it.
 */
bool pool_begin(struct pool *);

#endif
