/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/sources.h"

#include "server/rates.h"
#include "server/throttling.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A source that has connections, or a free entry. */
struct entry {
	struct prefix prefix;
	uint32_t next; /* of the same bucket, or of the free ones; 0: none */
	uint32_t count;
};

struct sources {
	pthread_mutex_t lock;
	struct siphash_key key;
	unsigned ipv4_bits, ipv6_bits;

	/* The first is never used, so that 0 is no entry. */
	struct entry *entries;
	size_t nentries, nfresh;
	uint32_t free; /* the first of those that were used before */
	uint32_t *buckets;
	size_t nbuckets; /* a power of two */

	struct rates rates;
	struct throttling throttling;
};

static size_t
count_buckets(size_t nconns)
{
	size_t n = 1;
	while (n < nconns)
		n *= 2;
	return n;
}

size_t
sources_memory(size_t nconns)
{
	return sizeof(struct sources) + (nconns + 1) * sizeof(struct entry) +
	       count_buckets(nconns) * sizeof(uint32_t) + RATES_MEMORY;
}

struct sources *
sources_open(const struct settings *settings, size_t nconns,
    const struct siphash_key *key)
{
	struct sources *sources = calloc(1, sizeof *sources);
	if (sources == NULL)
		return NULL;
	sources->key = *key;
	sources->ipv4_bits = settings->source_prefix_ipv4;
	sources->ipv6_bits = settings->source_prefix_ipv6;
	sources->nentries = nconns + 1;
	sources->nfresh = 1;
	sources->nbuckets = count_buckets(nconns);
	(void)pthread_mutex_init(&sources->lock, NULL);
	/* What is never used is never touched, and takes no memory. */
	sources->entries = calloc(sources->nentries, sizeof *sources->entries);
	sources->buckets = calloc(sources->nbuckets, sizeof *sources->buckets);
	if (rates_open(&sources->rates) == -1 || sources->entries == NULL ||
	    sources->buckets == NULL) {
		sources_close(sources);
		errno = ENOMEM;
		return NULL;
	}
	return sources;
}

void
sources_close(struct sources *sources)
{
	if (sources == NULL)
		return;
	rates_close(&sources->rates);
	free(sources->buckets);
	free(sources->entries);
	(void)pthread_mutex_destroy(&sources->lock);
	free(sources);
}

static void
lock(struct sources *sources)
{
	(void)pthread_mutex_lock(&sources->lock);
}

static void
unlock(struct sources *sources)
{
	(void)pthread_mutex_unlock(&sources->lock);
}

static uint64_t
hash_of(const struct sources *sources, const struct prefix *prefix)
{
	return siphash(&sources->key, prefix, sizeof *prefix);
}

/* Where the number of the entry stands, or 0 that ends the chain. */
static uint32_t *
find(struct sources *sources, const struct prefix *prefix, uint64_t hash)
{
	uint32_t *at = &sources->buckets[hash & (sources->nbuckets - 1)];
	while (*at != 0 && memcmp(&sources->entries[*at].prefix, prefix,
			       sizeof *prefix) != 0)
		at = &sources->entries[*at].next;
	return at;
}

/* Counts one more; at is where find ended. */
static uint32_t
count_one(struct sources *sources, uint32_t *at, const struct prefix *prefix)
{
	uint32_t number = *at;
	if (number == 0) {
		number = sources->free;
		if (number != 0)
			sources->free = sources->entries[number].next;
		else
			number = (uint32_t)sources->nfresh++;
		/* Each has a connection, and so has the one that is new. */
		assert(number < sources->nentries);
		sources->entries[number] = (struct entry){.prefix = *prefix};
		*at = number;
	}
	sources->entries[number].count++;
	return number;
}

struct prefix
sources_prefix_of(const struct sources *sources,
    const struct settings *settings, const struct sockaddr *peer)
{
	if (prefixes_have(
		settings->source_exempt, settings->nsource_exempt, peer))
		return (struct prefix){.kind = PREFIX_NONE};
	return prefix_of(peer, sources->ipv4_bits, sources->ipv6_bits);
}

static enum counter
admit(struct sources *sources, const struct settings *settings,
    const struct prefix *prefix, uint64_t now, uint32_t *source)
{
	uint64_t hash = hash_of(sources, prefix);
	uint32_t *at = find(sources, prefix, hash);
	size_t count = sources->entries[*at].count;
	if (count >= settings_source_limit(settings, sources->nentries - 1))
		return COUNTER_SOURCE_LIMIT;
	if (settings->source_rate != 0 &&
	    !rates_pass(
		&sources->rates, settings->source_rate, prefix, hash, now))
		return COUNTER_SOURCE_RATE;
	*source = count_one(sources, at, prefix);
	return COUNTER_ACCEPTED;
}

enum counter
sources_admit(struct sources *sources, const struct settings *settings,
    const struct sockaddr *peer, uint64_t now, uint32_t *source, bool *begins)
{
	*source = SOURCES_NONE;
	if (settings->nallow > 0 &&
	    !prefixes_have(settings->allow, settings->nallow, peer))
		return COUNTER_FORBIDDEN;
	const struct prefix prefix = sources_prefix_of(sources, settings, peer);
	if (prefix.kind == PREFIX_NONE)
		return COUNTER_ACCEPTED;
	lock(sources);
	enum counter result = admit(sources, settings, &prefix, now, source);
	if (result != COUNTER_ACCEPTED)
		*begins |=
		    throttling_note(&sources->throttling, &prefix, result, now);
	unlock(sources);
	return result;
}

struct prefix
sources_prefix(struct sources *sources, uint32_t source)
{
	/*
	 * It has a connection, so nobody changes what is read here.  That of
	 * SOURCES_NONE is 0, as is PREFIX_NONE.
	 */
	return sources->entries[source].prefix;
}

uint32_t
sources_resume(struct sources *sources, const struct prefix *saved)
{
	struct prefix prefix = *saved;
	prefix_shorten(&prefix, sources->ipv4_bits, sources->ipv6_bits);
	if (prefix.kind == PREFIX_NONE)
		return SOURCES_NONE;
	lock(sources);
	uint32_t *at = find(sources, &prefix, hash_of(sources, &prefix));
	uint32_t source = count_one(sources, at, &prefix);
	unlock(sources);
	return source;
}

void
sources_leave(struct sources *sources, uint32_t source)
{
	if (source == SOURCES_NONE)
		return;
	lock(sources);
	struct entry *entry = &sources->entries[source];
	assert(entry->count > 0);
	if (--entry->count == 0) {
		uint32_t *at = find(
		    sources, &entry->prefix, hash_of(sources, &entry->prefix));
		*at = entry->next;
		entry->next = sources->free;
		sources->free = source;
	}
	unlock(sources);
}

size_t
sources_count(struct sources *sources, const struct sockaddr *peer)
{
	const struct prefix prefix =
	    prefix_of(peer, sources->ipv4_bits, sources->ipv6_bits);
	lock(sources);
	size_t count =
	    sources->entries[*find(sources, &prefix, hash_of(sources, &prefix))]
		.count;
	unlock(sources);
	return count;
}

bool
sources_tell(struct sources *sources, uint64_t now, bool all)
{
	lock(sources);
	bool is_throttling = throttling_tell(&sources->throttling, now, all);
	unlock(sources);
	return is_throttling;
}
