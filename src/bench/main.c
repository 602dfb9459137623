/* SPDX-License-Identifier: ISC */
/* upcbench: loads upcased, checks its answers and reports how fast they came.
 */
#include "config.h"

#include "base/say.h"
#include "base/streams.h"
#include "bench/interrupts.h"
#include "bench/options.h"
#include "bench/results.h"
#include "bench/run.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/*
 * Ends the program by the signal that has interrupted it.  By an exit, a shell
 * would take a loop of runs to go on.  Process 1 of a container is not ended by
 * its own signals; the status says the same.
 */
static int
end_by(int signo)
{
	(void)signal(signo, SIG_DFL);
	(void)kill(getpid(), signo);
	return 128 + signo;
}

/* The first failure decides the status, unless a signal does. */
static int
measure(const struct bench_options *options)
{
	struct run_result *result = malloc(sizeof *result);
	if (result == NULL) {
		say("out of memory");
		return EX_OSERR;
	}
	bool has_run;
	int status = run(options, result, &has_run);
	if (has_run) {
		results_write(stdout, result);
		int written = streams_end_output();
		status = status == EX_OK ? written : status;
	}
	free(result);
	return interrupts_last() == 0 ? status : end_by(interrupts_last());
}

int
main(int argc, char **argv)
{
	say_as("upcbench");
	if (streams_fill() == -1)
		return EX_OSERR;
	static struct bench_options options;
	enum cli_outcome outcome = bench_options_read(&options, argc, argv);
	if (outcome == CLI_BAD)
		return EX_USAGE;
	if (outcome == CLI_DONE)
		return streams_end_output();
	(void)signal(SIGPIPE, SIG_IGN);
	return measure(&options);
}
