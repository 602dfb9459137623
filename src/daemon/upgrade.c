/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/upgrade.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/printable.h"
#include "base/sys.h"
#include "daemon/handing.h"
#include "daemon/heir.h"
#include "daemon/orphans.h"
#include "daemon/sandbox.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/* How long a rehearsal may take, and when to look again for its end. */
	REHEARSAL_MS = 10000,
	LOOK_MS = 10,
	/* How long a service manager may take to read what was sent to it. */
	ANSWER_MS = 2000,
	/* The descriptors of the child: the file, and the end of a pipe. */
	CHILD_FILE = 3,
	CHILD_PIPE = 4
};

/* What becomes of what is served. */
static const char *
outcome(const struct upgrade *upgrade)
{
	return upgrade->leaves ? "all is drained" : "all is served as before";
}

static void
refuse(const struct upgrade *upgrade, const char *why)
{
	log_errorx("no hand-over: %s; %s", why, outcome(upgrade));
}

static void
refuse_errno(const struct upgrade *upgrade, const char *what)
{
	log_error("no hand-over: %s; %s", what, outcome(upgrade));
}

/*
 * The child gets no other descriptors.  A signal that asks for an end, and that
 * comes to it as well, as from a terminal, is for this process: it waits until
 * the child ignores it.
 */
static int
spawn(struct upgrade *upgrade, int file, int pipe)
{
	const struct start *start = upgrade->start;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t ends, all;
	char more[] = HEIR_VARIABLE "=rehearse:3";
	char **environment = start_environment(start, more, false);
	if (environment == NULL)
		return ENOMEM;
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGQUIT);
	(void)sigfillset(&all);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attributes, &ends);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	int error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		(void)posix_spawn_file_actions_adddup2(
		    &actions, file, CHILD_FILE);
		(void)posix_spawn_file_actions_adddup2(
		    &actions, pipe, CHILD_PIPE);
		error = posix_spawn(&upgrade->child, start->program, &actions,
		    &attributes, start->arguments, environment);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)posix_spawnattr_destroy(&attributes);
	free(environment);
	if (error != 0)
		upgrade->child = 0;
	return error;
}

/* Others that it was in front of can be reaped from now on. */
static void
free_child(struct upgrade *upgrade)
{
	upgrade->child = 0;
	orphans_reap(0);
}

static void
kill_child(struct upgrade *upgrade)
{
	(void)kill(upgrade->child, SIGKILL);
	(void)waitpid(upgrade->child, NULL, 0);
	free_child(upgrade);
}

/* A duplicate above what the child has, or -1; the original is closed. */
static int
move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_PIPE + 1);
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return moved;
}

static int
watch_child(struct upgrade *upgrade, int fd)
{
	struct loop *loop = server_loop(upgrade->server);
	watch_init(&upgrade->watch, fd, upgrade->watch.ready);
	if (loop_watch(loop, &upgrade->watch, POLLER_INPUT) == -1) {
		upgrade->watch.fd = -1;
		return -1;
	}
	upgrade->is_late = false;
	timer_arm(&upgrade->deadlines, &upgrade->deadline, loop_now(loop));
	return 0;
}

/* Executes the program with the file, and waits for its end. */
static void
rehearse(struct upgrade *upgrade, int file, const int ends[2])
{
	int error = spawn(upgrade, file, ends[1]);
	if (error != 0) {
		char shown[PRINTABLE_MAX];
		errno = error;
		log_error("no hand-over: cannot execute %s; %s",
		    printable(upgrade->start->program, shown),
		    outcome(upgrade));
		sandbox_explain(upgrade->start->program);
		return;
	}
	if (watch_child(upgrade, ends[0]) == 0)
		return;
	refuse_errno(upgrade, "cannot wait for a rehearsal");
	kill_child(upgrade);
}

