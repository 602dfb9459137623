/* SPDX-License-Identifier: ISC */
/* upcased, the daemon: the stages from the command line to the end. */
#include "config.h"

#include "base/log.h"
#include "base/printable.h"
#include "base/say.h"
#include "base/streams.h"
#include "daemon/bind.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/supervision.h"
#include "daemon/surroundings.h"
#include "reactor/poller.h"
#include "reactor/signals.h"
#include "server/server.h"
#include "upcase.h"
#include "upcase/dispatch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* What a user of BSD asks for by Ctrl-T; elsewhere the list ends here. */
#ifdef SIGINFO
enum { INFO = SIGINFO };
#else
enum { INFO = 0 };
#endif

static const int signos[] = {
    SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, INFO, 0};

/* What a signal means to the server. */
static void
obey(int signo, void *arg)
{
	struct server *server = arg;
	switch (signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		server_drain(server);
		supervision_drain();
		break;
	case SIGUSR1:
	case INFO:
		server_report(server);
		break;
	case SIGHUP:
		log_info("SIGHUP: there is no configuration file to read");
		break;
	case SIGUSR2:
		log_info("SIGUSR2: there is no upgrade in place; restart "
			 "instead");
		break;
	}
}

/*
 * The fastest kernel of the transform is the best but for tests, which name one
 * in the environment.
 */
static int
choose_kernel(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const char *name = getenv("UPCASED_KERNEL");
	if (name == NULL || name[0] == '\0' || upcase_choose_kernel(name) == 0)
		return 0;
	char shown[PRINTABLE_MAX];
	say("UPCASED_KERNEL: '%s' is no kernel for this processor; see "
	    "'upcased --version'",
	    printable(name, shown));
	return -1;
}

static void
print_version(void)
{
	(void)choose_kernel();
	printf("%s (Unicode %s)\nback ends:", PACKAGE_STRING, upcase_unicode());
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++)
		printf(" %s", name);
	printf("\nkernel: %s, of", upcase_kernel_in_use());
	for (size_t i = 0; (name = upcase_kernel(i)) != NULL; i++)
		printf(" %s", name);
	printf("\n");
}

/* Returns 0 or the exit status. */
static int
check_congestion(const char *name)
{
	if (name[0] == '\0' || transport_check_congestion(name) == 0)
		return 0;
	switch (errno) {
	case ENOENT:
		log_errorx("there is no congestion control '%.64s'; choose one "
			   "of net.ipv4.tcp_available_congestion_control with "
			   "--congestion",
		    name);
		return EX_UNAVAILABLE;
	case EPERM:
		log_errorx("the congestion control '%.64s' is not for this "
			   "account; choose one of "
			   "net.ipv4.tcp_allowed_congestion_control with "
			   "--congestion, or start as root",
		    name);
		return EX_NOPERM;
	case ENOPROTOOPT:
		log_errorx("this system lets no program choose the congestion "
			   "control; leave out --congestion");
		return EX_UNAVAILABLE;
	default:
		log_error("cannot choose the congestion control '%.64s'", name);
		return EX_OSERR;
	}
}

static int
serve(struct server *server, const struct daemon_options *options)
{
	int status = check_congestion(options->server.congestion);
	if (status != 0)
		return status;
	status = bind_addresses(server, options);
	if (status != 0)
		return status;
	status = privileges_drop(options->user);
	if (status != 0)
		return status;
	if (signals_open(server_loop(server), signos, obey, server) == -1) {
		log_error("cannot catch signals; the limit of descriptors "
			  "(ulimit -n, LimitNOFILE=) may be too low");
		return EX_OSERR;
	}
	if (server_start(server) == -1) {
		status = EX_OSERR;
	} else {
		supervision_start(server);
		server_run(server);
	}
	signals_close(server_loop(server));
	return status;
}

int
main(int argc, char **argv)
{
	/* Too large for the smallest stack. */
	static struct daemon_options options;
	int unfit = surroundings_enter();
	if (unfit != 0)
		return unfit;
	say_as("upcased");
	if (streams_fill() == -1)
		return EX_OSERR;
	enum cli_outcome outcome =
	    daemon_options_read(&options, argc, argv, print_version);
	if (outcome == CLI_BAD)
		return EX_USAGE;
	if (outcome == CLI_DONE)
		return streams_end_output();
	if (choose_kernel() == -1)
		return EX_USAGE;
	log_open("upcased", options.log_level);
	surroundings_settle();
	supervision_open();
	struct server *server = server_open(&options.server);
	if (server == NULL) {
		log_error(
		    "cannot start; the limits of descriptors (ulimit -n) and "
		    "memory may be too low");
		return EX_OSERR;
	}
	int status = serve(server, &options);
	supervision_close();
	server_close(server);
	return status;
}
