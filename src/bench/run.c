/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/run.h"

#include "base/say.h"
#include "base/sys.h"
#include "bench/interrupts.h"
#include "bench/load.h"
#include "bench/ticker.h"
#include "bench/ticks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	/* Connections that are made, or proven alive, at the same time. */
	PARALLEL = 128,
	/* A signal that comes just before a wait is noticed after this. */
	LONGEST_WAIT_MS = 1000
};

struct run {
	const struct bench_options *options;
	struct run_result *result;
	struct load load;
	struct schedule schedule; /* of the first group, if there is a rate */
	uint64_t scheduled;       /* messages that it has granted */
	uint64_t to_schedule;     /* and that it is to grant in all */
	struct ticker ticker;
	const char *phase;
	int wait_error; /* the errno of a wait that failed */
};

static bool
is_over(const struct run *run)
{
	return run->load.engine.errors.total > 0 || run->wait_error != 0 ||
	       interrupts_count() > 0;
}

/* Milliseconds until the time when, or no more than most. */
static uint64_t
ms_until(uint64_t when, uint64_t now, uint64_t most)
{
	uint64_t ms = when <= now ? 0 : (when - now) / TICKS_PER_MS;
	return ms < most ? ms : most;
}

/*
 * How long to wait for an event, in ms: until the given time, the next line for
 * the terminal, or the next message that is due.  The first two may be late by
 * a part of a millisecond.  For a message a wait is rather too short, and the
 * rest passes in waits of no time, so that the message is not late by our
 * fault.
 */
static unsigned
longest_wait(const struct run *run, uint64_t now, uint64_t until)
{
	uint64_t wait = LONGEST_WAIT_MS;
	if (until != TICKS_NEVER)
		wait = ms_until(until + TICKS_PER_MS - 1, now, wait);
	int line = status_line_wait(&run->ticker.line, now / TICKS_PER_MS);
	if (line != -1 && (uint64_t)line < wait)
		wait = (uint64_t)line;
	if (run->scheduled < run->to_schedule)
		wait = ms_until(
		    schedule_due(&run->schedule, run->scheduled), now, wait);
	return (unsigned)wait;
}

static struct figures
sum_figures(const struct load *load)
{
	struct figures sum = {0};
	for (size_t i = 0; i < load->ngroups; i++) {
		const struct figures *figures = &load->groups[i].figures;
		sum.messages += figures->messages;
		sum.sent += figures->sent;
		sum.received += figures->received;
		sum.established += figures->established;
	}
	return sum;
}

/* Deals out what is due by now, to each connection in turn. */
static void
grant_scheduled(struct run *run, uint64_t now)
{
	if (run->scheduled == run->to_schedule)
		return;
	uint64_t due = schedule_count(&run->schedule, now);
	if (due > run->to_schedule)
		due = run->to_schedule;
	for (; run->scheduled < due; run->scheduled++) {
		uint64_t place = run->scheduled % run->load.groups[0].size;
		session_grant(&run->load.sessions[place], 1);
	}
}

/* Waits once, no longer than to the given time, and does what is due then. */
static void
turn(struct run *run, uint64_t until)
{
	struct engine *engine = &run->load.engine;
	uint64_t now = engine->now = ticks_now();
	grant_scheduled(run, now);
	if (loop_turn_within(engine->loop, longest_wait(run, now, until)) == -1)
		run->wait_error = errno;
	now = loop_now(engine->loop);
	if (status_line_is_due(&run->ticker.line, now)) {
		struct figures sum = sum_figures(&run->load);
		ticker_show(
		    &run->ticker, run->phase, sum.messages, sum.received, now);
	}
}

static void
turn_until(struct run *run, uint64_t until)
{
	while (!is_over(run) && ticks_now() < until)
		turn(run, until);
}

