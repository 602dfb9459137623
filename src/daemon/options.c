/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/options.h"

#include "base/log.h"
#include "base/processors.h"
#include "base/say.h"
#include "config/config_file.h"
#include "config/rows.h"
#include "net/address_option.h"
#include "reactor/poller.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* As much of the name of a file as messages have. */
enum { PATH_SHOWN = 128 };

const char daemon_config_default[] = SYSCONFDIR "/upcased.conf";

static const char *const policies[] = {
    [UPCASE_PASS] = "pass",
    [UPCASE_REPLACE] = "replace",
    [UPCASE_CLOSE] = "close",
    NULL,
};

/* The order is that of the manual page. */
#define OPTION_SETTINGS struct daemon_options
const struct option_row daemon_rows[] = {
    {"config", TEXT(config, "the name of a file, or none"), "FILE",
	.is_argument = true, .otherwise = SYSCONFDIR "/upcased.conf",
	.help = "read what is not given here from FILE;\n"
		"none: from no file"},
    {"check", SWITCH(check), .is_argument = true,
	.help = "only check, and print all that would be in force"},
    {"listen", ADDRESSES(listen, nlisten), "ADDRESS", .preset = ADDRESS_PORT,
	.reloadable = true, .letter = 'l',
	.help = "serve on ADDRESS; may be given several times"},
    {"workers", NUMBER_OR(server.workers, "auto", 1, SETTINGS_WORKERS_MAX), "N",
	.preset = "1", .letter = 'w',
	.help = "serve in N threads; auto: one for each processor"},
    {"backend", NAME(server.backend, poller_backend), "NAME",
	.otherwise = "the first",
	.help = "wait for clients with NAME; --version lists them"},
    {"invalid", WORD(server.invalid, policies), "POLICY", .preset = "pass",
	.reloadable = true,
	.help = "what to do with bytes that are not UTF-8:\n"
		"pass, replace or close"},
    {"max-connections",
	NUMBER_OR(server.max_connections, "auto", 1, SETTINGS_CONNECTIONS_MAX),
	"N", .preset = "auto",
	.help = "serve at most N clients at once;\n"
		"auto: what the limit of descriptors allows"},
    {"memory-limit",
	SIZE_OR(
	    server.memory_limit, "auto", SETTINGS_MEMORY_MIN, VALUE_SIZE_MAX),
	"SIZE", .preset = "auto",
	.help = "hold at most SIZE of answers that clients have not\n"
		"taken yet, such as 64M; auto: by the number of\n"
		"connections"},
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
	.preset = "0", .reloadable = true,
	.help = "poll for up to T, such as 100us, before sleeping"},
    {"congestion", TEXT(server.congestion, "a name such as cubic or bbr"),
	"NAME", .otherwise = "the choice of the system",
	.help = "send with the congestion control NAME"},
    {"user", TEXT(user, "the name of an account"), "NAME",
	.otherwise = "upcased, or else nobody",
	.help = "as root, become NAME before serving"},
    {"log", WORD(log, log_place_names), "WHERE", .preset = "stderr",
	.help = "where to log: stderr or syslog"},
    {"log-level", WORD(log_level, log_level_names), "LEVEL", .preset = "info",
	.reloadable = true,
	.help = "how much to log: error, warn, info or debug"},
    {"log-connections", SWITCH(server.log_connections), .preset = "no",
	.help = "log a line at the end of each connection"},
    {"metrics", ADDRESS(metrics), "ADDRESS", .otherwise = "not served",
	.help = "serve metrics over HTTP on ADDRESS"},
    {.name = NULL},
};

_Static_assert(sizeof daemon_rows / sizeof daemon_rows[0] <= DAEMON_ROWS_MAX,
    "there is a place for each row");

static size_t
index_of(const char *name)
{
	return (size_t)(option_find(daemon_rows, name) - daemon_rows);
}

/* The directory of the start is left soon. */
static enum cli_outcome
make_absolute(char path[static DAEMON_PATH_MAX])
{
	char directory[DAEMON_PATH_MAX], absolute[2 * DAEMON_PATH_MAX];
	if (getcwd(directory, sizeof directory) == NULL) {
		say_errno("--config: cannot find out where this directory is; "
			  "give an absolute name");
		return CLI_BAD;
	}
	int length =
	    snprintf(absolute, sizeof absolute, "%s/%s", directory, path);
	if (length >= DAEMON_PATH_MAX) {
		say("--config: the name of the file is too long");
		return CLI_BAD;
	}
	memcpy(path, absolute, (size_t)length + 1);
	return CLI_RUN;
}

static unsigned
auto_workers(void)
{
	unsigned n = processors_count();
	return n < SETTINGS_WORKERS_MAX ? n : SETTINGS_WORKERS_MAX;
}

