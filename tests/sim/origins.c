/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/origins.h"

#include "sim/draw.h"
#include "sim/rules.h"
#include "sim/threads.h"

#include <stdint.h>
#include <string.h>

/* As many hosts, of two networks of 24 bits. */
enum { ORIGINS = 4, NETWORK = 2 };

/* One that has no host in common with the other. */
static const struct prefix networks[] = {
    {.kind = PREFIX_IPV4, .bits = 24, .bytes = {192, 0, 2, 0}},
    {.kind = PREFIX_IPV4, .bits = 24, .bytes = {192, 0, 3, 0}},
};

/* What was refused, by its cause. */
static size_t refused[NCOUNTERS];

/* When each source may begin as many as it ever may, in ms. */
static uint64_t full[ORIGINS];

static void
choose_rate(struct settings *settings)
{
	static const uint32_t rates[] = {0, 0, 1, 2, 5};
	settings->source_rate = DRAW_ONE_OF(rates);
}

static void
choose_lists(struct settings *settings)
{
	settings->nsource_exempt = draw_chance(700) ? 1 : 0;
	settings->source_exempt[0] = draw_chance(800)
					 ? (struct prefix){.kind = PREFIX_ALL}
					 : networks[draw(2)];
	settings->nallow = draw_chance(100) ? 1 : 0;
	settings->allow[0] = networks[draw(2)];
}

void
origins_choose(struct settings *settings)
{
	settings->source_prefix_ipv4 = draw_chance(500) ? 24 : 32;
	settings->source_prefix_ipv6 = 64;
	settings->source_connections = draw(4);
	choose_rate(settings);
	choose_lists(settings);
}

void
origins_change(struct settings *settings)
{
	/* A worker comes to others later, and asks for clients of proxies. */
	if (settings->workers > 1)
		return;
	if (draw_chance(200))
		settings->source_connections = draw(4);
	if (draw_chance(200))
		choose_rate(settings);
	if (draw_chance(200))
		choose_lists(settings);
}

void
origins_begin(void)
{
	memset(refused, 0, sizeof refused);
	origins_restart();
}

void
origins_restart(void)
{
	memset(full, 0, sizeof full);
}

void
origins_draw(struct peer *peer)
{
	peer->origin = (unsigned)draw(ORIGINS);
	peer->socket->host = (unsigned char)(peer->origin % NETWORK);
	peer->socket->network = (unsigned char)(peer->origin / NETWORK);
}

static bool
is_in(const struct peer *peer, const struct prefix *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].kind == PREFIX_ALL ||
		    list[i].bytes[2] ==
			networks[peer->origin / NETWORK].bytes[2])
			return true;
	}
	return false;
}

/* A number for each source. */
static size_t
source_of(const struct peer *peer)
{
	return rules.settings->source_prefix_ipv4 == 32
		   ? peer->origin
		   : peer->origin / NETWORK;
}

static size_t
count_of(const struct peer *peer)
{
	size_t n = 0;
	for (size_t i = 0; i < npeers; i++)
		n += peers[i].is_counted && peers_is_open(&peers[i]) &&
		     source_of(&peers[i]) == source_of(peer);
	return n;
}

static enum counter
due_to(struct peer *peer)
{
	const struct settings *settings = rules.settings;
	if (settings->nallow > 0 &&
	    !is_in(peer, settings->allow, settings->nallow))
		return COUNTER_FORBIDDEN;
	if (is_in(peer, settings->source_exempt, settings->nsource_exempt))
		return COUNTER_ACCEPTED;
	size_t most = settings->source_connections;
	if (most == 0)
		most = settings->max_connections / 4;
	if (count_of(peer) >= (most == 0 ? 1 : most))
		return COUNTER_SOURCE_LIMIT;
	peer->is_counted = true;
	if (settings->source_rate == 0)
		return COUNTER_ACCEPTED;
	uint64_t *until = &full[source_of(peer)], now = threads_turn();
	uint64_t then =
	    (*until > now ? *until : now) + 1000 / settings->source_rate;
	peer->is_counted = then <= now + 1000;
	if (!peer->is_counted)
		return COUNTER_SOURCE_RATE;
	*until = then;
	return COUNTER_ACCEPTED;
}

void
origins_accepted(struct peer *peer)
{
	/* Before it is open, as it does not count for itself. */
	enum counter due = due_to(peer);
	peer->is_refused = due != COUNTER_ACCEPTED;
	if (peer->is_refused)
		refused[due]++;
}

void
origins_ended(const size_t totals[static NCOUNTERS])
{
	for (int i = COUNTER_FORBIDDEN; i <= COUNTER_SOURCE_RATE; i++)
		rules_must(totals[i] == refused[i], NULL,
		    "what was refused for its source was counted wrongly");
}
