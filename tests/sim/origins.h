/* SPDX-License-Identifier: ISC */
/*
 * Where peers come from, and the rules for how many of one source there may be:
 * see server/sources.h, of which nothing is used here.
 */
#ifndef ORIGINS_H
#define ORIGINS_H

#include "server/counters.h"
#include "server/settings.h"
#include "sim/peers.h"

#include <stddef.h>

/* Settings for sources; the second changes some of them for a reload. */
void origins_choose(struct settings *);
void origins_change(struct settings *);

/* Begins the records of a run, and those of another server in it. */
void origins_begin(void);
void origins_restart(void);

/* Draws where a peer comes from. */
void origins_draw(struct peer *);

/*
 * For the rules: what is due to a peer that was just accepted, or whose client
 * the header of a proxy has just named.
 */
void origins_accepted(struct peer *);

/* Checks what was counted. */
void origins_ended(const size_t totals[static NCOUNTERS]);

#endif