static void
begin(struct upgrade *upgrade)
{
	int ends[2] = {-1, -1};
	int file = handing_sketch(upgrade->server);
	if (file == -1 || (file = move_up(file)) == -1 ||
	    sys_pipe(ends) == -1 || (ends[1] = move_up(ends[1])) == -1)
		refuse_errno(upgrade, "cannot prepare a rehearsal");
	else
		rehearse(upgrade, file, ends);
	/* If it is watched, it stays open until then. */
	if (ends[0] != upgrade->watch.fd && ends[0] != -1)
		(void)close(ends[0]);
	if (ends[1] != -1)
		(void)close(ends[1]);
	if (file != -1)
		(void)close(file);
}

static bool
is_busy(const struct upgrade *upgrade)
{
	return upgrade->watch.fd != -1 || upgrade->answer.fd != -1;
}

static void
refuse_second(void)
{
	log_errorx("no second hand-over: one is being rehearsed already");
}

static void
ask(struct upgrade *upgrade)
{
	if (upgrade->start->program == NULL)
		refuse(upgrade, "how the program was started is not known");
	else
		begin(upgrade);
}

void
upgrade_ask(struct upgrade *upgrade)
{
	if (!server_is_serving(upgrade->server))
		refuse(upgrade, "upcased is about to end");
	else if (is_busy(upgrade))
		refuse_second();
	else
		ask(upgrade);
}

static void
look_again(struct upgrade *upgrade)
{
	server_send_on(upgrade->server, &upgrade->errand);
}

static void
hear(struct watch *watch)
{
	struct upgrade *upgrade = OWNER_OF(watch, struct upgrade, watch);
	(void)loop_watch(server_loop(upgrade->server), watch, POLLER_NOTHING);
	look_again(upgrade);
}

static void
look_later(struct timer *timer)
{
	look_again(OWNER_OF(timer, struct upgrade, look));
}

static void
give_up(struct timer *timer)
{
	struct upgrade *upgrade = OWNER_OF(timer, struct upgrade, deadline);
	upgrade->is_late = true;
	(void)kill(upgrade->child, SIGKILL);
}

/* Why a rehearsal failed; it has said more itself. */
static void
explain(const struct upgrade *upgrade, int status)
{
	char why[80];
	if (upgrade->is_late)
		(void)snprintf(why, sizeof why,
		    "the rehearsal took longer than %d s", REHEARSAL_MS / 1000);
	else if (WIFSIGNALED(status))
		(void)snprintf(why, sizeof why,
		    "the rehearsal was ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(why, sizeof why,
		    "the rehearsal ended with status %d", WEXITSTATUS(status));
	refuse(upgrade, why);
}

static void
end_rehearsal(struct upgrade *upgrade)
{
	loop_unwatch(server_loop(upgrade->server), &upgrade->watch);
	(void)close(upgrade->watch.fd);
	upgrade->watch.fd = -1;
	timer_disarm(&upgrade->deadline);
	timer_disarm(&upgrade->look);
}

static void
end_child(struct upgrade *upgrade)
{
	if (upgrade->watch.fd == -1)
		return;
	kill_child(upgrade);
	end_rehearsal(upgrade);
}

static void
forget_answer(struct upgrade *upgrade)
{
	timer_disarm(&upgrade->impatience);
	if (upgrade->answer.fd == -1)
		return;
	loop_unwatch(server_loop(upgrade->server), &upgrade->answer);
	(void)close(upgrade->answer.fd);
	upgrade->answer.fd = -1;
}

/* The end of a hand-over to the service manager that was refused. */
static void
stay(struct upgrade *upgrade)
{
	if (!upgrade->leaves)
		return;
	forget_answer(upgrade);
	handing_withdraw();
	upgrade->leaves = false;
	/* To drain once more would cut what is left. */
	if (server_is_serving(upgrade->server))
		upgrade->drain(upgrade->arg);
}

/* After the rehearsal, during which it may have come. */
static void
await_answer(struct upgrade *upgrade)
{
	struct loop *loop = server_loop(upgrade->server);
	if (loop_watch(loop, &upgrade->answer, POLLER_INPUT) == -1) {
		refuse_errno(upgrade, "cannot wait for the service manager");
		stay(upgrade);
		return;
	}
	timer_arm(&upgrade->patience, &upgrade->impatience, loop_now(loop));
}

