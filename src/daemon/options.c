/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/options.h"

#include "base/say.h"
#include "config/rows.h"
#include "net/address_option.h"
#include "reactor/poller.h"

#include <stddef.h>
#include <stdint.h>

static const char *const policies[] = {
    [UPCASE_PASS] = "pass",
    [UPCASE_REPLACE] = "replace",
    [UPCASE_CLOSE] = "close",
    NULL,
};

/* The order is that of the manual page. */
#define OPTION_SETTINGS struct daemon_options
const struct option_row daemon_rows[] = {
    {"listen", ADDRESSES(listen, nlisten), "ADDRESS",
	.otherwise = "127.0.0.1:5220 and [::1]:5220", .reloadable = true,
	.help = "serve on ADDRESS; may be given several times"},
    {"workers", NUMBER(server.workers, 1, SETTINGS_WORKERS_MAX), "N",
	.preset = "1", .help = "serve in N threads"},
    {"backend", NAME(server.backend, poller_backend), "NAME",
	.otherwise = "the first",
	.help = "wait for clients with NAME; --version lists them"},
    {"invalid", WORD(server.invalid, policies), "POLICY", .preset = "pass",
	.reloadable = true,
	.help = "what to do with bytes that are not UTF-8:\n"
		"pass, replace or close"},
    {"max-connections",
	NUMBER(server.max_connections, 1, SETTINGS_CONNECTIONS_MAX), "N",
	.otherwise = "what the descriptor limit allows",
	.help = "serve at most N clients at once"},
    {"memory-limit",
	SIZE(server.memory_limit, SETTINGS_MEMORY_MIN, VALUE_SIZE_MAX), "SIZE",
	.otherwise = "by the number of connections",
	.help = "hold at most SIZE of answers that clients have not\n"
		"taken yet, such as 64M"},
    {"idle-timeout", TIME(server.idle_ms, 0, VALUE_WEEK), "T", .preset = "10m",
	.reloadable = true,
	.help = "disconnect a client that sends nothing for T"},
    {"stall-timeout", TIME(server.stall_ms, 0, VALUE_WEEK), "T",
	.preset = "30s", .reloadable = true,
	.help = "disconnect a client that takes no answer for T"},
    {"drain-timeout", TIME(server.drain_ms, 0, VALUE_WEEK), "T",
	.preset = "10s", .reloadable = true,
	.help = "when stopped, finish serving within T"},
    {"busy-poll", TIME_US(server.busy_poll_us, 0, SETTINGS_BUSY_POLL_MAX), "T",
	.preset = "0",
	.help = "poll for up to T, such as 100us, before sleeping"},
    {"congestion", TEXT(server.congestion, "a name such as cubic or bbr"),
	"NAME", .otherwise = "the choice of the system",
	.help = "send with the congestion control NAME"},
    {"user", TEXT(user, "the name of an account"), "NAME",
	.otherwise = "upcased, or else nobody",
	.help = "as root, become NAME before serving"},
    {"log-level", WORD(log_level, log_level_names), "LEVEL", .preset = "info",
	.reloadable = true,
	.help = "how much to log: error, warn, info or debug"},
    {.name = NULL},
};

/* The one value whose bound depends on another option. */
static enum cli_outcome
check_memory_limit(const struct settings *settings)
{
	size_t least = SETTINGS_MEMORY_MIN * (size_t)settings->workers;
	if (settings->memory_limit == 0 || settings->memory_limit >= least)
		return CLI_RUN;
	say("--memory-limit: %zu bytes are less than 64K for each of %u "
	    "workers; raise it, or lower --workers",
	    settings->memory_limit, settings->workers);
	return CLI_BAD;
}

enum cli_outcome
daemon_options_read(struct daemon_options *options, int argc, char **argv,
    void (*print_version)(void))
{
	const struct cli cli = {
	    .usage = "[options]",
	    .summary = "Answers UTF-8 text over TCP in upper case.\n"
		       "Times are such as 500ms, 30s, 5m or 2h; 0 is no limit.",
	    .print_version = print_version,
	    .rows = daemon_rows,
	};
	*options = (struct daemon_options){.server = settings_without_options};
	int first;
	enum cli_outcome outcome =
	    cli_parse(&cli, options, NULL, argc, argv, &first);
	return outcome == CLI_RUN ? check_memory_limit(&options->server)
				  : outcome;
}
