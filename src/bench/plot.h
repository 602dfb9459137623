/* SPDX-License-Identifier: ISC */
/*
 * A chart of the latencies of a run by percentile, as SVG.  Its horizontal axis
 * is logarithmic towards 100 %: each nine takes the same room, down to the one
 * message of all that was the slowest.  The vertical one is logarithmic too.
 */
#ifndef PLOT_H
#define PLOT_H

#include "bench/run.h"

#include <stdio.h>

/* Whether that went well, ferror says. */
void plot_write(FILE *, const struct run_result *);

#endif