/* Opens all connections before the first message; churn opens its own. */
static void
open_all(struct run *run)
{
	struct load *load = &run->load;
	run->phase = "opening";
	if (load->groups[0].reconnects)
		return;
	for (size_t i = 0; i < load->nsessions; i++) {
		while (load->engine.connecting >= PARALLEL && !is_over(run))
			turn(run, TICKS_NEVER);
		if (is_over(run))
			return;
		load->engine.now = ticks_now();
		session_open(&load->sessions[i]);
	}
	while (load->engine.connecting > 0 && !is_over(run))
		turn(run, TICKS_NEVER);
}

/* The messages that a --count asks for; it counts the bytes of a stream. */
static uint64_t
messages_to_count(const struct run *run)
{
	uint64_t count = run->options->count;
	if (run->options->mode != BENCH_STREAM)
		return count;
	const struct text *text = &run->load.texts[0];
	uint64_t n = text->nmessages, bytes = text_end(text).question;
	return count / bytes * n + (count % bytes * n + bytes - 1) / bytes;
}

/* Lets the messages begin, as fast as they can or as they become due. */
static void
start(struct run *run)
{
	struct load *load = &run->load;
	uint64_t count = run->options->count, rate = run->options->rate;
	uint64_t messages = count == 0 ? UINT64_MAX : messages_to_count(run);
	uint64_t share = messages / load->groups[0].size;
	uint64_t rest = messages % load->groups[0].size;
	load->engine.now = ticks_now();
	if (rate != 0) {
		run->schedule = (struct schedule){
		    .start = load->engine.now,
		    .rate = rate,
		};
		run->to_schedule = messages;
		load->groups[0].schedule = &run->schedule;
	}
	for (size_t i = 0; i < load->nsessions; i++) {
		struct session *session = &load->sessions[i];
		if (session->group != &load->groups[0])
			session_grant(session, UINT64_MAX);
		else if (rate == 0)
			session_grant(session, share + (i < rest));
	}
}

/* Idle: asks each connection for an answer, to show that it is alive. */
static void
prove_alive(struct run *run)
{
	struct load *load = &run->load;
	const uint64_t *answered = &load->groups[0].figures.messages;
	load->groups[0].to = TICKS_NEVER;
	run->phase = "proving alive";
	for (size_t i = 0; i < load->nsessions; i++) {
		while (i - *answered >= PARALLEL && !is_over(run))
			turn(run, TICKS_NEVER);
		if (is_over(run))
			return;
		load->engine.now = ticks_now();
		session_grant(&load->sessions[i], 1);
	}
	while (*answered < load->nsessions && !is_over(run))
		turn(run, TICKS_NEVER);
}

/*
 * Messages that were due in the measured time and could not be sent have waited
 * until its end at least.  That counts, or an overload would not show.
 */
static void
count_unsent(struct run *run)
{
	const struct group *group = &run->load.groups[0];
	uint64_t due = schedule_count(&run->schedule, group->to - 1);
	if (due > run->to_schedule)
		due = run->to_schedule;
	for (size_t place = 0; place < group->size; place++) {
		const struct session *session = &run->load.sessions[place];
		uint64_t k = session->exchange.begun * group->size + place;
		for (; k < due; k += group->size) {
			uint64_t was_due = schedule_due(&run->schedule, k);
			if (was_due < group->from)
				continue;
			run->result->unsent++;
			if (group->latencies != NULL)
				histogram_add(
				    group->latencies, group->to - was_due);
		}
	}
}

static void
measure(struct run *run)
{
	struct load *load = &run->load;
	struct group *group = &load->groups[0];
	struct run_result *result = run->result;
	struct figures before[LOAD_GROUPS_MAX] = {0};
	run->phase = "measuring";
	uint64_t from = ticks_now();
	for (size_t i = 0; i < load->ngroups; i++)
		before[i] = load->groups[i].figures;
	group->from = from;
	group->to = TICKS_NEVER;
	if (run->options->count == 0) {
		turn_until(run, from + run->options->time * TICKS_PER_MS);
	} else {
		start(run);
		uint64_t last = messages_to_count(run);
		while (!is_over(run) && group->figures.messages < last)
			turn(run, TICKS_NEVER);
	}
	group->to = ticks_now();
	result->began = from;
	result->elapsed = group->to - from;
	if (group->schedule != NULL)
		count_unsent(run);
	if (run->options->mode == BENCH_IDLE)
		prove_alive(run);
	for (size_t i = 0; i < load->ngroups; i++) {
		const struct figures *after = &load->groups[i].figures;
		uint64_t received = after->received - before[i].received;
		result->sent += after->sent - before[i].sent;
		result->received += received;
		if (i == 0)
			result->messages = after->messages - before[i].messages;
		if (i + 1 == load->ngroups)
			result->streamed = received;
	}
}

