/* SPDX-License-Identifier: ISC */
/*
 * What an administrator can choose of the server.  An object of this type never
 * changes while it is in use: to change a setting, make another object and give
 * that to server_set.
 *
 * Times are in milliseconds, 0 for no limit; sizes are in bytes.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "net/prefix.h"
#include "upcase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most workers that can be asked for: more than most machines can run. */
#define SETTINGS_WORKERS_MAX 256

/* The most connections that can be asked for: their slots take 61 MiB. */
#define SETTINGS_CONNECTIONS_MAX 1000000

/* The least that memory_limit may leave for each worker, in bytes: 4 blocks. */
#define SETTINGS_MEMORY_MIN 65536

/* The longest busy_poll_us: more than a processor needs to wake up. */
#define SETTINGS_BUSY_POLL_MAX 10000

/* The most prefixes of each list. */
#define SETTINGS_PREFIXES_MAX 64

/* The most connections a second of one source: one each microsecond. */
#define SETTINGS_RATE_MAX 1000000

/*
 * What a buffer of the kernel can be asked to hold, in bytes.  With a receive
 * buffer of 8 KiB Linux drops the long packets of loopback, and streams stop
 * for seconds; the most is more than a path to another continent needs.
 */
#define SETTINGS_BUFFER_MIN 16384
#define SETTINGS_BUFFER_MAX (64 << 20)

struct settings {
	/* These hold from the start to the end of the server. */
	const char *backend;         /* as for poller_open */
	unsigned workers;            /* 1: all in the calling thread */
	size_t max_connections;      /* 0: what the descriptor limit allows */
	size_t memory_limit;         /* pending output; 0: by max_connections */
	char congestion[16];         /* control; empty: the system's own */
	bool log_connections;        /* a line at the end of each: record.h */
	unsigned source_prefix_ipv4; /* bits of an address that are a source */
	unsigned source_prefix_ipv6;
	/* Whose PROXY headers are believed, where a listener asks for them. */
	struct prefix proxies[SETTINGS_PREFIXES_MAX];
	size_t nproxies;

	/* These may be exchanged: see server_set. */
	enum upcase_invalid invalid;
	uint32_t idle_ms;          /* nothing received and nothing to send */
	uint32_t stall_ms;         /* the peer takes none of what is pending */
	uint32_t drain_ms;         /* from the start of a drain to its end */
	uint32_t linger_ms;        /* we have sent FIN, the peer has not */
	uint32_t greeting_ms;      /* from the start to the end of a header */
	uint32_t quiet_ms;         /* in a drain, instead of idle and linger */
	uint32_t busy_poll_us;     /* in microseconds, see loop_set_busy_poll */
	size_t send_buffer;        /* the kernel's, for each connection */
	size_t receive_buffer;     /* the same */
	int large_buffer;          /* for both, of the few that move bulk */
	size_t source_connections; /* of each; 0: a quarter of all */
	uint32_t source_rate; /* connections a second of each; 0: no limit */
	struct prefix source_exempt[SETTINGS_PREFIXES_MAX]; /* from both */
	size_t nsource_exempt;
	struct prefix allow[SETTINGS_PREFIXES_MAX]; /* who may connect */
	size_t nallow;                              /* 0: anybody */
};

/* True when something is kept of each connection: see record.h. */
static inline bool
settings_keep_records(const struct settings *settings)
{
	return settings->log_connections || settings->nproxies > 0;
}

/* What no option sets.  The rest is 0, and is to be set: workers at least. */
extern const struct settings settings_without_options;

/* How many connections a source may have, of so many in all. */
static inline size_t
settings_source_limit(const struct settings *settings, size_t nconns)
{
	if (settings->source_connections != 0)
		return settings->source_connections;
	return nconns < 8 ? 1 : nconns / 4;
}

#endif
