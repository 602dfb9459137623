/* SPDX-License-Identifier: ISC */
/* upcased, the daemon: the stages from the command line to the end. */
#include "config.h"

#include "base/log.h"
#include "base/printable.h"
#include "base/say.h"
#include "base/streams.h"
#include "daemon/activation.h"
#include "daemon/bind.h"
#include "daemon/check.h"
#include "daemon/dispositions.h"
#include "daemon/heir.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "daemon/resolve.h"
#include "daemon/start.h"
#include "daemon/store.h"
#include "daemon/supervision.h"
#include "daemon/surroundings.h"
#include "daemon/upgrade.h"
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

/* What a server is started with, and what signals can ask for. */
struct daemon {
	struct start start;
	struct daemon_arguments arguments;
	struct reload reload;
	struct upgrade upgrade;
};

static void
drain(void *arg)
{
	server_drain(arg);
	supervision_drain();
}

/* What a signal means. */
static void
obey(int signo, void *arg)
{
	struct daemon *daemon = arg;
	struct server *server = daemon->reload.server;
	switch (signo) {
	case SIGTERM:
	case SIGINT:
		store_release_all();
		drain(server);
		break;
	case SIGQUIT:
		upgrade_ask_leave(&daemon->upgrade);
		break;
	case SIGUSR1:
	case INFO:
		server_report(server);
		break;
	case SIGHUP:
		reload_ask(&daemon->reload);
		break;
	case SIGUSR2:
		upgrade_ask(&daemon->upgrade);
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

static void
give(uid_t account, void *arg)
{
	server_give(arg, account);
}

static int
listen_on(struct server *server, const struct daemon_choice *choice)
{
	struct resolved resolved, metrics;
	/* Until here another start can still take what is in the store. */
	int status = resolve_addresses(&resolved, choice);
	int metrics_status = resolve_metrics(&metrics, choice);
	if (status == 0)
		status = metrics_status;
	if (status == 0 && heir_take(server) == -1)
		status = EX_OSERR;
	if (status == 0)
		status = activation_serve(server);
	if (status == 0) {
		store_adopt(server);
		status = bind_addresses(server, &resolved, false);
	}
	if (status == 0)
		status = bind_metrics(server, &metrics);
	resolved_free(&metrics);
	resolved_free(&resolved);
	return status;
}

/*
 * Before rights are given up.  What is logged before goes to standard error
 * alone, and what is logged until all is served goes there too: who starts the
 * daemon sees why it does not.
 */
static int
open_syslog(const struct daemon_choice *choice)
{
	if (choice->options.log != LOG_TO_SYSLOG || log_add_syslog(NULL) == 0)
		return 0;
	log_error("cannot log to syslog: there is no Unix socket for it; the "
		  "limit of descriptors (ulimit -n, LimitNOFILE=) may be too "
		  "low");
	return EX_OSERR;
}

static int
serve(struct server *server, struct daemon *daemon)
{
	struct reload *reload = &daemon->reload;
	const struct daemon_choice *choice = reload_choice(reload);
	int status = bind_check_congestion(choice, false);
	if (status != 0)
		return status;
	status = listen_on(server, choice);
	if (status != 0)
		return status;
	status = privileges_drop(choice->options.user, give, server);
	if (status != 0)
		return status;
	if (heir_rehearses())
		return heir_end_rehearsal(server);
	reload_warn(choice);
	upgrade_init(&daemon->upgrade, server, &daemon->start, drain, server);
	if (reload_open(reload, server, &daemon->arguments) == -1 ||
	    signals_open(server_loop(server), signos, obey, daemon) == -1) {
		log_error("cannot catch signals; the limit of descriptors "
			  "(ulimit -n, LimitNOFILE=) may be too low");
		return EX_OSERR;
	}
	store_start(server);
	store_release();
	if (server_start(server) == -1) {
		status = EX_OSERR;
	} else {
		heir_forget();
		store_keep();
		dispositions_release();
		reload_started(reload);
		supervision_start(server);
		log_leave_stderr();
		server_run(server);
	}
	signals_close(server_loop(server));
	upgrade_close(&daemon->upgrade);
	store_close();
	reload_close(reload);
	return status;
}

int
main(int argc, char **argv)
{
	/* Too large for the smallest stack. */
	static struct daemon daemon;
	struct daemon_arguments *arguments = &daemon.arguments;
	int spared[ACTIVATION_MAX + HEIR_MAX];
	size_t nspared = activation_read(spared);
	nspared += heir_read(spared + nspared);
	int unfit = surroundings_enter(spared, nspared, heir_serves());
	if (unfit != 0)
		return unfit;
	start_note(&daemon.start, argv);
	say_as("upcased");
	if (streams_fill() == -1)
		return EX_OSERR;
	enum cli_outcome outcome =
	    daemon_arguments_read(arguments, argc, argv, print_version);
	if (outcome == CLI_BAD)
		return EX_USAGE;
	if (outcome == CLI_DONE)
		return streams_end_output();
	if (choose_kernel() == -1)
		return EX_USAGE;
	log_open("upcased", arguments->options.log_level);
	struct reload *reload = &daemon.reload;
	struct daemon_choice *choice = &reload->choices[reload->in_force];
	int status = daemon_choose(choice, arguments);
	if (status != 0)
		return status;
	if (arguments->options.check)
		return check_choice(choice, arguments);
	log_set_level(choice->options.log_level);
	if (arguments->was_relative &&
	    start_add_config(&daemon.start, arguments->options.config) == -1)
		return EX_OSERR;
	surroundings_settle(heir_rehearses());
	status = open_syslog(choice);
	if (status != 0)
		return status;
	supervision_open();
	store_open();
	struct server *server = server_open(&choice->settings);
	if (server == NULL) {
		log_error(
		    "cannot start; the limits of descriptors (ulimit -n) and "
		    "memory may be too low");
		return EX_OSERR;
	}
	status = serve(server, &daemon);
	supervision_close();
	server_close(server);
	return status;
}
