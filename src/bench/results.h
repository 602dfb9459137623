/* SPDX-License-Identifier: ISC */
/* The results of a run, as text for people, or as CSV or JSON. */
#ifndef RESULTS_H
#define RESULTS_H

#include "bench/run.h"

#include <stdio.h>

/*
 * Writes them in the format of the options.  The caller asks ferror whether
 * that went well.
 */
void results_write(FILE *, const struct run_result *);

#endif
