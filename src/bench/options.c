/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/options.h"

#include "base/printable.h"
#include "base/say.h"
#include "bench/schedule.h"
#include "config/rows.h"
#include "reactor/poller.h"

#include <stdio.h>
#include <string.h>

enum {
	CONNECTIONS_MAX = 1000000,
	DEPTH_MAX = 4096,
	/* Messages under way at once, of all connections: 8 bytes for each. */
	UNDER_WAY_MAX = 4000000,
	MESSAGE_SIZE = 64,
	TIMEOUT_MAX = 60 * 60 * 1000
};

#define COUNT_MAX UINT64_C(1000000000000000)

static const char *const mode_names[] = {
    [BENCH_PING_PONG] = "ping-pong",
    [BENCH_STREAM] = "stream",
    [BENCH_CHURN] = "churn",
    [BENCH_IDLE] = "idle",
    [BENCH_MIXED] = "mixed",
    NULL,
};
static const char *const format_names[] = {
    [BENCH_TEXT] = "text",
    [BENCH_CSV] = "csv",
    [BENCH_JSON] = "json",
    NULL,
};
static const char *const answer_names[] = {
    [TEXT_UPPER] = "upper",
    [TEXT_SAME] = "same",
    NULL,
};

const char *
bench_mode_name(enum bench_mode mode)
{
	return mode_names[mode];
}

/* The order is that of the manual page. */
#define OPTION_SETTINGS struct bench_options
const struct option_row bench_rows[] = {
    {"mode", WORD(mode, mode_names), "MODE", .preset = "ping-pong",
	.help = "ping-pong, stream, churn, idle or mixed"},
    {"connections", NUMBER(connections, 1, CONNECTIONS_MAX), "N", .preset = "1",
	.help = "this many connections at once"},
    {"streams", NUMBER(streams, 1, CONNECTIONS_MAX), "N", .otherwise = "1",
	.help = "in mixed: this many more connections, which stream"},
    {"size", NUMBER(size, 1, TEXT_MESSAGE_MAX), "N",
	.otherwise = "64; in stream, where it is a write, 65536",
	.help = "bytes of a message"},
    {"text", TEXT(text, "the name of a file"), "FILE",
	.help = "cut the messages from this text, which is UTF-8"},
    {"depth", NUMBER(depth, 1, DEPTH_MAX), "N", .otherwise = "1",
	.help = "messages under way at once on a connection of\n"
		"ping-pong"},
    {"time", TIME(time, 1, VALUE_WEEK), "T", .preset = "5s",
	.help = "measure for T"},
    {"warm-up", TIME(warm_up, 0, VALUE_WEEK), "T", .preset = "500ms",
	.help = "run for T before that"},
    {"count", NUMBER(count, 1, COUNT_MAX), "N",
	.help = "end after N messages (connections in churn, bytes in\n"
		"stream) instead of a time, without a warm-up"},
    {"rate", NUMBER(rate, 1, SCHEDULE_RATE_MAX), "N",
	.otherwise = "as fast as answers come",
	.help = "messages or connections a second, in all, with\n"
		"latencies from when they were due"},
    {"timeout", TIME(timeout, 1, TIMEOUT_MAX), "T", .preset = "30s",
	.help = "wait for the server for at most T"},
    {"answer-timeout", TIME(answer_timeout, 0, VALUE_WEEK), "T",
	.preset = "10m",
	.help = "wait for the whole answer of a message for at most\n"
		"T; 0: as long as it goes on"},
    {"answer", WORD(answer, answer_names), "WHAT", .preset = "upper",
	.help = "the answer that is expected: upper, or same from\n"
		"an echo server"},
    {"format", WORD(format, format_names), "FORMAT", .preset = "text",
	.help = "of the report: text, csv or json"},
    {"backend", NAME(backend, poller_backend), "NAME",
	.otherwise = "the best of this system",
	.help = "how to wait for sockets: epoll, kqueue or poll"},
    {"no-progress", SWITCH(no_progress),
	.help = "never show how far the run has come"},
    {.name = NULL},
};

static void
print_version(void)
{
	(void)puts("upcbench " PACKAGE_VERSION);
}

static const struct cli cli = {
    .usage = "[option ...] [ADDRESS]",
    .summary = "Loads upcased, checks every byte of its answers and reports "
	       "how fast they came.\n"
	       "ADDRESS is the server (default: 127.0.0.1:" ADDRESS_PORT ").",
    .print_version = print_version,
    .takes_operands = true,
    .rows = bench_rows,
};

/* Why the options do not go together, or NULL. */
static const char *
find_conflict(const struct bench_options *options, bool has_time)
{
	enum bench_mode mode = options->mode;
	if (options->streams != 0 && mode != BENCH_MIXED)
		return "--streams is for mixed; add --mode mixed, or say "
		       "--connections";
	if (options->depth != 0 && mode != BENCH_PING_PONG &&
	    mode != BENCH_MIXED)
		return "--depth is for ping-pong and mixed; leave it out, or "
		       "choose another --mode";
	if (options->count != 0 && has_time)
		return "--count and --time exclude each other; leave one out";
	if (options->count != 0 && mode == BENCH_IDLE)
		return "--count is not for idle; say --time";
	if (options->rate != 0 && mode == BENCH_IDLE)
		return "--rate is not for idle; leave it out, or choose "
		       "another --mode";
	if (options->connections * options->depth > UNDER_WAY_MAX)
		return "--depth times --connections is more than 4000000; "
		       "lower either";
	return NULL;
}

/* The server is the only operand. */
static enum cli_outcome
read_server(struct bench_options *options, int n, char **operands)
{
	char shown[PRINTABLE_MAX];
	if (n > 1) {
		say("'%s' is one argument too many; name one server",
		    printable(operands[1], shown));
		return CLI_BAD;
	}
	if (n == 0)
		return CLI_RUN;
	if (address_parse(&options->server, operands[0]) == -1) {
		say("'%s' is not %s", printable(operands[0], shown),
		    ADDRESS_SYNTAX);
		return CLI_BAD;
	}
	/* No host means this host, not all of it. */
	if (options->server.host[0] == '\0')
		memcpy(options->server.host, "localhost", sizeof "localhost");
	return CLI_RUN;
}

static void
fill_in(struct bench_options *options)
{
	if (options->streams == 0 && options->mode == BENCH_MIXED)
		options->streams = 1;
	if (options->depth == 0 && options->mode != BENCH_STREAM)
		options->depth = 1;
	if (options->size == 0 && options->text[0] == '\0')
		options->size = options->mode == BENCH_STREAM
				    ? BENCH_STREAM_SIZE
				    : MESSAGE_SIZE;
}

enum cli_outcome
bench_options_read(struct bench_options *options, int argc, char **argv)
{
	*options = (struct bench_options){
	    .server = {.host = "127.0.0.1", .port = ADDRESS_PORT},
	};
	bool given[sizeof bench_rows / sizeof bench_rows[0]] = {false};
	int first;
	enum cli_outcome outcome =
	    cli_parse(&cli, options, given, argc, argv, &first);
	if (outcome != CLI_RUN)
		return outcome;
	bool has_time = given[option_find(bench_rows, "time") - bench_rows];
	const char *conflict = find_conflict(options, has_time);
	if (conflict != NULL) {
		say("%s", conflict);
		return CLI_BAD;
	}
	outcome = read_server(options, argc - first, argv + first);
	fill_in(options);
	return outcome;
}
