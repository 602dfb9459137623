/* SPDX-License-Identifier: ISC */
/*
 * Sources: where connections come from, and how many each may have.  A source
 * is a prefix of addresses, of source_prefix_ipv4 or source_prefix_ipv6 bits.
 *
 * All threads share one table, under one lock.  It is taken when a connection
 * begins and when it ends, never for a message: the thread that accepts asks
 * for most, and a worker for those whose source a PROXY header names.  What is
 * exempt is never in the table, and takes no lock.
 *
 * There is an entry for each source that has a connection, and none for others,
 * so as many as there can be connections are enough.  Rates are in a table of
 * their own, which forgets: where a new source finds no place there, it takes
 * that of the one which has used the least of its rate.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "base/siphash.h"
#include "net/prefix.h"
#include "server/counters.h"
#include "server/settings.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sources;

/* Stands for a source that is not counted. */
#define SOURCES_NONE 0

/*
 * A table for at most so many connections at once, which keeps the prefix
 * lengths of the settings.  NULL with ENOMEM.
 */
struct sources *sources_open(
    const struct settings *, size_t nconns, const struct siphash_key *);
void sources_close(struct sources *);

/* How many bytes sources_open takes for that. */
size_t sources_memory(size_t nconns);

/*
 * Whether one more connection of that peer may be: COUNTER_ACCEPTED, or the
 * cause for which it is refused: allow, the limit or the rate of its source.
 * Stores its source, for sources_leave.  Throttling is logged when it begins;
 * *begins is set if sources_tell is to be called from now on.  The time is in
 * ms of sys_now.
 */
enum counter sources_admit(struct sources *, const struct settings *,
    const struct sockaddr *peer, uint64_t now, uint32_t *source, bool *begins);

/*
 * For another process: the prefix of a source, of kind PREFIX_NONE when it is
 * not counted.  From another one: counts a connection that was admitted there;
 * it is refused nothing.
 */
struct prefix sources_prefix(struct sources *, uint32_t source);
uint32_t sources_resume(struct sources *, const struct prefix *);

/* The prefix of a peer whose connection was not counted there. */
struct prefix sources_prefix_of(const struct sources *, const struct settings *,
    const struct sockaddr *peer);

/* A connection of the source has ended; SOURCES_NONE is no source. */
void sources_leave(struct sources *, uint32_t source);

/* How many connections a source has; for tests. */
size_t sources_count(struct sources *, const struct sockaddr *peer);

/*
 * Logs what is no longer throttled: what was refused nothing for a while, or
 * all of it.  False: nothing is throttled any longer.
 */
bool sources_tell(struct sources *, uint64_t now, bool all);

/* How often sources_tell is to be called, in ms. */
#define SOURCES_TELL_MS 1000

#endif
