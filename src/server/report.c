/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "report.h"

#include "address.h"
#include "buffers.h"
#include "sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void
report_start(const struct server_settings *settings,
    const struct limits *limits, const char *backend)
{
	log_info("serving with %s, %u worker%s, at most %zu connection%s",
	    backend, settings->workers, settings->workers == 1 ? "" : "s",
	    limits->connections, limits->connections == 1 ? "" : "s");
	/* Linux doubles what it is asked for, and others take it as it is. */
	size_t small = 2 * ((size_t)settings->send_buffer +
			       (size_t)settings->receive_buffer);
	size_t large = 4 * (size_t)settings->large_buffer;
	log_info("buffers: at most %" PRIu64
		 " KiB of ours, and about %zu KiB of the kernel's for each "
		 "connection, %zu KiB for %zu of them",
	    limits->memory / 1024, small / 1024, large / 1024,
	    buffers_large(settings) * settings->workers);
	if (settings->stall_ms != 0 && sys_has_user_timeout())
		log_info("the kernel holds its part of a closed connection "
			 "for at most %" PRIu32 " ms",
		    settings->stall_ms + SERVER_STALL_MARGIN_MS);
}

void
report_lack(const struct server_settings *settings, const struct limits *limits,
    size_t descriptors)
{
	if (errno == EINVAL)
		log_errorx("a memory limit of %zu bytes is less than %d for "
			   "each of %u workers; raise --memory-limit or lower "
			   "--workers",
		    settings->memory_limit, SERVER_MEMORY_MIN,
		    settings->workers);
	else if (settings->max_connections == 0)
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
report_counters(const size_t totals[static NCOUNTERS], const struct load *load,
    bool several)
{
	char line[LOG_LINE_MAX];
	int end = snprintf(line, sizeof line, "open=%zu", load->sum);
	if (several)
		end += snprintf(line + end, sizeof line - (size_t)end,
		    " least=%zu most=%zu", load->least, load->most);
	for (int i = 0; i < NCOUNTERS; i++)
		end += snprintf(line + end, sizeof line - (size_t)end,
		    " %s=%zu", counter_name((enum counter)i), totals[i]);
	log_info("%s log-dropped=%lu", line, log_dropped());
}

/* The peer's address in words. */
static const char *
describe_peer(int fd, char text[static ADDRESS_TEXT_MAX])
{
	struct sockaddr_storage peer;
	/* After a reset the system no longer knows. */
	if (sys_getpeername(fd, &peer) == -1)
		return "a peer that is gone";
	return address_format((struct sockaddr *)&peer, text);
}

void
report_eviction(struct log_limit *limit, uint64_t now, int fd)
{
	char note[LOG_NOTE_MAX];
	if (!log_limit_pass(limit, now, note))
		return;
	char peer[ADDRESS_TEXT_MAX];
	log_warnx("reset %s, which did not read its answers: the memory for "
		  "pending output is full%s",
	    describe_peer(fd, peer), note);
}

void
report_refusal(struct log_limit *limit, uint64_t now, int fd)
{
	char note[LOG_NOTE_MAX];
	if (!log_limit_pass(limit, now, note))
		return;
	char peer[ADDRESS_TEXT_MAX];
	log_info("ended %s, which sent bytes that are not UTF-8%s",
	    describe_peer(fd, peer), note);
}
