/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/pool.h"

#include "base/owner.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Outputs of each list that are compared.  With 16,384 outputs a search takes
 * 2,200 instructions, and 279,000 if it compared all.
 */
enum { COMPARED = 64 };

int
pool_open(struct pool *pool, size_t nblocks)
{
	*pool = (struct pool){
	    .nblocks = nblocks,
	    .nfree = nblocks,
	    .nfresh = nblocks,
	};
	list_init(&pool->unproven);
	list_init(&pool->proven);
	if (nblocks > SIZE_MAX / POOL_BLOCK || nblocks > UINT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	/*
	 * Blocks are first used in their order, so memory that was never
	 * needed is never touched and the system need not provide it.
	 */
	void *memory = NULL;
	pool->used = malloc(nblocks * sizeof *pool->used);
	if (pool->used == NULL ||
	    posix_memalign(&memory, POOL_BLOCK, nblocks * POOL_BLOCK) != 0) {
		pool_close(pool);
		errno = ENOMEM;
		return -1;
	}
	pool->memory = memory;
	return 0;
}

void
pool_close(struct pool *pool)
{
	free(pool->memory);
	free(pool->used);
	pool->memory = NULL;
	pool->used = NULL;
}

static struct block *
block_at(const struct pool *pool, size_t number)
{
	/* The first block is aligned, and so are the others. */
	return (struct block *)(void *)(pool->memory + number * POOL_BLOCK);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* So many are free now. */
static void
set_free(struct pool *pool, size_t n)
{
	pool->nfree = n;
	atomic_store_explicit(
	    &pool->nheld, pool->nblocks - n, memory_order_relaxed);
}

static struct block *
take_block(struct pool *pool)
{
	assert(pool->nfree > 0);
	set_free(pool, pool->nfree - 1);
	if (pool->nused == 0)
		return block_at(pool, pool->nblocks - pool->nfresh--);
	pool->nused--;
	pool->nunneeded = least(pool->nunneeded, pool->nused);
	pool->ncold = least(pool->ncold, pool->nused);
	return block_at(pool, pool->used[pool->nused]);
}

static void
give_block(struct pool *pool, const struct block *block)
{
	size_t offset = (size_t)((const unsigned char *)block - pool->memory);
	pool->used[pool->nused++] = (uint32_t)(offset / POOL_BLOCK);
	set_free(pool, pool->nfree + 1);
}

bool
pool_trim(struct pool *pool, size_t most)
{
	for (; pool->ncold < pool->nunneeded && most > 0; most--)
		sys_give_back(
		    block_at(pool, pool->used[pool->ncold++]), POOL_BLOCK);
	return pool->ncold < pool->nunneeded;
}

bool
pool_begin(struct pool *pool)
{
	pool->nunneeded = pool->nused;
	return pool->ncold < pool->nblocks - pool->nfresh;
}

struct block *
pool_store(struct pool *pool, const unsigned char *bytes, size_t n, void *owner,
    bool is_proven, uint64_t now)
{
	assert(n > 0 && n <= pool_room(pool));
	struct block *first = NULL;
	struct block **link = &first;
	size_t nblocks = 0;
	for (; n > 0; nblocks++) {
		struct block *block = take_block(pool);
		size_t size = least(n, POOL_BLOCK_OUTPUT);
		memcpy(block->bytes, bytes, size);
		block->start = 0;
		block->end = (unsigned)size;
		*link = block;
		link = &block->next;
		bytes += size;
		n -= size;
	}
	*link = NULL;
	first->owner = owner;
	first->nblocks = nblocks;
	first->moved = now;
	first->held = 0;
	list_append(
	    is_proven ? &pool->proven : &pool->unproven, &first->waiting);
	return first;
}

void
pool_append(struct block *block, const unsigned char *bytes, size_t n)
{
	assert(block->next == NULL && n <= POOL_BLOCK_OUTPUT - block->end);
	memcpy(block->bytes + block->end, bytes, n);
	block->end += (unsigned)n;
}

/* Gives the first block back; what is left keeps its place in the queue. */
static struct block *
drop_block(struct pool *pool, struct block *block)
{
	struct block *next = block->next;
	if (next != NULL) {
		next->owner = block->owner;
		next->nblocks = block->nblocks - 1;
		next->moved = block->moved;
		next->held = block->held;
		list_replace(&block->waiting, &next->waiting);
	} else {
		list_remove(&block->waiting);
	}
	give_block(pool, block);
	return next;
}

size_t
pool_pieces(struct block *block, struct iovec *pieces, size_t n, size_t *size)
{
	size_t npieces = 0;
	*size = 0;
	for (; block != NULL && npieces < n; block = block->next) {
		struct iovec *piece = &pieces[npieces++];
		piece->iov_base = block->bytes + block->start;
		piece->iov_len = block->end - block->start;
		*size += piece->iov_len;
	}
	return npieces;
}

size_t
pool_size(const struct block *block)
{
	size_t n = 0;
	for (; block != NULL; block = block->next)
		n += block->end - block->start;
	return n;
}

static void
note_progress(struct list *list, struct block *block, uint64_t now)
{
	block->moved = now;
	list_remove(&block->waiting);
	list_append(list, &block->waiting);
}

struct block *
pool_drop(struct pool *pool, struct block *block, size_t n, uint64_t now)
{
	size_t taken = n;
	if (n == 0)
		return block;
	while (block != NULL) {
		size_t left = block->end - block->start;
		if (n < left) {
			block->start += (unsigned)n;
			break;
		}
		n -= left;
		block = drop_block(pool, block);
	}
	if (block != NULL) {
		block->held += taken;
		note_progress(&pool->proven, block, now);
	}
	return block;
}

bool
pool_note_held(
    struct pool *pool, struct block *block, size_t held, uint64_t now)
{
	if (held + POOL_BLOCK > block->held)
		return false;
	block->held = held;
	note_progress(&pool->proven, block, now);
	return true;
}

void
pool_resume(struct block *block, uint64_t moved, size_t held)
{
	block->moved = moved;
	block->held = held;
	/* It was the last of its list; those with later progress go behind. */
	struct list *before = block->waiting.prev;
	struct list *after = block->waiting.next;
	while (before != after &&
	       OWNER_OF(before, struct block, waiting)->moved > moved)
		before = before->prev;
	list_remove(&block->waiting);
	list_append(before->next, &block->waiting);
}

void
pool_release(struct pool *pool, struct block *block)
{
	while (block != NULL)
		block = drop_block(pool, block);
}

static uint64_t
cost_of(const struct block *block, bool is_proven, uint64_t now)
{
	/* 1 more, so that those of the same moment differ by their blocks. */
	uint64_t age = now - block->moved + 1;
	uint64_t cost = age * block->nblocks;
	return is_proven && age <= POOL_TRUST_MS ? cost : cost * POOL_DOUBT;
}

/* The costliest of the list and the other, which costs *most; updates that. */
static const struct block *
costlier(const struct list *outputs, bool are_proven, uint64_t now,
    const struct block *other, uint64_t *most)
{
	struct list *link = outputs->next;
	for (int i = 0; i < COMPARED && link != outputs; i++) {
		const struct block *block =
		    OWNER_OF(link, struct block, waiting);
		uint64_t cost = cost_of(block, are_proven, now);
		if (cost > *most) {
			*most = cost;
			other = block;
		}
		link = link->next;
	}
	return other;
}

void *
pool_costliest(const struct pool *pool, uint64_t now)
{
	uint64_t most = 0;
	const struct block *block =
	    costlier(&pool->unproven, false, now, NULL, &most);
	block = costlier(&pool->proven, true, now, block, &most);
	return block == NULL ? NULL : block->owner;
}
