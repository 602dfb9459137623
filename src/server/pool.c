/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pool.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int
pool_open(struct pool *pool, size_t nblocks)
{
	if (nblocks > SIZE_MAX / POOL_BLOCK) {
		errno = ENOMEM;
		return -1;
	}
	/*
	 * Blocks are first used in their order, so memory that was never
	 * needed is never touched and the system need not provide it.
	 */
	pool->memory = malloc(nblocks * POOL_BLOCK);
	if (pool->memory == NULL)
		return -1;
	pool->free = NULL;
	pool->nfree = pool->nfresh = pool->nblocks = nblocks;
	list_init(&pool->waiting);
	return 0;
}

void
pool_close(struct pool *pool)
{
	free(pool->memory);
	pool->memory = NULL;
}

static struct block *
take_block(struct pool *pool)
{
	assert(pool->nfree > 0);
	pool->nfree--;
	struct block *block = pool->free;
	if (block != NULL) {
		pool->free = block->next;
		return block;
	}
	size_t index = pool->nblocks - pool->nfresh--;
	/* malloc aligned the first block, and so the others. */
	return (struct block *)(void *)(pool->memory + index * POOL_BLOCK);
}

static void
give_block(struct pool *pool, struct block *block)
{
	block->next = pool->free;
	pool->free = block;
	pool->nfree++;
}

struct block *
pool_store(struct pool *pool, const unsigned char *bytes, size_t n, void *owner)
{
	assert(n > 0 && n <= pool_room(pool));
	struct block *first = NULL;
	struct block **link = &first;
	while (n > 0) {
		struct block *block = take_block(pool);
		size_t size = n < POOL_BLOCK_OUTPUT ? n : POOL_BLOCK_OUTPUT;
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
	list_append(&pool->waiting, &first->waiting);
	return first;
}

/* Gives the first block back; what is left keeps its place in the queue. */
static struct block *
drop_block(struct pool *pool, struct block *block)
{
	struct block *next = block->next;
	if (next != NULL) {
		next->owner = block->owner;
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

struct block *
pool_drop(struct pool *pool, struct block *block, size_t n)
{
	while (block != NULL) {
		size_t left = block->end - block->start;
		if (n < left) {
			block->start += (unsigned)n;
			break;
		}
		n -= left;
		block = drop_block(pool, block);
	}
	return block;
}

void
pool_release(struct pool *pool, struct block *block)
{
	while (block != NULL)
		block = drop_block(pool, block);
}

void *
pool_longest_waiting(const struct pool *pool)
{
	struct list *link = list_first(&pool->waiting);
	if (link == NULL)
		return NULL;
	return LIST_OWNER(link, struct block, waiting)->owner;
}
