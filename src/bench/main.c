/* SPDX-License-Identifier: ISC */
/* upcbench: loads upcased, checks its answers and reports how fast they came.
 */
#include "config.h"

#include "base/say.h"
#include "base/streams.h"
#include "bench/options.h"
#include "bench/plot.h"
#include "bench/report.h"
#include "bench/run.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void
interrupt(int signo)
{
	(void)signo;
	run_interrupt();
}

/* Without SA_RESTART, so that a wait ends. */
static void
set_signals(void)
{
	struct sigaction action = {.sa_handler = interrupt};
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* Says that the chart cannot be written, and why. */
static int
fail_plot(const char *path)
{
	say("--plot: cannot write '%s': %s; name a file that can be", path,
	    strerror(errno));
	return EX_CANTCREAT;
}

/* Closes the file, too. */
static int
write_plot(FILE *file, const char *path, const struct run_result *result)
{
	plot_write(file, result);
	bool is_whole = fflush(file) == 0 && ferror(file) == 0;
	int saved = errno;
	is_whole = fclose(file) == 0 && is_whole;
	errno = saved;
	return is_whole ? EX_OK : fail_plot(path);
}

/* The first failure decides the status. */
static int
measure(const struct bench_options *options, FILE *plot)
{
	struct run_result *result = malloc(sizeof *result);
	if (result == NULL) {
		say("out of memory");
		return EX_OSERR;
	}
	bool has_run;
	int status = run(options, result, &has_run);
	if (has_run) {
		report_write(stdout, result);
		int written = streams_end_output();
		status = status == EX_OK ? written : status;
	}
	if (plot != NULL) {
		int written = write_plot(plot, options->plot, result);
		status = status == EX_OK ? written : status;
	}
	free(result);
	return status;
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
	/* That it cannot be written is better known before the run. */
	FILE *plot = NULL;
	if (options.plot[0] != '\0') {
		plot = fopen(options.plot, "w");
		if (plot == NULL)
			return fail_plot(options.plot);
	}
	set_signals();
	return measure(&options, plot);
}
