/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/options.h"

#include "bench/schedule.h"
#include "config/duration.h"
#include "reactor/poller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS_MAX = 1000000,
	DEPTH_MAX = 4096,
	/* Messages under way at once, of all connections: 8 bytes for each. */
	UNDER_WAY_MAX = 4000000,
	MESSAGE_SIZE = 64,
	TIME_MS = 5000,
	WARM_UP_MS = 500,
	TIMEOUT_MS = 30 * 1000,
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

/* The index of a word in the list that ends with NULL, or -1. */
static int
find_word(const char *const *words, const char *word)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

/* Stores a whole number between 1 and the most; -1 when the text is none. */
static int
parse_number(uint64_t *number, const char *text, uint64_t most)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 16 || text[digits] != '\0')
		return -1;
	unsigned long long value = strtoull(text, NULL, 10);
	if (value < 1 || value > most)
		return -1;
	*number = value;
	return 0;
}

static int
parse_size(size_t *number, const char *text, size_t most)
{
	uint64_t value;
	if (parse_number(&value, text, most) == -1)
		return -1;
	*number = (size_t)value;
	return 0;
}

static const char *
set_mode(void *settings, const char *value)
{
	struct bench_options *options = settings;
	int mode = find_word(mode_names, value);
	if (mode == -1)
		return "one of ping-pong, stream, churn, idle and mixed";
	options->mode = (enum bench_mode)mode;
	return NULL;
}

static const char *
set_connections(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_size(&options->connections, value, CONNECTIONS_MAX) == 0
		   ? NULL
		   : "a number from 1 to 1000000";
}

static const char *
set_streams(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_size(&options->streams, value, CONNECTIONS_MAX) == 0
		   ? NULL
		   : "a number from 1 to 1000000";
}

static const char *
set_size(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_size(&options->size, value, TEXT_MESSAGE_MAX) == 0
		   ? NULL
		   : "a number of bytes from 1 to 16777216";
}

static const char *
set_text(void *settings, const char *value)
{
	((struct bench_options *)settings)->text = value;
	return value[0] == '\0' ? "the name of a file" : NULL;
}

static const char *
set_depth(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_size(&options->depth, value, DEPTH_MAX) == 0
		   ? NULL
		   : "a number from 1 to 4096";
}

static const char *
set_time(void *settings, const char *value)
{
	struct bench_options *options = settings;
	options->has_time = true;
	return duration_parse(&options->time, value) == 0 && options->time > 0
		   ? NULL
		   : "above 0 and " DURATION_SYNTAX;
}

static const char *
set_warm_up(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return duration_parse(&options->warm_up, value) == 0 ? NULL
							     : DURATION_SYNTAX;
}

static const char *
set_count(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_number(&options->count, value, COUNT_MAX) == 0
		   ? NULL
		   : "a number from 1 to 1000000000000000";
}

static const char *
set_rate(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return parse_number(&options->rate, value, SCHEDULE_RATE_MAX) == 0
		   ? NULL
		   : "a number a second, from 1 to 10000000";
}

static const char *
set_timeout(void *settings, const char *value)
{
	struct bench_options *options = settings;
	return duration_parse(&options->timeout, value) == 0 &&
		       options->timeout > 0 && options->timeout <= TIMEOUT_MAX
		   ? NULL
		   : "a time from 1ms to 1h";
}

static const char *
set_answer(void *settings, const char *value)
{
	struct bench_options *options = settings;
	int answer = find_word(answer_names, value);
	if (answer == -1)
		return "one of upper and same";
	options->answer = (enum text_answer)answer;
	return NULL;
}

static const char *
set_format(void *settings, const char *value)
{
	struct bench_options *options = settings;
	int format = find_word(format_names, value);
	if (format == -1)
		return "one of text, csv and json";
	options->format = (enum bench_format)format;
	return NULL;
}

static const char *
set_backend(void *settings, const char *value)
{
	struct bench_options *options = settings;
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++) {
		if (strcmp(name, value) == 0) {
			options->backend = name;
			return NULL;
		}
	}
	return "a back end; `upcased --version' names them";
}

static const char *
set_no_progress(void *settings, const char *value)
{
	(void)value;
	((struct bench_options *)settings)->no_progress = true;
	return NULL;
}

static const char *
set_version(void *settings, const char *value)
{
	(void)value;
	((struct bench_options *)settings)->version = true;
	return NULL;
}