enum cli_outcome
daemon_arguments_read(struct daemon_arguments *arguments, int argc, char **argv,
    void (*print_version)(void))
{
	const struct cli cli = {
	    .usage = "[options]",
	    .summary = "Answers UTF-8 text over TCP in upper case.\n"
		       "Times are such as 500ms, 30s, 5m or 2h; 0 is no limit.",
	    .print_version = print_version,
	    .rows = daemon_rows,
	};
	memset(arguments, 0, sizeof *arguments);
	arguments->processors = auto_workers();
	arguments->options.server = settings_without_options;
	int first;
	enum cli_outcome outcome = cli_parse(
	    &cli, &arguments->options, arguments->given, argc, argv, &first);
	if (outcome != CLI_RUN)
		return outcome;
	const char *path = arguments->options.config;
	arguments->was_relative =
	    path[0] != '/' && path[0] != '\0' && strcmp(path, "none") != 0;
	return arguments->was_relative
		   ? make_absolute(arguments->options.config)
		   : CLI_RUN;
}

/* The only list is that of the addresses. */
static void
note_line(void *arg, const struct option_row *row, size_t i, unsigned line)
{
	struct daemon_choice *choice = arg;
	(void)row;
	choice->listen_lines[i] = line;
}

static int
read_file(struct daemon_choice *choice, const char *named)
{
	const struct config_file file = {
	    .path = named[0] == '\0' ? daemon_config_default : named,
	    .rows = daemon_rows,
	    .complain = log_error_printable,
	    .listed = note_line,
	    .arg = choice,
	};
	choice->has_file = false;
	if (strcmp(named, "none") == 0)
		return 0;
	switch (config_file_read(&file, &choice->options, choice->lines)) {
	case CONFIG_READ:
		choice->has_file = true;
		(void)snprintf(
		    choice->options.config, DAEMON_PATH_MAX, "%s", file.path);
		return 0;
	case CONFIG_MISSING:
		if (named[0] == '\0')
			return 0;
		log_errorx("%.*s: there is no such file; name another with "
			   "--config, or 'none'",
		    PATH_SHOWN, named);
		return EX_CONFIG;
	case CONFIG_BAD:
		break;
	}
	return EX_CONFIG;
}

const char *
daemon_place(const struct daemon_choice *choice, unsigned line,
    char text[static DAEMON_PLACE_MAX])
{
	text[0] = '\0';
	if (line != 0)
		(void)snprintf(text, DAEMON_PLACE_MAX, "%.*s:%u: ", PATH_SHOWN,
		    choice->options.config, line);
	return text;
}

/* The one value whose bound depends on another option. */
static int
check_memory_limit(const struct daemon_choice *choice)
{
	const struct settings *settings = &choice->settings;
	unsigned line = choice->lines[index_of("memory-limit")];
	size_t least = SETTINGS_MEMORY_MIN * (size_t)settings->workers;
	if (settings->memory_limit == 0 || settings->memory_limit >= least)
		return 0;
	if (line == 0)
		line = choice->lines[index_of("workers")];
	char place[DAEMON_PLACE_MAX];
	log_errorx("%smemory-limit: %zu bytes are less than 64K for each of %u "
		   "workers; raise it, or lower workers",
	    daemon_place(choice, line, place), settings->memory_limit,
	    settings->workers);
	return line != 0 ? EX_CONFIG : EX_USAGE;
}

int
daemon_choose(
    struct daemon_choice *choice, const struct daemon_arguments *arguments)
{
	struct daemon_options *options = &choice->options;
	const char *named = arguments->options.config;
	memset(choice, 0, sizeof *choice);
	options->server = settings_without_options;
	option_set_defaults(daemon_rows, options);
	int status = read_file(choice, named);
	if (status != 0)
		return status;
	for (size_t i = 0; daemon_rows[i].name != NULL; i++) {
		if (!arguments->given[i] || daemon_rows[i].is_argument)
			continue;
		option_copy(&daemon_rows[i], options, &arguments->options);
		choice->lines[i] = 0;
		if (daemon_rows[i].field.places != 0)
			memset(choice->listen_lines, 0,
			    sizeof choice->listen_lines);
	}
	choice->listens_by_default = choice->lines[index_of("listen")] == 0 &&
				     !arguments->given[index_of("listen")];
	choice->settings = options->server;
	if (choice->settings.workers == 0)
		choice->settings.workers = arguments->processors;
	if (options->metrics.port[0] != '\0')
		choice->settings.metrics_host = options->metrics.host;
	return check_memory_limit(choice);
}

unsigned
daemon_line(const struct daemon_choice *choice, const char *name)
{
	return choice->lines[index_of(name)];
}
