/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/supervision.h"

#include "base/log.h"
#include "base/log_latest.h"
#include "base/sys.h"
#include "config/values.h"
#include "daemon/notify.h"
#include "daemon/status_text.h"
#include "reactor/timer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A watchdog is fed three times in its time.  So a turn may take two thirds of
 * it before the service counts as hanging.
 */
enum { FEEDS = 3 };

/* Room for a message, its end included. */
enum { MESSAGE_MAX = STATUS_TEXT_MAX + 128 };

enum state { SERVING, RELOADING, DRAINING };

static const char *const does[] = {
    [SERVING] = "serving",
    [RELOADING] = "reloading, with",
    [DRAINING] = "draining",
};

static struct {
	struct server *server; /* NULL: nothing is to be told */
	enum state state;
	int64_t feed_ms;         /* 0: there is no watchdog */
	bool is_fed_with_status; /* the next feed looks at the status too */

	struct status before; /* for the rates */
	char problem[LOG_LATEST_MAX];
	char told[STATUS_TEXT_MAX]; /* the last status */

	struct timer_queue statuses, feeds, retries;
	struct timer status, feed, retry;
} self;

int64_t
supervision_feed_ms(const char *usec, const char *pid, long process)
{
	uint64_t value;
	if (usec == NULL)
		return 0;
	if (pid != NULL && (value_parse(&value_number, pid, &value) == -1 ||
			       value != (uint64_t)process))
		return 0;
	if (value_parse(&value_number, usec, &value) == -1 || value == 0)
		return -1;
	uint64_t ms = value / 1000 / FEEDS;
	/* A queue of timers takes 0 for never. */
	return ms == 0 ? 1 : (int64_t)(ms < VALUE_WEEK ? ms : VALUE_WEEK);
}

static void
read_watchdog(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads yet. */
	const char *usec = getenv("WATCHDOG_USEC");
	self.feed_ms =
	    supervision_feed_ms(usec, getenv("WATCHDOG_PID"), getpid());
	if (self.feed_ms == -1) {
		log_warnx("WATCHDOG_USEC: '%.40s' is not a number of "
			  "microseconds; no watchdog is fed",
		    usec);
		self.feed_ms = 0;
	}
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	/* NOLINTEND(concurrency-mt-unsafe) */
}

void
supervision_open(void)
{
	notify_open();
	read_watchdog();
}

/* The clock is read anew: before the first turn the loop does not know it. */
static void
arm(struct timer_queue *queue, struct timer *timer)
{
	timer_arm(queue, timer, sys_now());
}

static void
take_status(struct status *status)
{
	status->ms = sys_now();
	status->open = server_count_open(self.server);
	server_count(self.server, status->totals);
}

/* Writes the present status; the next one has its rates from here on. */
static void
write_status(char text[static STATUS_TEXT_MAX])
{
	struct status now;
	take_status(&now);
	log_latest_copy(self.problem);
	status_write(does[self.state], &now, &self.before, self.problem, text);
	self.before = now;
}

/* Sends lines and a status; true if they went. */
static bool
tell(const char *lines, const char *status)
{
	char message[MESSAGE_MAX];
	(void)snprintf(message, sizeof message, "%sSTATUS=%s\n", lines, status);
	if (notify_send(message, NULL, 0) == -1)
		return false;
	memcpy(self.told, status, STATUS_TEXT_MAX);
	return true;
}

/* What the present state is in the protocol. */
static void
write_state(char *lines, size_t size)
{
	switch (self.state) {
	case SERVING:
		(void)snprintf(lines, size, "READY=1\n");
		break;
	case RELOADING:
		/* Both in one message, or a reload may be waited for long. */
		(void)snprintf(lines, size,
		    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", sys_now_us());
		break;
	case DRAINING:
		(void)snprintf(lines, size,
		    "STOPPING=1\nEXTEND_TIMEOUT_USEC=%d000\n",
		    SUPERVISION_PATIENCE_MS);
		break;
	}
}

/* Tells the state, and again later if that did not go. */
static void
tell_state(void)
{
	char lines[96], status[STATUS_TEXT_MAX];
	write_state(lines, sizeof lines);
	write_status(status);
	timer_disarm(&self.retry);
	if (!tell(lines, status) && errno == EAGAIN)
		arm(&self.retries, &self.retry);
}

static void
retry_state(struct timer *timer)
{
	(void)timer;
	tell_state();
}

/* The end of a rest: the rates count from here on. */
static void
wake(void *arg)
{
	(void)arg;
	take_status(&self.before);
	arm(&self.statuses, &self.status);
}

/*
 * Puts the status off until there is something to do.  A watchdog that has the
 * loop woken anyhow, and often enough, needs no more than that for it.
 */
static void
rest(void)
{
	if (self.feed_ms != 0 && self.feed_ms <= SUPERVISION_STATUS_MS)
		self.is_fed_with_status = true;
	else
		server_on_activity(self.server, wake, NULL);
}

static void
tell_status(struct timer *timer)
{
	char status[STATUS_TEXT_MAX];
	(void)timer;
	if (self.state == DRAINING) {
		tell_state();
		arm(&self.statuses, &self.status);
		return;
	}
	write_status(status);
	if (strcmp(status, self.told) == 0) {
		rest();
		return;
	}
	(void)tell("", status);
	arm(&self.statuses, &self.status);
}

static void
feed(struct timer *timer)
{
	(void)timer;
	unsigned n = server_probe(self.server);
	if (n == 0)
		(void)notify_send("WATCHDOG=1\n", NULL, 0);
	else
		log_warnx("%u worker%s not turned for %" PRId64
			  " ms: the watchdog is not fed",
		    n, n == 1 ? " has" : "s have", self.feed_ms);
	arm(&self.feeds, &self.feed);
	if (self.is_fed_with_status) {
		self.is_fed_with_status = false;
		tell_status(&self.status);
	}
}

void
supervision_start(struct server *server)
{
	if (!notify_is_open())
		return;
	struct timers *timers = loop_timers(server_loop(server));
	self.server = server;
	timer_queue_init(
	    &self.statuses, timers, SUPERVISION_STATUS_MS, tell_status);
	timer_queue_init(&self.feeds, timers, (uint64_t)self.feed_ms, feed);
	timer_queue_init(
	    &self.retries, timers, SUPERVISION_RETRY_MS, retry_state);
	timer_init(&self.status);
	timer_init(&self.feed);
	timer_init(&self.retry);
	take_status(&self.before);
	self.state = SERVING;
	tell_state();
	rest();
	if (self.feed_ms != 0)
		arm(&self.feeds, &self.feed);
}

/* Changes the state, unless the end has come: false. */
static bool
enter(enum state state)
{
	if (self.server == NULL || self.state == DRAINING)
		return false;
	self.state = state;
	tell_state();
	return true;
}

void
supervision_reload(void)
{
	(void)enter(RELOADING);
}

void
supervision_serve(void)
{
	(void)enter(SERVING);
}

void
supervision_drain(void)
{
	/* From then on it asks for patience again and again. */
	if (enter(DRAINING))
		arm(&self.statuses, &self.status);
}

void
supervision_close(void)
{
	self.server = NULL;
	notify_close();
}
