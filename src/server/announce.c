/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/announce.h"

#include "base/log.h"
#include "server/kernel_buffers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Says what the system does not give of a buffer that was asked for. */
static void
announce_cut(const char *name, const char *bound, size_t asked, size_t got)
{
	if (got < asked)
		log_warnx("%s: the system gives %zu bytes, not %zu; raise its "
			  "bound (%s), or lower %s",
		    name, got, asked, bound, name);
}

void
announce_memory(const struct settings *settings, const struct limits *limits,
    size_t naddresses)
{
	struct kernel_buffers_held held;
	kernel_buffers_measure(settings, &held);
	announce_cut("send-buffer", "net.core.wmem_max", settings->send_buffer,
	    held.send);
	announce_cut("receive-buffer", "net.core.rmem_max",
	    settings->receive_buffer, held.receive);
	log_info("buffers: at most %" PRIu64
		 " KiB of ours, and about %zu KiB of the kernel's for each "
		 "connection, %zu KiB for %zu of them",
	    limits->memory / 1024, held.small / 1024, held.large / 1024,
	    kernel_buffers_large(settings->workers) * settings->workers);
	log_info("queues: at most %zu clients wait at each address, with up to "
		 "about %zu KiB of the kernel's each",
	    limits->backlog, KERNEL_BUFFERS_QUEUED / 1024);
	uint64_t kernel =
	    kernel_buffers_sum(&held, settings->workers, limits->connections);
	uint64_t queues =
	    (uint64_t)naddresses * limits->backlog * KERNEL_BUFFERS_QUEUED;
	log_info("memory: at most about %" PRIu64 " KiB in all: %" PRIu64
		 " of ours, %" PRIu64 " of the kernel's for connections and "
		 "%" PRIu64 " for clients that wait",
	    (limits->memory + kernel + queues) / 1024, limits->memory / 1024,
	    kernel / 1024, queues / 1024);
}

void
announce_start(const struct settings *settings, const struct limits *limits,
    size_t naddresses, uint32_t held_ms, const char *backend)
{
	log_info("serving with %s, %u worker%s, at most %zu connection%s",
	    backend, settings->workers, settings->workers == 1 ? "" : "s",
	    limits->connections, limits->connections == 1 ? "" : "s");
	announce_memory(settings, limits, naddresses);
	if (held_ms != 0)
		log_info("the kernel holds its part of a closed connection, an "
			 "answer of at most 1 KiB, for at most %" PRIu32 " ms",
		    held_ms);
}

void
announce_lack(const struct settings *settings, const struct limits *limits,
    size_t descriptors)
{
	if (settings->max_connections == 0)
		log_errorx("the limit of %zu descriptors leaves none for "
			   "connections; raise it (ulimit -n, LimitNOFILE=)",
		    descriptors);
	else
		log_errorx("the limit of %zu descriptors allows %zu "
			   "connections, not %zu; raise it (ulimit -n, "
			   "LimitNOFILE=) or lower --max-connections",
		    descriptors, limits->connections,
		    settings->max_connections);
}

void
announce_no_workers(
    const struct settings *settings, const struct limits *limits)
{
	if (errno == ENOMEM)
		log_error("there is not enough memory for %u worker%s, %zu "
			  "connections and their answers, at most %" PRIu64
			  " KiB; lower --max-connections, --memory-limit or "
			  "--workers, or raise the limit (ulimit -v)",
		    settings->workers, settings->workers == 1 ? "" : "s",
		    limits->connections, limits->memory / 1024);
	else
		log_error("cannot open what %u workers need; the limit of "
			  "descriptors (ulimit -n, LimitNOFILE=) may be too "
			  "low, or lower --workers",
		    settings->workers);
}

void
announce_no_thread(const struct settings *settings, unsigned number)
{
	log_error("cannot start worker %u of %u; lower --workers, or raise the "
		  "limit of threads (ulimit -u, TasksMax=) or of memory "
		  "(ulimit -v)",
	    number, settings->workers);
}

/* What a line of the log has room for besides the time and the process. */
enum { NUMBERS_MAX = LOG_LINE_MAX - 64 };

/* Named numbers in a line of the log; when it is full, another is begun. */
struct numbers {
	char line[NUMBERS_MAX];
	size_t end;
};

static void
end_line(struct numbers *numbers)
{
	/* Cuts the blank behind the last number. */
	if (numbers->end > 0)
		numbers->line[numbers->end - 1] = '\0';
	log_info("%s", numbers->line);
	numbers->end = 0;
}

static void
add(struct numbers *numbers, const char *name, size_t value)
{
	/* Room for the name, the largest number and what is around them. */
	if (numbers->end + strlen(name) + sizeof "=18446744073709551615 " >
	    NUMBERS_MAX)
		end_line(numbers);
	numbers->end += (size_t)snprintf(numbers->line + numbers->end,
	    NUMBERS_MAX - numbers->end, "%s=%zu ", name, value);
}

void
announce_counters(
    const size_t totals[static NCOUNTERS], const struct load *load, bool all)
{
	struct numbers numbers = {.end = 0};
	if (all)
		add(&numbers, "open", load->sum);
	if (load->nworkers > 1 && all) {
		add(&numbers, "least", load->least);
		add(&numbers, "most", load->most);
	}
	for (int i = 0; i < NCOUNTERS; i++) {
		if (all || totals[i] > 0 || i == COUNTER_ACCEPTED)
			add(&numbers, counter_rows[i].name, totals[i]);
	}
	if (all || log_dropped() > 0)
		add(&numbers, "log-dropped", log_dropped());
	end_line(&numbers);
}

void
announce_worker(unsigned number, const struct worker_figures *figures)
{
	log_info("worker=%u connections=%zu turns=%zu longest-turn-ms=%zu "
		 "blocks-used=%zu blocks=%zu",
	    number, figures->connections, figures->turns, figures->longest_ms,
	    figures->held, figures->blocks);
}
