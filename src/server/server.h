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
#include "server/errand.h"
#include "server/listening.h"
#include "server/service.h"
#include "server/settings.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

struct server;

/*
 * Opens a server without listeners.  The settings must outlive it.  Returns
 * NULL with errno; EINVAL is an unknown back end.
 */
struct server *server_open(const struct settings *);
void server_close(struct server *);

/*
 * Binds addresses and listens on them, as listening_prepare: nothing is
 * accepted before server_start.  While it serves, server_change then makes the
 * change; both are for an errand, the same one, and not for a drain.  More
 * listeners leave descriptors for fewer connections, where the settings do not
 * ask for a number; else EMFILE.
 */
int server_bind(
    struct server *, const struct listen_address *, size_t n, size_t *refused);
int server_change(struct server *);

/* The same for the addresses of the metrics, before the start only. */
int server_bind_metrics(
    struct server *, const struct listen_address *, size_t n, size_t *refused);

/*
 * After a change, true while sockets have stayed for who has begun to connect,
 * as listening.h says; the second closes them, also for an errand.
 */
bool server_has_retired(const struct server *);
void server_retire(struct server *);

/*
 * Has the errand run, once, when the present turn of the loop is over: then
 * what belongs to the loop may be closed.  To be called from the loop.
 */
void server_send_on(struct server *, struct errand *);

/* Makes an account the owner of all listeners: see listening_give. */
void server_give(struct server *, uid_t account);

/* False when a drain was asked for. */
bool server_is_serving(const struct server *);

/*
 * The same with a socket that listens already and was passed to this process.
 * It belongs to the server from then on.  -1 with the errno of fcntl or
 * setsockopt.
 */
int server_adopt(struct server *, const struct listen_address *, int fd);

/*
 * The same with a socket of ours that a service manager has held since, and
 * still holds: it ends with its address.
 */
int server_adopt_held(struct server *, const struct listen_address *, int fd);

/* As listening_find and listening_each. */
struct listener *server_find_listener(
    struct server *, const struct transport *, const struct sockaddr *);
void server_each_listener(
    struct server *, void (*see)(struct listener *, void *arg), void *arg);

/* True when there are such sockets, here or from the last process. */
bool server_has_passed(const struct server *);

/*
 * Exchanges the settings, as far as settings.h says that they may be: the
 * others must be the same.  New connections have them all.  Open ones follow
 * them, but keep the policy that they began with, the kernel's own timeouts and
 * probes, and their buffers until the next change of size.  A deadline whose
 * time changes, that of a drain included, is met so much earlier or later; if
 * it was or will be none, it counts anew.
 *
 * The new object must live until the next one is followed, or the server is
 * closed.  The old one is in use until server_follows is true; only then may it
 * go, and may settings be exchanged again.
 */
void server_set(struct server *, const struct settings *);

/* True when all workers follow the settings that were set last. */
bool server_follows(const struct server *);

/*
 * Makes all ready to serve: computes the limits, takes the memory, starts the
 * workers, and logs what was decided and where it listens.  Several workers
 * have a thread each, with all signals blocked.  To be called once, after the
 * last bind and after privileges were dropped.  A failure is logged: -1.
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

/* Stores the sums of what all threads have counted so far. */
void server_count(const struct server *, size_t totals[static NCOUNTERS]);

/* How many connections there are. */
size_t server_count_open(struct server *);

/*
 * For a watchdog: returns how many workers have not turned since the last call,
 * 0 at the first one, and makes all of them turn once more.  To be called from
 * the server's loop, the turns of which speak for themselves.
 */
unsigned server_probe(struct server *);

/*
 * Calls active once, in the server's loop, when it or one of its workers next
 * has something to do.  See loop_on_activity.
 */
void server_on_activity(struct server *, void (*active)(void *arg), void *arg);

/* Logs all the counters, and a line for each worker. */
void server_report(struct server *);

/* The loop of the calling thread, for signals. */
struct loop *server_loop(struct server *);

#endif
