/* SPDX-License-Identifier: ISC */
/*
 * The pool: pending output of the connections of one worker, in blocks.
 *
 * It takes its memory once and never more.  A connection asks how much the free
 * blocks can hold before it receives, so storing cannot fail.  It stores only
 * while it has no output pending, so an output is written once, as a chain of
 * blocks, and then only shrinks.
 *
 * Blocks that were not needed for a while can be given back to the system.
 * Times are milliseconds of sys_now.
 */
#ifndef POOL_H
#define POOL_H

#include "base/list.h"

#include <sys/uio.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The size of a block, and how much output it holds, in bytes: the least power
 * of two with room for the answer to the least recv (see SHARD_INPUT_MIN).
 * Larger ones spare no instruction of bulk.
 */
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
	uint64_t moved; /* when it last made progress, or was stored */
	uint64_t held;  /* what the kernel would hold, had nothing been read */
	struct list waiting; /* in one of the pool's lists */
	unsigned char bytes[];
};

struct pool {
	unsigned char *memory;
	size_t nblocks;
	size_t nfree;        /* blocks that are free */
	atomic_size_t nheld; /* blocks that are not, for other threads */
	size_t nfresh;       /* free blocks that were never used */

	/* Numbers of the other free blocks: the one freed last is on top. */
	uint32_t *used;
	size_t nused;
	size_t nunneeded; /* at the bottom, free ever since pool_begin */
	size_t ncold;     /* at the bottom, given back to the system */

	/*
	 * The outputs of owners that are not known to read, and of those that
	 * are.  In front is the one that is without progress for longest.
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

/* How many blocks are in use; any thread may ask. */
static inline size_t
pool_held(const struct pool *pool)
{
	return atomic_load_explicit(&pool->nheld, memory_order_relaxed);
}

/* True if nothing can. */
static inline bool
pool_is_full(const struct pool *pool)
{
	return pool->nfree == 0;
}

/*
 * Copies n bytes, 0 < n <= pool_room(), and returns the output, which belongs
 * to the given owner until its last block is released.  An owner that is known
 * to read is proven.
 */
struct block *pool_store(struct pool *, const unsigned char *bytes, size_t n,
    void *owner, bool is_proven, uint64_t now);

/* Adds n bytes to an output of one block, which has room for them. */
void pool_append(struct block *, const unsigned char *bytes, size_t n);

/*
 * Points at most n pieces to the bytes of an output, from its first block on.
 * Returns how many pieces there are, and stores how many bytes they have.
 */
size_t pool_pieces(
    struct block *, struct iovec *pieces, size_t n, size_t *size);

/* How many bytes an output has; NULL has none. */
size_t pool_size(const struct block *);

/* Drops the first n bytes of an output; returns what is left of it, or NULL. */
struct block *pool_drop(struct pool *, struct block *, size_t n, uint64_t now);

/* Gives all blocks of an output back; NULL is an output without any. */
void pool_release(struct pool *, struct block *);

/*
 * The owner of the costliest output, or NULL.  The cost is the number of blocks
 * times the time since the last progress.  Slow readers must not lose their
 * answers to clients that come again and again and never read: the output of a
 * proven owner costs POOL_DOUBT times less until POOL_TRUST_MS after its last
 * progress, so that reading once is no way to keep a place.  Only the outputs
 * without progress for longest are compared.
 *
 * With 512 KiB, 200 clients that never read and come again at once, and 30 slow
 * readers, all of these got their whole answer; with a doubt of 8 it was 25,
 * and without any 20.
 */
#define POOL_DOUBT    64
#define POOL_TRUST_MS 2000
void *pool_costliest(const struct pool *, uint64_t now);

/* Says how many bytes the kernel held for the owner when this was stored. */
static inline void
pool_set_held(struct block *block, size_t held)
{
	block->held = held;
}

/*
 * Says when an output that was stored elsewhere before made its last progress,
 * and what pool_set_held was told there.
 */
void pool_resume(struct block *, uint64_t moved, size_t held);

/*
 * Says how many bytes the kernel holds now.  If that is at least POOL_BLOCK
 * less than it would be had the owner read nothing, the owner has made
 * progress, and is proven: true.
 */
bool pool_note_held(struct pool *, struct block *, size_t held, uint64_t now);

/*
 * Gives blocks back to the system that were free all the time since pool_begin:
 * at most the given number, as each takes a system call.  True if there are
 * more.  (Where pages are larger than blocks, none can be given back.)
 */
bool pool_trim(struct pool *, size_t most);

/*
 * Begins a new period, for the next pool_trim.  True if there may be something
 * to give back at its end.
 */
bool pool_begin(struct pool *);

#endif
