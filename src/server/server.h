/* SPDX-License-Identifier: ISC */
/*
 * The server: listeners, connections and workers, from the first bind to the
 * end of the drain.  The daemon opens it, hands it addresses, runs it, and
 * tells it what signals mean.
 */
#ifndef SERVER_H
#define SERVER_H

#include "reactor/loop.h"
#include "server/counters.h"
#include "upcase.h"

#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

/* The most workers: more than the processors of any machine we know. */
#define SERVER_WORKERS_MAX 256

/* The most connections that can be asked for. */
#define SERVER_CONNECTIONS_MAX 1000000

/* The least that memory_limit may leave for each worker, in bytes. */
#define SERVER_MEMORY_MIN 65536

/* The longest busy_poll_us: deadlines may be so much late. */
#define SERVER_BUSY_POLL_MAX 10000

/* How much later than stall_ms the kernel gives a connection up, in ms. */
#define SERVER_STALL_MARGIN_MS 1000

/* Times are in milliseconds, 0 for no limit; sizes are in bytes. */
struct server_settings {
	const char *backend; /* as for poller_open */
	unsigned workers;    /* 1: all in the calling thread */
	enum upcase_invalid invalid;
	size_t max_connections; /* 0: what the descriptor limit allows */
	uint32_t idle_ms;       /* nothing received and nothing to send */
	uint32_t stall_ms;      /* the peer takes none of what is pending */
	uint32_t drain_ms;      /* from the start of a drain to its end */
	uint32_t linger_ms;     /* we have sent FIN, the peer has not */
	uint32_t quiet_ms;      /* in a drain, instead of idle and linger */
	size_t memory_limit;    /* pending output; 0: by max_connections */
	int send_buffer;        /* the kernel's, for each connection */
	int receive_buffer;     /* the same */
	int large_buffer;       /* instead of both, for a few in bulk */
	char congestion[16];    /* control of; empty: the system's choice */
	uint32_t busy_poll_us;  /* in microseconds, see loop_set_busy_poll */
};

/* What no option sets; the rest is 0. */
extern const struct server_settings server_defaults;

struct server;

/*
 * Opens a server without listeners.  The settings must outlive it.  Returns
 * NULL with errno; EINVAL is an unknown back end.
 */
struct server *server_open(const struct server_settings *);
void server_close(struct server *);

/*
 * Whether the system has the congestion control of that name, and for us: -1
 * with the errno of sys_set_congestion otherwise.
 */
int server_check_congestion(const char *name);

/*
 * Binds one more address and listens on it; nothing is accepted before
 * server_start.  -1 with the errno of socket, setsockopt, bind or listen.
 */
int server_bind(struct server *, const struct sockaddr *, socklen_t);

/*
 * Takes all that serving needs: computes the limits, takes the memory, starts
 * the workers, which are threads of their own when there are several and take
 * no signals, and logs what was decided and where it listens.  To be called
 * once, after the last bind and after privileges were dropped.  Failures are
 * logged: -1.
 */
int server_start(struct server *);

/* Serves until a drain is complete. */
void server_run(struct server *);

/*
 * Starts a drain: no new connections; those that exist are served until their
 * client ends them, or they are quiet, or drain_ms is over.  A second call
 * ends what is left at once.  To be called from the server's loop.
 */
void server_drain(struct server *);

/* Stores what all threads have counted so far. */
void server_count(const struct server *, size_t totals[static NCOUNTERS]);

/* Logs all the counters. */
void server_report(struct server *);

/* The loop of the calling thread, for signals. */
struct loop *server_loop(struct server *);

#endif
