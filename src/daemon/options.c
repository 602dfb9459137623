/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/options.h"

#include "base/printable.h"
#include "config/duration.h"
#include "reactor/poller.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stores a whole number between the bounds; -1 when the text is none. */
static int
parse_number(size_t *number, const char *text, size_t least, size_t most)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9 || text[digits] != '\0')
		return -1;
	size_t value = (size_t)strtoul(text, NULL, 10);
	if (value < least || value > most)
		return -1;
	*number = value;
	return 0;
}

static const char *
set_listen(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (options->nlisten == DAEMON_ADDRESSES_MAX)
		return "one of the first 64 addresses, which are the most";
	if (address_parse(&options->listen[options->nlisten], value) == -1)
		return ADDRESS_SYNTAX;
	options->nlisten++;
	return NULL;
}

static const char *
set_workers(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	size_t workers;
	if (parse_number(&workers, value, 1, SETTINGS_WORKERS_MAX) == -1)
		return "a number from 1 to 256";
	options->server.workers = (unsigned)workers;
	return NULL;
}

static const char *
set_backend(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	static char wanted[64] = "one of";
	size_t end = strlen("one of");
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++) {
		if (strcmp(name, value) == 0) {
			options->server.backend = name;
			return NULL;
		}
		end += (size_t)snprintf(
		    wanted + end, sizeof wanted - end, " %s", name);
	}
	return wanted;
}

static const char *
set_invalid(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	static const struct {
		const char *name;
		enum upcase_invalid invalid;
	} policies[] = {
	    {"pass", UPCASE_PASS},
	    {"replace", UPCASE_REPLACE},
	    {"close", UPCASE_CLOSE},
	};
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		if (strcmp(policies[i].name, value) != 0)
			continue;
		options->server.invalid = policies[i].invalid;
		return NULL;
	}
	return "one of pass, replace and close";
}

static const char *
set_max_connections(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (parse_number(&options->server.max_connections, value, 1,
		SETTINGS_CONNECTIONS_MAX) == -1)
		return "a number from 1 to 1000000";
	return NULL;
}

static const char *
set_idle_timeout(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (duration_parse(&options->server.idle_ms, value) == -1)
		return DURATION_SYNTAX;
	return NULL;
}

static const char *
set_stall_timeout(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (duration_parse(&options->server.stall_ms, value) == -1)
		return DURATION_SYNTAX;
	return NULL;
}

static const char *
set_drain_timeout(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (duration_parse(&options->server.drain_ms, value) == -1)
		return DURATION_SYNTAX;
	return NULL;
}

/* Bytes, or a number of them with one of the units. */
static int
parse_size(size_t *size, const char *text)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}};
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9)
		return -1;
	size_t number = (size_t)strtoul(text, NULL, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (number > SIZE_MAX >> units[i].shift)
			return -1;
		*size = number << units[i].shift;
		return 0;
	}
	return -1;
}

static const char *
set_memory_limit(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (parse_size(&options->server.memory_limit, value) == -1 ||
	    options->server.memory_limit < SETTINGS_MEMORY_MIN)
		return "a size such as 64K, 16M or 1G, at least 64K";
	return NULL;
}

static const char *
set_congestion(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (value[0] == '\0')
		return "a name such as cubic or bbr";
	options->server.congestion = value;
	return NULL;
}

static const char *
set_busy_poll(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (duration_parse_us(&options->server.busy_poll_us, value,
		SETTINGS_BUSY_POLL_MAX) == -1)
		return "a time such as 50us or 1ms, at most 10ms";
	return NULL;
}

static const char *
set_user(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	if (value[0] == '\0')
		return "the name of an account";
	options->user = value;
	return NULL;
}

static const char *
set_log_level(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	int level = log_level_parse(value);
	if (level == -1)
		return "one of error, warn, info and debug";
	options->log_level = (enum log_level)level;
	return NULL;
}

static const char *
set_version(void *settings, const char *value)
{
	struct daemon_options *options = settings;
	(void)value;
	options->version = true;
	return NULL;
}