static void
hear_answer(struct watch *watch)
{
	struct upgrade *upgrade = OWNER_OF(watch, struct upgrade, answer);
	(void)loop_watch(server_loop(upgrade->server), watch, POLLER_NOTHING);
	server_send_on(upgrade->server, &upgrade->delivery);
}

static void
lose_patience(struct timer *timer)
{
	struct upgrade *upgrade = OWNER_OF(timer, struct upgrade, impatience);
	server_send_on(upgrade->server, &upgrade->delivery);
}

/* When the service manager has read all, or has not in time. */
static void
deliver(struct errand *errand)
{
	struct upgrade *upgrade = OWNER_OF(errand, struct upgrade, delivery);
	const char *why = "upcased is about to end";
	bool is_answered = timer_is_armed(&upgrade->impatience);
	if (server_is_serving(upgrade->server))
		why = is_answered ? handing_store(upgrade->server)
				  : "the service manager does not answer";
	if (why == NULL) {
		upgrade->leaves = false;
		forget_answer(upgrade);
		return;
	}
	refuse(upgrade, why);
	stay(upgrade);
}

void
upgrade_ask_leave(struct upgrade *upgrade)
{
	const char *why;
	if (!server_is_serving(upgrade->server)) {
		upgrade->drain(upgrade->arg);
		return;
	}
	if (upgrade->leaves) {
		refuse_second();
		return;
	}
	upgrade->leaves = true;
	/* One in place may have begun with a program that was replaced since.
	 */
	end_child(upgrade);
	ask(upgrade);
	if (upgrade->watch.fd != -1) {
		upgrade->answer.fd = handing_offer(&why);
		if (upgrade->answer.fd != -1)
			return;
		refuse(upgrade, why);
		end_child(upgrade);
	}
	stay(upgrade);
}

/* When its end of the pipe was closed, and the turn is over. */
static void
follow(struct errand *errand)
{
	struct upgrade *upgrade = OWNER_OF(errand, struct upgrade, errand);
	int status = -1;
	/* It was ended in the turn in which it was heard. */
	if (upgrade->watch.fd == -1)
		return;
	pid_t ended = waitpid(upgrade->child, &status, WNOHANG);
	if (ended == 0) {
		/* A program may close what it does not know. */
		timer_arm(&upgrade->looks, &upgrade->look,
		    loop_now(server_loop(upgrade->server)));
		return;
	}
	free_child(upgrade);
	end_rehearsal(upgrade);
	if (ended == -1 || status != 0 || upgrade->is_late)
		explain(upgrade, status);
	else if (!server_is_serving(upgrade->server))
		refuse(upgrade, "upcased is about to end");
	else if (upgrade->leaves) {
		await_answer(upgrade);
		return;
	} else {
		handing_execute(upgrade->server, upgrade->start);
	}
	stay(upgrade);
}

void
upgrade_init(struct upgrade *upgrade, struct server *server,
    const struct start *start, void (*drain)(void *arg), void *arg)
{
	struct timers *timers = loop_timers(server_loop(server));
	*upgrade = (struct upgrade){
	    .server = server, .start = start, .drain = drain, .arg = arg};
	watch_init(&upgrade->answer, -1, hear_answer);
	timer_queue_init(&upgrade->patience, timers, ANSWER_MS, lose_patience);
	timer_init(&upgrade->impatience);
	errand_init(&upgrade->delivery, deliver);
	watch_init(&upgrade->watch, -1, hear);
	timer_queue_init(&upgrade->deadlines, timers, REHEARSAL_MS, give_up);
	timer_queue_init(&upgrade->looks, timers, LOOK_MS, look_later);
	timer_init(&upgrade->deadline);
	timer_init(&upgrade->look);
	errand_init(&upgrade->errand, follow);
}

void
upgrade_reap(struct upgrade *upgrade)
{
	orphans_reap(upgrade->child);
}

void
upgrade_close(struct upgrade *upgrade)
{
	end_child(upgrade);
	if (!upgrade->leaves)
		return;
	forget_answer(upgrade);
	handing_withdraw();
}
