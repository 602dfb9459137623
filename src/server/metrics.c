/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/metrics.h"

#include "server/pool.h"

#include <inttypes.h>
#include <stdio.h>

/* Room for a number, its end included. */
enum { NUMBER_MAX = 24 };

/* What the metrics take at most, for each worker and besides, in bytes. */
#define ROOM_WORKER ((size_t)2048)
#define ROOM        ((size_t)24576)

#define ROW                                                                    \
	const struct metric_row *row, const struct metrics_figures *figures,   \
	    struct metrics_text *text

static bool
write_one(struct metrics_text *text, uint64_t value, uint64_t scale)
{
	metrics_text_sample(text, "", NULL, 0, value, scale);
	return true;
}

static bool
write_counter(ROW)
{
	return write_one(text, figures->totals[row->index], 1);
}

static bool
write_log_dropped(ROW)
{
	(void)row;
	return write_one(text, figures->log_dropped, 1);
}

static bool
write_build(ROW)
{
	(void)row;
	const struct metric_label labels[] = {
	    {"version", figures->version},
	    {"backend", figures->backend},
	    {"kernel", figures->kernel},
	    {"unicode", figures->unicode},
	};
	metrics_text_sample(
	    text, "", labels, sizeof labels / sizeof labels[0], 1, 1);
	return true;
}

static bool
write_states(ROW)
{
	(void)row;
	for (unsigned i = 0; i < figures->nworkers; i++) {
		struct worker_figures worker =
		    worker_figures(&figures->workers[i]);
		char number[NUMBER_MAX];
		(void)snprintf(number, sizeof number, "%u", i + 1);
		for (unsigned k = 0; k < CONN_CLOSED; k++) {
			const struct metric_label labels[] = {
			    {"worker", number},
			    {"state", conn_state_name((enum conn_state)k)},
			};
			metrics_text_sample(
			    text, "", labels, 2, worker.states[k], 1);
		}
	}
	return true;
}

/* What there is of each worker, by the index of the row. */
enum {
	WORKER_TURNS,
	WORKER_LONGEST,
	WORKER_OUTPUT,
	WORKER_OUTPUT_LIMIT,
};

static bool
write_worker(ROW)
{
	for (unsigned i = 0; i < figures->nworkers; i++) {
		struct worker_figures worker =
		    worker_figures(&figures->workers[i]);
		const uint64_t values[] = {
		    [WORKER_TURNS] = worker.turns,
		    [WORKER_LONGEST] = worker.longest_ms,
		    [WORKER_OUTPUT] = (uint64_t)worker.held * POOL_BLOCK,
		    [WORKER_OUTPUT_LIMIT] =
			(uint64_t)worker.blocks * POOL_BLOCK,
		};
		char number[NUMBER_MAX];
		(void)snprintf(number, sizeof number, "%u", i + 1);
		metrics_text_sample(text, "",
		    &(struct metric_label){"worker", number}, 1,
		    values[row->index],
		    row->index == WORKER_LONGEST ? 1000 : 1);
	}
	return true;
}

/* What there is of the server, by the index of the row. */
enum { SERVER_WORKERS, SERVER_LIMIT, SERVER_MEMORY, SERVER_DRAINS };

static bool
write_server(ROW)
{
	const uint64_t values[] = {
	    [SERVER_WORKERS] = figures->nworkers,
	    [SERVER_LIMIT] = figures->connections_limit,
	    [SERVER_MEMORY] = figures->memory_limit,
	    [SERVER_DRAINS] = figures->drains,
	};
	return write_one(text, values[row->index], 1);
}

/* Writes n counts, of which each bound is twice the one before, in a scale. */
static void
write_buckets(struct metrics_text *text, const struct loop_histogram *histogram,
    size_t n, uint64_t scale)
{
	/* The first of the numbers is 0, and of the lengths 1 ms. */
	bool has_zero = scale == 1;
	uint64_t sum = 0, bound = 1;
	for (size_t i = 0; i < n; i++) {
		char le[NUMBER_MAX] = "+Inf";
		uint64_t own = has_zero && i == 0 ? 0 : bound;
		if (i + 1 < n && scale == 1)
			(void)snprintf(le, sizeof le, "%" PRIu64, own);
		else if (i + 1 < n)
			(void)snprintf(le, sizeof le, "%" PRIu64 ".%03" PRIu64,
			    own / scale, own % scale);
		if (!has_zero || i > 0)
			bound *= 2;
		sum += histogram->counts[i];
		metrics_text_sample(text, "_bucket",
		    &(struct metric_label){"le", le}, 1, sum, 1);
	}
	metrics_text_sample(text, "_sum", NULL, 0, histogram->sum, scale);
	metrics_text_sample(text, "_count", NULL, 0, sum, 1);
}

static bool
write_lengths(ROW)
{
	(void)row;
	struct loop_histogram histogram = {.sum = 0};
	for (unsigned i = 0; i < figures->nworkers; i++)
		loop_lengths(figures->workers[i].loop, &histogram);
	write_buckets(text, &histogram, LOOP_LENGTHS, 1000);
	return true;
}

static bool
write_readies(ROW)
{
	(void)row;
	struct loop_histogram histogram = {.sum = 0};
	for (unsigned i = 0; i < figures->nworkers; i++)
		loop_readies(figures->workers[i].loop, &histogram);
	write_buckets(text, &histogram, LOOP_READIES, 1);
	return true;
}