/* The order is that of the manual page. */
static const struct option_row rows[] = {
    {
	.name = "listen",
	.argument = "ADDRESS",
	.help = "serve on ADDRESS; may be given several times\n"
		"(default: 127.0.0.1:5220 and [::1]:5220)",
	.set = set_listen,
    },
    {
	.name = "workers",
	.argument = "N",
	.help = "serve in N threads (default: 1)",
	.set = set_workers,
    },
    {
	.name = "backend",
	.argument = "NAME",
	.help = "wait for clients with NAME; --version lists them\n"
		"(default: the first)",
	.set = set_backend,
    },
    {
	.name = "invalid",
	.argument = "POLICY",
	.help = "what becomes of bytes that are not UTF-8:\n"
		"pass, replace or close (default: pass)",
	.set = set_invalid,
    },
    {
	.name = "max-connections",
	.argument = "N",
	.help = "serve at most N clients at once\n"
		"(default: what the descriptor limit allows)",
	.set = set_max_connections,
    },
    {
	.name = "memory-limit",
	.argument = "SIZE",
	.help = "hold at most SIZE of answers that are not taken yet,\n"
		"such as 64M (default: by the number of connections)",
	.set = set_memory_limit,
    },
    {
	.name = "idle-timeout",
	.argument = "T",
	.help = "end a client that sends nothing for T\n"
		"(default: 10m)",
	.set = set_idle_timeout,
    },
    {
	.name = "stall-timeout",
	.argument = "T",
	.help = "end a client that takes no answer for T\n"
		"(default: 30s)",
	.set = set_stall_timeout,
    },
    {
	.name = "drain-timeout",
	.argument = "T",
	.help = "when stopped, serve on for at most T\n"
		"(default: 10s)",
	.set = set_drain_timeout,
    },
    {
	.name = "busy-poll",
	.argument = "T",
	.help = "wait awake for up to T, such as 100us\n"
		"(default: 0)",
	.set = set_busy_poll,
    },
    {
	.name = "congestion",
	.argument = "NAME",
	.help = "send by the congestion control NAME\n"
		"(default: the choice of the system)",
	.set = set_congestion,
    },
    {
	.name = "user",
	.argument = "NAME",
	.help = "as root, become NAME before serving\n"
		"(default: upcased, or else nobody)",
	.set = set_user,
    },
    {
	.name = "log-level",
	.argument = "LEVEL",
	.help = "log error, warn, info or debug (default: info)",
	.set = set_log_level,
    },
    {
	.name = "version",
	.letter = 'V',
	.help = "print the version and the back ends, and exit",
	.set = set_version,
    },
    {.name = NULL},
};

static const struct options command_line = {
    .program = "upcased",
    .usage = "[options]",
    .summary =
	"Answers UTF-8 text over TCP in upper case.\nTimes are such as 500ms, 30s, 5m or 2h; 0 is "
	"no limit.",
    .rows = rows,
};

/* The one value whose bound depends on another option. */
static enum options_outcome
check_memory_limit(const struct settings *settings)
{
	size_t least = SETTINGS_MEMORY_MIN * (size_t)settings->workers;
	if (settings->memory_limit == 0 || settings->memory_limit >= least)
		return OPTIONS_RUN;
	(void)fprintf(stderr,
	    "upcased: --memory-limit: %zu bytes are less than 64K for each of "
	    "%u workers; raise it, or lower --workers\n",
	    settings->memory_limit, settings->workers);
	return OPTIONS_BAD;
}

enum options_outcome
daemon_options_read(struct daemon_options *options, int argc, char **argv)
{
	*options = (struct daemon_options){
	    .log_level = LOG_LEVEL_INFO,
	    .server = settings_defaults,
	};
	int first = argc;
	enum options_outcome outcome =
	    options_parse(&command_line, options, argc, argv, &first);
	if (outcome == OPTIONS_RUN && first < argc) {
		char shown[PRINTABLE_MAX];
		(void)fprintf(stderr,
		    "upcased: '%s' is no option; see 'upcased --help'\n",
		    printable(argv[first], shown));
		return OPTIONS_BAD;
	}
	if (outcome == OPTIONS_RUN && !options->version)
		return check_memory_limit(&options->server);
	return outcome;
}