/* The order is that of the manual page. */
static const struct option_row rows[] = {
    {
	.name = "mode",
	.argument = "MODE",
	.help = "ping-pong, stream, churn, idle or mixed\n"
		"(default: ping-pong)",
	.set = set_mode,
    },
    {
	.name = "connections",
	.argument = "N",
	.help = "so many at once (default: 1)",
	.set = set_connections,
    },
    {
	.name = "streams",
	.argument = "N",
	.help = "in mixed: so many more that stream (default: 1)",
	.set = set_streams,
    },
    {
	.name = "size",
	.argument = "N",
	.help = "bytes of a message (default: 64; in stream,\n"
		"where it is a write, 65536)",
	.set = set_size,
    },
    {
	.name = "text",
	.argument = "FILE",
	.help = "cut the messages from this text, which is UTF-8",
	.set = set_text,
    },
    {
	.name = "depth",
	.argument = "N",
	.help = "messages under way at once on a connection of\n"
		"ping-pong (default: 1)",
	.set = set_depth,
    },
    {
	.name = "time",
	.argument = "T",
	.help = "measure for so long (default: 5s)",
	.set = set_time,
    },
    {
	.name = "warm-up",
	.argument = "T",
	.help = "run for so long before (default: 500ms)",
	.set = set_warm_up,
    },
    {
	.name = "count",
	.argument = "N",
	.help = "end after so many messages, connections of churn or\n"
		"bytes of stream instead, without a warm-up",
	.set = set_count,
    },
    {
	.name = "rate",
	.argument = "N",
	.help = "messages or connections a second, of all together,\n"
		"with latencies from when they were due\n"
		"(default: as fast as answers come)",
	.set = set_rate,
    },
    {
	.name = "timeout",
	.argument = "T",
	.help = "the longest to wait for the server (default: 30s)",
	.set = set_timeout,
    },
    {
	.name = "answer",
	.argument = "WHAT",
	.help = "what has to come back: upper, or same as from an\n"
		"echo server (default: upper)",
	.set = set_answer,
    },
    {
	.name = "format",
	.argument = "FORMAT",
	.help = "of the report: text, csv or json (default: text)",
	.set = set_format,
    },
    {
	.name = "backend",
	.argument = "NAME",
	.help = "how to wait for sockets: epoll, kqueue or poll\n"
		"(default: the best of this system)",
	.set = set_backend,
    },
    {
	.name = "no-progress",
	.help = "never show how far the run has come",
	.set = set_no_progress,
    },
    {
	.name = "version",
	.letter = 'V',
	.help = "print the version and exit",
	.set = set_version,
    },
    {.name = NULL},
};

static const struct options table = {
    .program = "upcbench",
    .usage = "[option ...] [ADDRESS]",
    .summary = "Loads upcased, checks every byte of its answers and reports "
	       "how fast they came.\n"
	       "ADDRESS is the server (default: 127.0.0.1:" ADDRESS_PORT ").",
    .rows = rows,
};

/* Why the options do not go together, or NULL. */
static const char *
find_conflict(const struct bench_options *options)
{
	enum bench_mode mode = options->mode;
	if (options->streams != 0 && mode != BENCH_MIXED)
		return "--streams is for mixed; add --mode mixed, or say "
		       "--connections";
	if (options->depth != 0 && mode != BENCH_PING_PONG &&
	    mode != BENCH_MIXED)
		return "--depth is for ping-pong and mixed; leave it out, or "
		       "choose another --mode";
	if (options->count != 0 && options->has_time)
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

/* The server is the only argument. */
static enum options_outcome
read_server(struct bench_options *options, int n, char **arguments)
{
	if (n > 1) {
		(void)fprintf(stderr,
		    "upcbench: '%s' is one argument too many; name one "
		    "server\n",
		    arguments[1]);
		return OPTIONS_BAD;
	}
	if (n == 0)
		return OPTIONS_RUN;
	if (address_parse(&options->server, arguments[0]) == -1) {
		(void)fprintf(stderr, "upcbench: '%s' is not %s\n",
		    arguments[0], ADDRESS_SYNTAX);
		return OPTIONS_BAD;
	}
	/* No host means this host, not all of it. */
	if (options->server.host[0] == '\0')
		memcpy(options->server.host, "localhost", sizeof "localhost");
	return OPTIONS_RUN;
}

static void
fill_in(struct bench_options *options)
{
	if (options->streams == 0 && options->mode == BENCH_MIXED)
		options->streams = 1;
	if (options->depth == 0 && options->mode != BENCH_STREAM)
		options->depth = 1;
	if (options->size == 0 && options->text == NULL)
		options->size = options->mode == BENCH_STREAM
				    ? BENCH_STREAM_SIZE
				    : MESSAGE_SIZE;
}

enum options_outcome
bench_options_parse(struct bench_options *options, int argc, char **argv)
{
	*options = (struct bench_options){
	    .server = {.host = "127.0.0.1", .port = ADDRESS_PORT},
	    .connections = 1,
	    .time = TIME_MS,
	    .warm_up = WARM_UP_MS,
	    .timeout = TIMEOUT_MS,
	};
	int first = argc;
	enum options_outcome outcome =
	    options_parse(&table, options, argc, argv, &first);
	if (outcome != OPTIONS_RUN || options->version)
		return outcome;
	const char *conflict = find_conflict(options);
	if (conflict != NULL) {
		(void)fprintf(stderr, "upcbench: %s\n", conflict);
		return OPTIONS_BAD;
	}
	outcome = read_server(options, argc - first, argv + first);
	fill_in(options);
	return outcome;
}
