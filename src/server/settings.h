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

struct settings {
	/* These hold from the start to the end of the server. */
	const char *backend;    /* as for poller_open */
	unsigned workers;       /* 1: all in the calling thread */
	size_t max_connections; /* 0: what the descriptor limit allows */
	size_t memory_limit;    /* pending output; 0: by max_connections */
	char congestion[16];    /* control; empty: the system's own */
	bool log_connections;   /* a line at the end of each: record.h */
	/* The host of the metrics, which may be empty; NULL: there are none. */
	const char *metrics_host;

	/* These may be exchanged: see server_set. */
	enum upcase_invalid invalid;
	uint32_t idle_ms;      /* nothing received and nothing to send */
	uint32_t stall_ms;     /* the peer takes none of what is pending */
	uint32_t drain_ms;     /* from the start of a drain to its end */
	uint32_t linger_ms;    /* we have sent FIN, the peer has not */
	uint32_t quiet_ms;     /* in a drain, instead of idle and linger */
	uint32_t busy_poll_us; /* in microseconds, see loop_set_busy_poll */
	int send_buffer;       /* the kernel's, for each connection */
	int receive_buffer;    /* the same */
	int large_buffer;      /* for both, of the few that move bulk */
};

/* What no option sets.  The rest is 0, and is to be set: workers at least. */
extern const struct settings settings_without_options;

#endif
