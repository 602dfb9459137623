/* SPDX-License-Identifier: ISC */
/*
 * What is said of sources that are refused connections: that it begins, and how
 * many were refused when it is over.  The caller locks.
 */
#ifndef THROTTLING_H
#define THROTTLING_H

#include "base/log.h"
#include "net/prefix.h"
#include "server/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long nothing is refused until it is over, in ms. */
#define THROTTLING_QUIET_MS 10000

/* The most sources that are told of at a time. */
enum { THROTTLING_MAX = 16 };

struct throttle {
	struct prefix prefix;
	enum counter cause;
	uint64_t began, last; /* of its refusals, in ms */
	size_t refused;
};

struct throttling {
	struct throttle throttles[THROTTLING_MAX];
	size_t n;
	struct log_limit others; /* for which there is no place */
};

/*
 * Notes, and if it begins logs, that a source was refused a connection.  True
 * if nothing was throttled before.
 */
bool throttling_note(struct throttling *, const struct prefix *,
    enum counter cause, uint64_t now);

/*
 * Logs the end of what was refused nothing for THROTTLING_QUIET_MS, or of all.
 * False: there is nothing left.
 */
bool throttling_tell(struct throttling *, uint64_t now, bool all);

#endif
