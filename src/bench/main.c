/* SPDX-License-Identifier: ISC */
/* upcbench: loads upcased, checks its answers and reports how fast they came.
 */
#include "config.h"

#include "bench/options.h"
#include "bench/results.h"
#include "bench/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* Fills closed standard descriptors, lest a report go to the server. */
static int
fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* Opened the wrong way round, so that its use still fails. */
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags) != fd)
			return -1;
	}
	return 0;
}

/* The first failure decides the status. */
static int
measure(const struct bench_options *options)
{
	struct run_result *result = malloc(sizeof *result);
	if (result == NULL) {
		(void)fprintf(stderr, "upcbench: out of memory\n");
		return EX_OSERR;
	}
	bool has_run;
	int status = run(options, result, &has_run);
	if (has_run) {
		results_write(stdout, result);
		int written = options_end_output("upcbench");
		status = status == EX_OK ? written : status;
	}
	free(result);
	return status;
}

int
main(int argc, char **argv)
{
	if (fill_standard_descriptors() == -1)
		return EX_OSERR;
	struct bench_options options;
	switch (bench_options_parse(&options, argc, argv)) {
	case OPTIONS_BAD:
		return EX_USAGE;
	case OPTIONS_DONE:
		return options_end_output("upcbench");
	case OPTIONS_RUN:
		break;
	}
	if (options.version) {
		(void)puts("upcbench " PACKAGE_VERSION);
		return options_end_output("upcbench");
	}
	(void)signal(SIGPIPE, SIG_IGN);
	return measure(&options);
}
