/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/report.h"

#include "base/sys.h"
#include "net/address.h"
#include "server/buffers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * What a client can make the kernel hold before it is accepted: the first
 * window that Linux opens to it, and the socket.
 */
enum { QUEUED_KIB = 90 };

void
report_start(const struct server_settings *settings,
    const struct limits *limits, const struct buffers_held *held,
    uint32_t held_ms, const char *backend)
{
	log_info("serving with %s, %u worker%s, at most %zu connection%s",
	    backend, settings->workers, settings->workers == 1 ? "" : "s",
	    limits->connections, limits->connections == 1 ? "" : "s");
	log_info("buffers: at most %" PRIu64
		 " KiB of ours, and about %zu KiB of the kernel's for each "
		 "connection, %zu KiB for %zu of them",
	    limits->memory / 1024, held->small / 1024, held->large / 1024,
	    buffers_large(settings) * settings->workers);
	log_info("queues: at most %zu clients wait at each address, with up to "
		 "about %d KiB of the kernel's each",
	    limits->backlog, QUEUED_KIB);
	if (held_ms != 0)
		log_info("the kernel holds its part of a closed connection, an "
			 "answer of at most 1 KiB, for at most %" PRIu32 " ms",
		    held_ms);
}

void
report_lack(const struct server_settings *settings, const struct limits *limits,
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
report_no_workers(
    const struct server_settings *settings, const struct limits *limits)
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
report_no_thread(const struct server_settings *settings, unsigned number)
{
	log_error("cannot start worker %u of %u; lower --workers, or raise the "
		  "limit of threads (ulimit -u, TasksMax=) or of memory "
		  "(ulimit -v)",
	    number, settings->workers);
}

/* Appends a number behind the end of a line, or what there is room for. */
static size_t
append(char line[static LOG_LINE_MAX], size_t end, const char *name, size_t n)
{
	if (end < LOG_LINE_MAX)
		end += (size_t)snprintf(
		    line + end, LOG_LINE_MAX - end, "%s=%zu ", name, n);
	return end;
}

void
report_counters(const size_t totals[static NCOUNTERS], const struct load *load,
    bool several, bool all)
{
	char line[LOG_LINE_MAX];
	size_t end = 0;
	line[0] = '\0';
	if (all)
		end = append(line, 0, "open", load->sum);
	if (several && all) {
		end = append(line, end, "least", load->least);
		end = append(line, end, "most", load->most);
	}
	for (int i = 0; i < NCOUNTERS; i++) {
		if (all || totals[i] > 0 || i == COUNTER_ACCEPTED)
			end = append(line, end, counter_name((enum counter)i),
			    totals[i]);
	}
	if (all || log_dropped() > 0)
		end = append(line, end, "log-dropped", log_dropped());
	/* Without the blank behind the last one. */
	if (end > 0 && end <= LOG_LINE_MAX)
		line[end - 1] = '\0';
	log_info("%s", line);
}

/* The peer's address in words. */
static void
describe_peer(int fd, char text[static ADDRESS_TEXT_MAX])
{
	struct sockaddr_storage peer;
	if (sys_getpeername(fd, &peer) == 0)
		address_format((struct sockaddr *)&peer, text);
	else
		/* After a reset the system no longer knows. */
		(void)snprintf(text, ADDRESS_TEXT_MAX, "a peer that is gone");
}

/* What is said of a connection that we end; NULL: nothing. */
static const struct sentence {
	const char *verb, *reason;
	bool is_warning;
} sentences[NCOUNTERS] = {
    [COUNTER_IDLE] = {"ended", "sent nothing for as long as --idle-timeout",
	false},
    [COUNTER_QUIET] = {"ended", "was quiet while the server drained", false},
    [COUNTER_REFUSED] = {"ended", "sent bytes that are not UTF-8", false},
    [COUNTER_STALLED] = {"reset",
	"took nothing of its answer for as long as --stall-timeout", false},
    [COUNTER_EVICTED] = {"reset",
	"did not read its answers: the memory for pending output is full",
	true},
    [COUNTER_CUT] = {"reset", "had not ended when the drain did", false},
};

void
report_end(struct log_limit *limit, uint64_t now, int fd, enum counter cause)
{
	const struct sentence *sentence = &sentences[cause];
	char note[LOG_NOTE_MAX], peer[ADDRESS_TEXT_MAX];
	if (sentence->verb == NULL || !log_limit_pass(limit, now, note))
		return;
	describe_peer(fd, peer);
	if (sentence->is_warning)
		log_warnx("%s %s, which %s%s", sentence->verb, peer,
		    sentence->reason, note);
	else
		log_info("%s %s, which %s%s", sentence->verb, peer,
		    sentence->reason, note);
}
