/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/counters.h"

const struct counter_row counter_rows[NCOUNTERS] = {
#define COUNTER(id, name, metric, help) [COUNTER_##id] = {name, metric, help},
#include "server/counters.def"
#undef COUNTER
};

void
counters_sum(const struct counters *counters, size_t totals[static NCOUNTERS])
{
	for (int i = 0; i < NCOUNTERS; i++)
		totals[i] += counters_value(counters, (enum counter)i);
}
