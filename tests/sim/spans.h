/* SPDX-License-Identifier: ISC */
/*
 * How long a connection may be silent, and how long at most, while settings are
 * exchanged.  Until all threads have waited, each connection may still have
 * deadlines of the settings before; then it has those of the last ones.
 */
#ifndef SPANS_H
#define SPANS_H

#include "server/settings.h"

#include <stdbool.h>
#include <stdint.h>

enum span { SPAN_IDLE, SPAN_STALL, SPAN_LINGER, SPAN_GREETING, NSPANS };

/* A run begins with these settings. */
void spans_begin(const struct settings *);

/* True while not too many settings have held since all threads waited. */
bool spans_may_change(void);

/* Others hold, for the first connection from the given turn on. */
void spans_change(const struct settings *, uint64_t soonest);

/* All threads wait, so the last ones hold for all. */
void spans_calm(void);

/* True if one that did nothing since then may be ended in this turn. */
bool spans_may_end(enum span, uint64_t since);

/* When one that did nothing since then must have been ended. */
uint64_t spans_due(enum span, uint64_t since);

/* When the last change was in force for all. */
uint64_t spans_settled_at(void);

#endif