static unsigned
count_active(const struct load *load)
{
	unsigned active = 0;
	for (size_t i = 0; i < load->ngroups; i++)
		active += load->groups[i].active;
	return active;
}

/*
 * Waits until all that is under way is answered and every connection has ended,
 * so that what still comes is checked.  It takes no longer than the timeout.
 */
static void
finish(struct run *run)
{
	struct load *load = &run->load;
	uint64_t last = ticks_now() + run->options->timeout * TICKS_PER_MS;
	run->phase = "ending";
	run->to_schedule = run->scheduled;
	load->engine.now = ticks_now();
	for (size_t i = 0; i < load->ngroups; i++)
		load->groups[i].is_ending = true;
	for (size_t i = 0; i < load->nsessions; i++)
		session_end(&load->sessions[i]);
	while (count_active(load) > 0 && run->wait_error == 0 &&
	       interrupts_count() < 2 && ticks_now() < last)
		turn(run, last);
	if (run->wait_error != 0 || interrupts_count() >= 2)
		return;
	for (size_t i = 0; count_active(load) > 0 && i < load->nsessions; i++)
		session_give_up(&load->sessions[i]);
}

/* Not if more than 1 % was left unsent, besides what may be under way. */
static bool
is_rate_kept(const struct run *run)
{
	const struct run_result *result = run->result;
	uint64_t due = result->messages + result->unsent;
	uint64_t under_way = run->options->connections * run->options->depth;
	return result->unsent <= due / 100 + under_way;
}

/* Says what went wrong, if anything did, and returns the status. */
static int
conclude(struct run *run)
{
	struct run_result *result = run->result;
	const struct engine *engine = &run->load.engine;
	struct figures sum = sum_figures(&run->load);
	result->established = sum.established;
	result->errors = engine->errors;
	(void)address_format(engine->target.server->ai_addr, result->server);
	result->is_complete = !is_over(run) && is_rate_kept(run);
	if (run->wait_error != 0) {
		say("cannot wait for sockets: %s", strerror(run->wait_error));
		return EX_OSERR;
	}
	if (result->errors.total == 0 && !is_rate_kept(run))
		say("the rate was not kept: %" PRIu64 " messages "
		    "that were due could not be sent; lower --rate, or raise "
		    "--connections",
		    result->unsent);
	return errors_say(&result->errors, result->server,
	    run->options->timeout, run->options->answer_timeout);
}

static void
go(struct run *run)
{
	open_all(run);
	if (run->options->mode != BENCH_IDLE && run->options->count == 0) {
		run->phase = "warming up";
		if (!is_over(run))
			start(run);
		turn_until(
		    run, ticks_now() + run->options->warm_up * TICKS_PER_MS);
	}
	if (!is_over(run))
		measure(run);
	finish(run);
}

int
run(const struct bench_options *options, struct run_result *result,
    bool *has_run)
{
	struct run run = {.options = options, .result = result};
	bool shows = !options->no_progress && isatty(STDERR_FILENO) != 0;
	*result = (struct run_result){.options = options};
	histogram_clear(&result->latencies);
	int status = load_open(&run.load, options, &result->latencies);
	if (status == EX_OK) {
		interrupts_await();
		ticker_start(
		    &run.ticker, shows ? STDERR_FILENO : -1, sys_now());
		go(&run);
		status_line_erase(&run.ticker.line);
		interrupts_ignore();
		status = conclude(&run);
		result->size = run.load.texts[0].longest;
	}
	*has_run = result->established > 0;
	load_close(&run.load);
	return status;
}
