/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/reload.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "daemon/bind.h"
#include "daemon/store.h"
#include "daemon/supervision.h"

#include <unistd.h>

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

/* Nothing is changed any more when a drain was asked for: true. */
static bool
is_too_late(const struct reload *reload)
{
	if (server_is_serving(reload->server))
		return false;
	log_warnx("not reloaded: upcased is draining, and ends after that");
	return true;
}

/* Forgets first what was asked, so that a begin that fails is not repeated. */
static void
end(struct reload *reload) /* NOLINT(misc-no-recursion): it ends so. */
{
	bool is_asked = reload->is_asked;
	reload->is_asked = false;
	reload->is_busy = false;
	if (is_asked && !is_too_late(reload))
		begin(reload);
	else if (server_is_serving(reload->server))
		supervision_serve();
}

/* The value of an option, or what there is without one. */
static const char *
show(const struct option_row *row, const struct daemon_choice *choice,
    char text[static OPTION_TEXT_MAX])
{
	return option_print(row, &choice->options, 0, text) ? text
							    : row->otherwise;
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
		char place[DAEMON_PLACE_MAX];
		char old[OPTION_TEXT_MAX], new[OPTION_TEXT_MAX];
		log_errorx("%s%s cannot change from '%.64s' to '%.64s' in a "
			   "reload; restart upcased, or set it back",
		    daemon_place(to, to->lines[i], place), row->name,
		    show(row, from, old), show(row, to, new));
		may = false;
	}
	return may;
}

/* False when the file was read before and is gone, which may be an accident. */
static bool
is_still_there(const struct daemon_choice *from, const struct daemon_choice *to)
{
	if (!from->has_file || to->has_file)
		return true;
	log_errorx("%.128s: the file is gone; put it back, or restart upcased "
		   "without it",
	    from->options.config);
	return false;
}

/* Closes what stayed for a moment after an earlier reload, if that is over. */
static void
retire(struct errand *errand)
{
	struct reload *reload = OWNER_OF(errand, struct reload, closing);
	server_retire(reload->server);
}

static void
make_due(struct timer *timer)
{
	struct reload *reload = OWNER_OF(timer, struct reload, retirement);
	server_send_on(reload->server, &reload->closing);
}

void
reload_started(struct reload *reload)
{
	if (server_has_retired(reload->server))
		timer_arm(&reload->retirements, &reload->retirement,
		    loop_now(server_loop(reload->server)));
}

/* Whether all that was prepared came into force; if not, why was logged. */
static bool
exchange(struct reload *reload)
{
	const struct daemon_choice *before = reload_choice(reload);
	struct daemon_choice *choice = other(reload);
	if (!is_still_there(before, choice) || !may_change(before, choice) ||
	    bind_addresses(reload->server, &reload->resolved, true) != 0)
		return false;
	store_release();
	if (server_change(reload->server) == -1) {
		store_keep();
		log_error("cannot wait for clients at the new addresses; the "
			  "limits of memory or of watches "
			  "(fs.epoll.max_user_watches) may be too low");
		return false;
	}
	store_keep();
	reload_started(reload);
	server_set(reload->server, &choice->settings);
	log_set_level(choice->options.log_level);
	reload->in_force = 1 - reload->in_force;
	return true;
}

/* Takes back what the thread had, which is done. */
static void
join(struct reload *reload)
{
	sys_thread_join(reload->thread);
	reload->has_thread = false;
}

/* When the turn is over in which the thread was heard to be done. */
static void
finish(struct errand *errand)
{
	struct reload *reload = OWNER_OF(errand, struct reload, errand);
	join(reload);
	if (!is_too_late(reload)) {
		if (reload->status != 0 || !exchange(reload))
			log_errorx("not reloaded: the lines above say why; all "
				   "is served as before");
		else if (reload_choice(reload)->has_file)
			log_info("reloaded: the settings of the file are in "
				 "force");
		else
			log_info("reloaded: there is no configuration file");
	}
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
begin(struct reload *reload) /* NOLINT(misc-no-recursion): see end. */
{
	reload->is_busy = true;
	/* The workers may still use what is to be overwritten. */
	if (!server_follows(reload->server)) {
		timer_arm(&reload->waits, &reload->wait,
		    loop_now(server_loop(reload->server)));
		return;
	}
	atomic_store(&reload->is_done, false);
	if (sys_thread_start(&reload->thread, prepare, reload) == 0) {
		reload->has_thread = true;
		return;
	}
	log_error("not reloaded: cannot start a thread for it; raise the limit "
		  "of threads (ulimit -u, TasksMax=) or of memory (ulimit -v)");
	end(reload);
}

static void
stop_waiting(struct timer *timer)
{
	struct reload *reload = OWNER_OF(timer, struct reload, wait);
	if (is_too_late(reload))
		reload->is_busy = false;
	else
		begin(reload);
}

int
reload_open(struct reload *reload, struct server *server,
    const struct daemon_arguments *arguments)
{
	struct loop *loop = server_loop(server);
	reload->arguments = arguments;
	reload->server = server;
	errand_init(&reload->errand, finish);
	errand_init(&reload->closing, retire);
	timer_queue_init(
	    &reload->waits, loop_timers(loop), WAIT_MS, stop_waiting);
	timer_init(&reload->wait);
	timer_queue_init(&reload->retirements, loop_timers(loop),
	    LISTENING_RETIRE_MS, make_due);
	timer_init(&reload->retirement);
	return bell_open(&reload->bell, loop, hear);
}

void
reload_warn(const struct daemon_choice *choice)
{
	if (!choice->has_file || access(choice->options.config, R_OK) == 0)
		return;
	log_warn("%.128s was read at the start, but this account may not: a "
		 "reload will be refused; let it read the file",
	    choice->options.config);
}

void
reload_ask(struct reload *reload)
{
	if (is_too_late(reload))
		return;
	if (reload->is_busy) {
		reload->is_asked = true;
		return;
	}
	supervision_reload();
	begin(reload);
}

void
reload_close(struct reload *reload)
{
	timer_disarm(&reload->wait);
	timer_disarm(&reload->retirement);
	/*
	 * A thread that waits for a name server ends with the process, and may
	 * still ring until then.
	 */
	if (reload->has_thread && !atomic_load(&reload->is_done))
		return;
	if (reload->has_thread) {
		join(reload);
		resolved_free(&reload->resolved);
	}
	bell_close(&reload->bell, server_loop(reload->server));
}
