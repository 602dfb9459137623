/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/load.h"

#include "base/printable.h"
#include "base/say.h"
#include "base/streams.h"
#include "base/sys.h"
#include "net/dial.h"
#include "net/lookup.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Descriptors besides those of connections: standard ones, the poller. */
enum { OTHER_DESCRIPTORS = 16 };

static int
out_of_memory(void)
{
	say("out of memory; ask for fewer "
	    "--connections or a smaller --size");
	return EX_OSERR;
}

static int
explain_text(enum text_outcome outcome, const char *path)
{
	char shown[PRINTABLE_MAX];
	const char *name = printable(path, shown);
	switch (outcome) {
	case TEXT_MADE:
		break;
	case TEXT_NO_MEMORY:
		return out_of_memory();
	case TEXT_UNREADABLE:
		say("--text: cannot read '%s': %s; name a file with "
		    "text",
		    name, strerror(errno));
		return EX_NOINPUT;
	case TEXT_TOO_LONG:
		say("--text: '%s' has more than 64 MiB; name a part "
		    "of it",
		    name);
		return EX_DATAERR;
	case TEXT_EMPTY:
		say("--text: '%s' is empty; name a file with text", name);
		return EX_DATAERR;
	case TEXT_NOT_UTF8:
		say("--text: '%s' is not UTF-8; convert it with "
		    "iconv",
		    name);
		return EX_DATAERR;
	case TEXT_TOO_NARROW:
		say("--size: a character of '%s' is longer; make it "
		    "at least 4",
		    name);
		return EX_USAGE;
	}
	return EX_OK;
}

static int
get_text(struct text *text, const struct bench_options *options, size_t size)
{
	struct stat file;
	if (options->text[0] != '\0' && stat(options->text, &file) == 0 &&
	    streams_print_to(&file)) {
		say("--text: standard output is that file too; write the "
		    "report to another one");
		return EX_USAGE;
	}
	enum text_outcome outcome =
	    options->text[0] == '\0'
		? text_make(text, size, options->answer)
		: text_read(text, options->text, size, options->answer);
	return explain_text(outcome, options->text);
}

static int
get_texts(struct load *load, const struct bench_options *options)
{
	int status = get_text(&load->texts[0], options, options->size);
	if (status == EX_OK && options->mode == BENCH_MIXED)
		status = get_text(&load->texts[1], options, BENCH_STREAM_SIZE);
	return status;
}

static int
look_up(struct load *load, const struct address *server, uint32_t timeout)
{
	int status = lookup_run(server, AF_UNSPEC, timeout, &load->addresses);
	if (status == 0)
		return EX_OK;
	load->addresses = NULL;
	char shown[PRINTABLE_MAX];
	const char *reason = dial_resolve_error(status);
	say("no address found for '%s': %s; name another server",
	    printable(server->host, shown), reason);
	return EX_UNAVAILABLE;
}

static int
find_server(struct load *load, uint32_t timeout)
{
	char tried[RACE_TRIED_MAX];
	if (target_open(
		&load->engine.target, load->addresses, timeout, tried) == 0)
		return EX_OK;
	say("connection 1: cannot connect to %s; start a server "
	    "there, or let it take more connections",
	    tried);
	return EX_UNAVAILABLE;
}

/* A stream has two descriptors: see duplex.h. */
static int
check_descriptors(const struct bench_options *options)
{
	struct sys_descriptors descriptors;
	sys_count_descriptors(&descriptors);
	size_t needed = descriptors.open + OTHER_DESCRIPTORS +
			options->connections + 2 * options->streams;
	if (options->mode == BENCH_STREAM)
		needed += options->connections;
	if (needed <= descriptors.limit)
		return EX_OK;
	say("--connections: %zu descriptors are needed and %zu are "
	    "allowed; ask for fewer, or raise the limit with ulimit -n",
	    needed, descriptors.limit);
	return EX_OSERR;
}

/* What the sessions of a mode do. */
static void
describe_groups(struct load *load, const struct bench_options *options,
    struct histogram *latencies)
{
	const struct group stream = {.depth = 0};
	struct group talk = {.depth = options->depth, .latencies = latencies};
	switch (options->mode) {
	case BENCH_CHURN:
		talk.reconnects = true;
		talk.is_single = true;
		break;
	case BENCH_IDLE:
		talk.is_single = true;
		break;
	case BENCH_PING_PONG:
	case BENCH_STREAM:
	case BENCH_MIXED:
		break;
	}
	load->groups[0] = options->mode == BENCH_STREAM ? stream : talk;
	load->groups[1] = stream;
	load->ngroups = options->mode == BENCH_MIXED ? 2 : 1;
	for (size_t i = 0; i < load->ngroups; i++) {
		load->groups[i].engine = &load->engine;
		load->groups[i].size =
		    i == 0 ? options->connections : options->streams;
		load->groups[i].text = &load->texts[i];
	}
}

/*
 * Sessions start at messages that are as far apart as possible, so that an
 * answer that goes to another connection is wrong there.
 */
static void
make_sessions(struct load *load)
{
	struct session *session = load->sessions;
	for (size_t i = 0; i < load->ngroups; i++) {
		struct group *group = &load->groups[i];
		size_t nmessages = group->text->nmessages;
		for (size_t place = 0; place < group->size;
		     place++, session++) {
			uint64_t *times =
			    group->depth == 0
				? NULL
				: load->times + place * group->depth;
			size_t first = group->size <= nmessages
					   ? nmessages / group->size * place
					   : place % nmessages;
			session_init(session, group, first, times);
			session->place = (unsigned)place;
			session->number = (unsigned)(session - load->sessions);
		}
	}
}

int
load_open(struct load *load, const struct bench_options *options,
    struct histogram *latencies)
{
	*load = (struct load){
	    .nsessions = options->connections + options->streams,
	};
	int status = check_descriptors(options);
	if (status == EX_OK)
		status = look_up(load, &options->server, options->timeout);
	if (status == EX_OK)
		status = get_texts(load, options);
	if (status != EX_OK)
		return status;
	load->engine.loop = loop_open(options->backend);
	if (load->engine.loop == NULL) {
		say("cannot wait for sockets: %s; the limits of descriptors "
		    "(ulimit -n) and memory may be too low",
		    strerror(errno));
		return EX_OSERR;
	}
	load->engine.buffer = malloc(SESSION_BUFFER);
	load->sessions = calloc(load->nsessions, sizeof *load->sessions);
	load->times =
	    calloc(options->connections * options->depth, sizeof *load->times);
	if (load->engine.buffer == NULL || load->sessions == NULL ||
	    load->times == NULL)
		return out_of_memory();
	timer_queue_init(&load->engine.deadlines,
	    loop_timers(load->engine.loop), options->timeout, session_expired);
	timer_queue_init(&load->engine.answers, loop_timers(load->engine.loop),
	    options->answer_timeout, session_overdue);
	describe_groups(load, options, latencies);
	make_sessions(load);
	return find_server(load, options->timeout);
}

void
load_close(struct load *load)
{
	for (size_t i = 0; i < load->nsessions && load->sessions != NULL; i++)
		session_abort(&load->sessions[i]);
	target_close(&load->engine.target);
	loop_close(load->engine.loop);
	for (size_t i = 0; i < LOAD_GROUPS_MAX; i++)
		text_free(&load->texts[i]);
	free(load->engine.buffer);
	free(load->sessions);
	free(load->times);
	if (load->addresses != NULL)
		freeaddrinfo(load->addresses);
}