static bool
write_answers(ROW)
{
	(void)row;
	for (size_t i = 0; i < HTTP_NSTATUSES; i++) {
		char code[NUMBER_MAX];
		(void)snprintf(code, sizeof code, "%d", http_server_status(i));
		metrics_text_sample(text, "",
		    &(struct metric_label){"code", code}, 1,
		    figures->http->nanswers[i], 1);
	}
	return true;
}

/* What there is of the process, by the index of the row. */
enum {
	PROCESS_CPU,
	PROCESS_RESIDENT,
	PROCESS_VIRTUAL,
	PROCESS_FDS,
	PROCESS_FDS_LIMIT,
	PROCESS_STARTED,
};

static bool
write_process(ROW)
{
	const struct process_figures *process = &figures->process;
	const struct {
		uint64_t value, scale;
	} values[] = {
	    [PROCESS_CPU] = {process->cpu_us, 1000000},
	    [PROCESS_RESIDENT] = {process->resident, 1},
	    [PROCESS_VIRTUAL] = {process->virtual_, 1},
	    [PROCESS_FDS] = {process->descriptors, 1},
	    [PROCESS_FDS_LIMIT] = {process->descriptors_limit, 1},
	    [PROCESS_STARTED] = {process->started_ms, 1000},
	};
	return values[row->index].value != 0 &&
	       write_one(
		   text, values[row->index].value, values[row->index].scale);
}

const struct metric_row metric_rows[] = {
#define COUNTER(id, name, metric, help)                                        \
	{"upcased_" metric, METRIC_COUNTER, help, write_counter, COUNTER_##id},
#include "server/counters.def"
#undef COUNTER
    {"upcased_log_dropped_total", METRIC_COUNTER,
	"Lines of the log that were lost, as nobody took them.",
	write_log_dropped, 0},
    {"upcased_connections", METRIC_GAUGE,
	"Connections that are open, by worker and state.", write_states, 0},
    {"upcased_connections_limit", METRIC_GAUGE,
	"The most connections that there may be.", write_server, SERVER_LIMIT},
    {"upcased_workers", METRIC_GAUGE, "Workers that serve the connections.",
	write_server, SERVER_WORKERS},
    {"upcased_draining", METRIC_GAUGE,
	"1 in a drain, when nobody new is served, and else 0.", write_server,
	SERVER_DRAINS},
    {"upcased_memory_limit_bytes", METRIC_GAUGE,
	"The most that the buffers of the server take.", write_server,
	SERVER_MEMORY},
    {"upcased_output_bytes", METRIC_GAUGE,
	"Memory in use for answers that clients have not taken yet.",
	write_worker, WORKER_OUTPUT},
    {"upcased_output_limit_bytes", METRIC_GAUGE,
	"The most memory that such answers may use.", write_worker,
	WORKER_OUTPUT_LIMIT},
    {"upcased_loop_turns_total", METRIC_COUNTER,
	"Turns of the loop, which serves all that is ready at a time.",
	write_worker, WORKER_TURNS},
    {"upcased_loop_longest_turn_seconds", METRIC_GAUGE,
	"The longest turn since the start.", write_worker, WORKER_LONGEST},
    {"upcased_loop_turn_seconds", METRIC_HISTOGRAM,
	"How long turns took, where the clock was read, to the millisecond.",
	write_lengths, 0},
    {"upcased_loop_ready_events", METRIC_HISTOGRAM,
	"How many sockets were ready in a turn.", write_readies, 0},
    {"upcased_metrics_responses_total", METRIC_COUNTER,
	"Answers to requests for metrics, by their status.", write_answers, 0},
    {"upcased_build_info", METRIC_GAUGE,
	"Always 1; the labels say which program it is.", write_build, 0},
    {"process_cpu_seconds_total", METRIC_COUNTER,
	"Time of processors that the process has used.", write_process,
	PROCESS_CPU},
    {"process_resident_memory_bytes", METRIC_GAUGE,
	"Memory of the process that is in use.", write_process,
	PROCESS_RESIDENT},
    {"process_virtual_memory_bytes", METRIC_GAUGE,
	"Addresses of the process that may be used.", write_process,
	PROCESS_VIRTUAL},
    {"process_open_fds", METRIC_GAUGE, "Descriptors that are open.",
	write_process, PROCESS_FDS},
    {"process_max_fds", METRIC_GAUGE, "The limit of descriptors.",
	write_process, PROCESS_FDS_LIMIT},
    {"process_start_time_seconds", METRIC_GAUGE,
	"When the process was started, in seconds since 1970.", write_process,
	PROCESS_STARTED},
    {.name = NULL},
};

size_t
metrics_room(unsigned nworkers)
{
	return ROOM + nworkers * ROOM_WORKER;
}

size_t
metrics_memory(const struct settings *settings)
{
	return settings->metrics_host == NULL
		   ? 0
		   : http_server_memory(metrics_room(settings->workers));
}

size_t
metrics_descriptors(const struct settings *settings)
{
	return settings->metrics_host == NULL ? 0 : HTTP_CLIENTS_MAX;
}

size_t
metrics_write(const struct metrics_figures *figures, enum metrics_format format,
    char *bytes, size_t room)
{
	struct metrics_text text;
	metrics_text_begin(&text, format, bytes, room);
	for (const struct metric_row *row = metric_rows; row->name != NULL;
	     row++) {
		struct metrics_text before = text;
		metrics_text_metric(&text, row->name, row->kind, row->help);
		if (row->write(row, figures, &text))
			metrics_text_metric_end(&text);
		else
			text = before;
	}
	metrics_text_end(&text);
	return text.is_full ? 0 : text.length;
}
