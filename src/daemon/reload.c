/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/reload.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/printable.h"
#include "base/sys.h"
#include "daemon/bind.h"

#include <stdio.h>

/* How long to wait for workers that do not follow the last reload yet, in ms.
 */
enum { WAIT_MS = 100 };

static void begin(struct reload *);

/* The choice that is being made. */
static struct daemon_choice *
other(struct reload *reload)
{
	return &reload->choices[1 - reload->in_force];
}

static void *
prepare(void *arg)
{
	struct reload *reload = arg;
	reload->resolved.n = 0;
	reload->status = daemon_choose(other(reload), reload->arguments);
	if (reload->status == 0)
		reload->status =
		    resolve_addresses(&reload->resolved, other(reload));
	atomic_store(&reload->is_done, true);
	bell_ring(&reload->bell);
	return NULL;
}

static void
end(struct reload *reload)
{
	reload->is_busy = false;
	if (!reload->is_asked)
		return;
	reload->is_asked = false;
	begin(reload);
}

static void
refuse(const char *why)
{
	log_errorx("not reloaded: %s; all is served as before", why);
}

/* False, and says which, when something else changed than a reload may. */
static bool
may_change(const struct daemon_choice *from, const struct daemon_choice *to)
{
	bool may = true;
	for (size_t i = 0; daemon_rows[i].name != NULL; i++) {
		const struct option_row *row = &daemon_rows[i];
		if (row->reloadable || row->is_argument ||
		    option_is_same(row, &from->options, &to->options))
			continue;
		char place[PRINTABLE_MAX + 16] = "", shown[PRINTABLE_MAX];
		if (to->lines[i] != 0)
			(void)snprintf(place, sizeof place,
			    "%s:%u: ", printable(to->options.config, shown),
			    to->lines[i]);
		log_errorx("%s%s cannot change in a reload; restart upcased, "
			   "or set it back",
		    place, row->name);
		may = false;
	}
	return may;
}

/* Whether all that was prepared came into force; if not, why was logged. */
static bool
exchange(struct reload *reload)
{
	struct daemon_choice *choice = other(reload);
	if (!may_change(reload_choice(reload), choice) ||
	    bind_addresses(reload->server, &reload->resolved) != 0)
		return false;
	if (server_change(reload->server) == -1) {
		log_error("cannot wait for clients at the new addresses");
		return false;
	}
	server_set(reload->server, &choice->settings);
	log_set_level(choice->options.log_level);
	reload->in_force = 1 - reload->in_force;
	return true;
}

/* When the turn is over in which the thread was heard to be done. */
static void
finish(struct errand *errand)
{
	struct reload *reload = OWNER_OF(errand, struct reload, errand);
	sys_thread_join(reload->thread);
	if (!server_is_serving(reload->server))
		refuse("upcased is about to end");
	else if (reload->status != 0 || !exchange(reload))
		refuse("see above");
	else if (reload_choice(reload)->has_file)
		log_info("reloaded: the settings of the file are in force");
	else
		log_info("reloaded: there is no configuration file");
	resolved_free(&reload->resolved);
	end(reload);
}

static void
hear(struct bell *bell)
{
	struct reload *reload = OWNER_OF(bell, struct reload, bell);
	if (atomic_load(&reload->is_done))
		server_send_on(reload->server, &reload->errand);
}

static void
begin(struct reload *reload)
{
	reload->is_busy = true;
	/* The workers may still use what is to be overwritten. */
	if (!server_follows(reload->server)) {
		timer_arm(&reload->waits, &reload->wait,
		    loop_now(server_loop(reload->server)));
		return;
	}
	atomic_store(&reload->is_done, false);
	if (sys_thread_start(&reload->thread, prepare, reload) == 0)
		return;
	log_error("not reloaded: cannot start a thread for it; raise the limit "
		  "of threads (ulimit -u, TasksMax=) or of memory (ulimit -v)");
	end(reload);
}

static void
stop_waiting(struct timer *timer)
{
	begin(OWNER_OF(timer, struct reload, wait));
}

int
reload_open(struct reload *reload, struct server *server,
    const struct daemon_arguments *arguments)
{
	struct loop *loop = server_loop(server);
	reload->arguments = arguments;
	reload->server = server;
	errand_init(&reload->errand, finish);
	timer_queue_init(
	    &reload->waits, loop_timers(loop), WAIT_MS, stop_waiting);
	timer_init(&reload->wait);
	return bell_open(&reload->bell, loop, hear);
}

void
reload_ask(struct reload *reload)
{
	if (reload->is_busy)
		reload->is_asked = true;
	else
		begin(reload);
}

void
reload_close(struct reload *reload)
{
	timer_disarm(&reload->wait);
	/* A thread that waits for a name server ends with the process. */
	if (!reload->is_busy || atomic_load(&reload->is_done))
		bell_close(&reload->bell, server_loop(reload->server));
}
