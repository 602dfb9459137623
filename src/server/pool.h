/* SPDX-License-Identifier: ISC */
/*
 * The pool: pending output of the connections of one worker, in blocks.
 *
 * It takes its memory once and never more.  Whoever receives first asks how
 * much the free blocks can hold, so storing cannot fail.  A connection stores
 * only while it has no output pending, so an output is written once, as a
 * chain of blocks, and then only shrinks.
 */
#ifndef POOL_H
#define POOL_H

#include "list.h"

#include <sys/uio.h>

#include <stddef.h>

/* The size of a block in bytes, and what of it holds output. */
#define POOL_BLOCK        ((size_t)16384)
#define POOL_BLOCK_OUTPUT (POOL_BLOCK - sizeof(struct block))

struct block {
	struct block *next;  /* of the same output, or of the free blocks */
	unsigned start, end; /* the bytes still to be sent */
	void *owner;         /* of the output; in its first block only */
	struct list waiting; /* in pool.waiting; in the first block only */
	unsigned char bytes[];
};

struct pool {
	unsigned char *memory;
	struct block *free;
	size_t nfree;
	size_t nblocks;
	size_t nfresh;       /* blocks that were never used: not yet touched */
	struct list waiting; /* outputs, the one that started first in front */
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

/*
 * Copies n bytes, 0 < n <= pool_room(), and returns the output, which belongs
 * to the given owner until its last block is released.
 */
struct block *pool_store(
    struct pool *, const unsigned char *bytes, size_t n, void *owner);

/*
 * Says where the bytes of an output are: in at most n pieces, of its first
 * blocks.  Returns how many pieces there are, and stores how many bytes.
 */
size_t pool_pieces(
    struct block *, struct iovec *pieces, size_t n, size_t *size);

/* Drops the first n bytes of an output; returns what is left of it, or NULL. */
struct block *pool_drop(struct pool *, struct block *, size_t n);

/* Gives all blocks of an output back; NULL is an output without any. */
void pool_release(struct pool *, struct block *);

/* The owner of the output that has been pending longest, or NULL. */
void *pool_longest_waiting(const struct pool *);

#endif
