/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/reloads.h"

#include "reactor/bell.h"
#include "sim/choices.h"
#include "sim/faults.h"
#include "sim/places.h"
#include "sim/rules.h"
#include "sim/spans.h"

size_t reloads_made, reloads_refused;

static struct server *server;
static struct bell wish, end;
static struct errand exchange, retirement;

/* What listens, and then the settings; or neither. */
static void
reload(struct errand *errand)
{
	(void)errand;
	/* The daemon refuses the one, and asks again later for the other. */
	if (!server_is_serving(server) || !server_follows(server) ||
	    !spans_may_change())
		return;
	choices_settle();
	rules.is_changing = true;
	rules.nchanges++;
	int result = places_change(server);
	rules.is_changing = false;
	if (result == -1) {
		reloads_refused++;
		return;
	}
	const struct settings *settings = choices_change(false);
	/* At once, so that it is known which ones a new connection has. */
	faults_pause(true);
	rules_set(settings);
	server_set(server, settings);
	faults_pause(false);
	places_tuned();
	reloads_made++;
}

static void
retire(struct errand *errand)
{
	(void)errand;
	if (!server_is_serving(server))
		return;
	rules.is_changing = true;
	rules.nchanges++;
	server_retire(server);
	rules.is_changing = false;
	rules_must(
	    !server_has_retired(server), NULL, "what was retired still is");
	places_retired();
}

static void
hear_wish(struct bell *bell)
{
	(void)bell;
	server_send_on(server, &exchange);
}

static void
hear_end(struct bell *bell)
{
	(void)bell;
	server_send_on(server, &retirement);
}

int
reloads_open(struct server *opened)
{
	struct loop *loop = server_loop(opened);
	server = opened;
	errand_init(&exchange, reload);
	errand_init(&retirement, retire);
	if (bell_open(&wish, loop, hear_wish) == -1)
		return -1;
	if (bell_open(&end, loop, hear_end) == 0)
		return 0;
	bell_close(&wish, loop);
	return -1;
}

void
reloads_close(void)
{
	struct loop *loop = server_loop(server);
	bell_close(&wish, loop);
	bell_close(&end, loop);
}

void
reloads_ask(void)
{
	bell_ring(&wish);
}

void
reloads_ask_retire(void)
{
	bell_ring(&end);
}

void
reloads_calm(void)
{
	rules_must(server_follows(server), NULL,
	    "a worker does not follow the settings");
	choices_settle();
}
