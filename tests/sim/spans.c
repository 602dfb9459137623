/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/spans.h"

#include "sim/rules.h"
#include "sim/threads.h"

/* The most settings between two moments when all threads wait. */
enum { PHASES_MAX = 4 };

/*
 * Settings that may hold for some connections.  From or to none, a span is
 * counted anew: not sooner than that, for what was silent then.
 */
static struct phase {
	uint64_t spans[NSPANS];
	uint64_t anew[NSPANS];
} phases[PHASES_MAX];

static unsigned nphases;

/* The same, but not later; valid when all threads have waited. */
static uint64_t latest[NSPANS];
static bool is_anew[NSPANS]; /* since then */
static uint64_t settled_at;

static void
note(struct phase *phase, const struct settings *settings)
{
	phase->spans[SPAN_IDLE] = settings->idle_ms;
	phase->spans[SPAN_STALL] = settings->stall_ms;
	phase->spans[SPAN_LINGER] = settings->linger_ms;
	phase->spans[SPAN_GREETING] = settings->greeting_ms;
}

void
spans_begin(const struct settings *settings)
{
	nphases = 1;
	settled_at = 0;
	phases[0] = (struct phase){.anew = {0}};
	note(&phases[0], settings);
	for (int i = 0; i < NSPANS; i++) {
		latest[i] = 0;
		is_anew[i] = false;
	}
}

bool
spans_may_change(void)
{
	return nphases < PHASES_MAX;
}

void
spans_change(const struct settings *settings, uint64_t soonest)
{
	const struct phase *before = &phases[nphases - 1];
	struct phase *phase = &phases[nphases++];
	*phase = *before;
	note(phase, settings);
	for (int i = 0; i < NSPANS; i++) {
		if ((before->spans[i] == 0) == (phase->spans[i] == 0))
			continue;
		phase->anew[i] = soonest;
		is_anew[i] = true;
	}
}

void
spans_calm(void)
{
	if (nphases == 1)
		return;
	phases[0] = phases[nphases - 1];
	nphases = 1;
	settled_at = kernel.now;
	for (int i = 0; i < NSPANS; i++) {
		if (is_anew[i])
			latest[i] = kernel.now;
		is_anew[i] = false;
	}
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* In a drain quiet_ms holds, if the worker has heard of it. */
static uint64_t
least_of(const struct phase *phase, enum span which)
{
	uint64_t span = phase->spans[which], quiet = rules.settings->quiet_ms;
	if (rules.stops == 0 || which == SPAN_STALL)
		return span;
	return span == 0 || quiet < span ? quiet : span;
}

bool
spans_may_end(enum span which, uint64_t since)
{
	for (unsigned i = 0; i < nphases; i++) {
		uint64_t begins = later(since, phases[i].anew[which]);
		if (rules_has_passed(begins, least_of(&phases[i], which)))
			return true;
	}
	return false;
}

uint64_t
spans_due(enum span which, uint64_t since)
{
	uint64_t span = phases[nphases - 1].spans[which];
	since = later(since, latest[which]);
	if (rules.stops > 0 && which != SPAN_STALL) {
		span = rules.settings->quiet_ms;
		since = later(since, rules.stopped_at);
	}
	return span == 0 ? UINT64_MAX : since + span;
}

uint64_t
spans_settled_at(void)
{
	return settled_at;
}
