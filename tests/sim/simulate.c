/* SPDX-License-Identifier: ISC */
/*
 * Simulates the server: its own code runs on a kernel, a clock, threads and
 * peers that are all played here, at random.  See world.h.
 *
 * Without arguments it is a test that speaks TAP: the same runs every time,
 * then some that nobody has tried.  A run that breaks a rule ends the program,
 * which names the seed.  "simulate SEED" repeats that run, with the log of the
 * server, and "simulate SEED N" makes N runs from that seed on.
 */
#include "config.h"

#include "base/log.h"
#include "sim/draw.h"
#include "sim/faults.h"
#include "sim/plan.h"
#include "sim/reloads.h"
#include "sim/world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The runs of the test, and the seed of its plans. */
enum { KNOWN_RUNS = 8000, NEW_RUNS = 2000, PLANS_SEED = 1 };

static uint64_t seed;

/* For the signals of a rule or an assertion that did not hold. */
static void
name_seed(int signo)
{
	char line[80];
	int n = snprintf(line, sizeof line,
	    "Bail out! Run %" PRIu64 " failed: simulate %" PRIu64 "\n", seed,
	    seed);
	(void)!write(STDOUT_FILENO, line, (size_t)n);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

static void
run_all(uint64_t first, uint64_t n)
{
	for (seed = first; seed < first + n; seed++)
		world_run(seed);
}

static void
print_tally(void)
{
	printf("# %zu system calls, %zu of them made to fail, %zu starts "
	       "refused, %zu hand-overs, %zu reloads, %zu of them refused\n#",
	    faults_calls, faults_made, tally.starts_refused, tally.handovers,
	    reloads_made + reloads_refused, reloads_refused);
	for (int i = 0; i < NCOUNTERS; i++)
		printf(" %s=%zu", counter_rows[i].name, tally.counters[i]);
	printf("\n");
}

/* True if all has happened in some run: else nothing is proved of the rest. */
static bool
is_complete(void)
{
	for (int i = 0; i < NCOUNTERS; i++) {
		if (tally.counters[i] == 0)
			return false;
	}
	return faults_made > 0 && tally.starts_refused > 0 &&
	       tally.handovers > 0 && reloads_made > 0 && reloads_refused > 0;
}

static void
test(void)
{
	printf("1..3\n");
	run_all(1, KNOWN_RUNS);
	printf("ok 1 - no rule is broken in %d known runs\n", KNOWN_RUNS);
	print_tally();
	printf("%sok 2 - every way for a connection to end was taken, and "
	       "every trouble met\n",
	    is_complete() ? "" : "not ");
	uint64_t first = (uint64_t)time(NULL) << 20;
	run_all(first, NEW_RUNS);
	printf("ok 3 - no rule is broken in %d runs from seed %" PRIu64 "\n",
	    NEW_RUNS, first);
}

int
main(int argc, char **argv)
{
	static const int signos[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
	for (size_t i = 0; i < sizeof signos / sizeof signos[0]; i++)
		(void)signal(signos[i], name_seed);
	bool shows = argc == 2;
	log_open("simulate", shows ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	draw_seed(PLANS_SEED);
	plans_make();
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 1) {
		test();
		return EXIT_SUCCESS;
	}
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	run_all(strtoull(argv[1], NULL, 10), n);
	print_tally();
	return EXIT_SUCCESS;
}
