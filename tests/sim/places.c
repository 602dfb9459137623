/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/places.h"

#include "net/inet.h"
#include "server/listening.h"
#include "sim/draw.h"
#include "sim/rules.h"

#include <netinet/in.h>

#include <stddef.h>
#include <stdint.h>

/* The fake kernel gives higher ones where any will do. */
enum { PORTS_GIVEN = 40000 };

/* What can be listened on, so that most of it overlaps with something else. */
static const struct {
	uint32_t host;
	uint16_t port;
} places[] = {
    {INADDR_ANY, 5220},
    {INADDR_LOOPBACK, 5220},
    {INADDR_LOOPBACK + 1, 5220},
    {INADDR_ANY, 5221},
    {INADDR_LOOPBACK, 5221},
    {INADDR_ANY, 0},
    {INADDR_LOOPBACK, 0},
};
enum { NPLACES = sizeof places / sizeof places[0], LIST_MAX = 4 };

/* A list of places, by their indices. */
struct list_of_places {
	size_t n;
	size_t at[LIST_MAX];
};

/* What listens, by the place; NULL: nothing does. */
struct sockets {
	struct kernel_socket *at[NPLACES];
};

static struct list_of_places in_force, wanted;
static bool is_proxied;      /* whether the clients of port 5221 are proxies */
static struct sockets known; /* since the last change was made */

static struct sockaddr_in
address_of(size_t place)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_port = htons(places[place].port),
	    .sin_addr.s_addr = htonl(places[place].host),
	};
}

static bool
has_proxies(size_t place)
{
	return is_proxied && places[place].port == 5221;
}

static bool
covers(size_t a, size_t b)
{
	const struct sockaddr_in one = address_of(a), other = address_of(b);
	return inet_covers(
	    (const struct sockaddr *)&one, (const struct sockaddr *)&other);
}

static bool
is_listed(const struct list_of_places *list, size_t place)
{
	size_t i = 0;
	while (i < list->n && list->at[i] != place)
		i++;
	return i < list->n;
}

/* True if a place of the list has all clients of this one. */
static bool
is_covered(const struct list_of_places *list, size_t place)
{
	size_t i = 0;
	while (i < list->n && !covers(list->at[i], place))
		i++;
	return i < list->n;
}

/* True if this one has all clients of a place of the list. */
static bool
has_part(const struct list_of_places *list, size_t place)
{
	size_t i = 0;
	while (i < list->n && !covers(place, list->at[i]))
		i++;
	return i < list->n;
}

/* A list that can be had, if its places must be apart; others mostly cannot. */
static struct list_of_places
draw_list(size_t least, bool apart)
{
	struct list_of_places list = {.n = 0};
	size_t n = least + draw(LIST_MAX + 1 - least);
	for (size_t i = 0; i < n; i++) {
		size_t place = draw(NPLACES);
		/* Of port 0 a list may have many, but then which is which? */
		bool is_apart = !is_listed(&list, place) &&
				!is_covered(&list, place) &&
				!has_part(&list, place);
		if (is_apart || (!apart && places[place].port != 0))
			list.at[list.n++] = place;
	}
	return list;
}

static size_t
place_of(const struct kernel_socket *socket)
{
	const struct sockaddr_in *in =
	    (const struct sockaddr_in *)(const void *)&socket->address;
	unsigned port = ntohs(in->sin_port);
	size_t i = 0;
	while (ntohl(in->sin_addr.s_addr) != places[i].host ||
	       (port < PORTS_GIVEN ? port : 0) != places[i].port)
		i++;
	return i;
}

/* Finds what listens; no place may have two. */
static struct sockets
find_sockets(void)
{
	struct sockets found = {.at = {NULL}};
	for (int fd = 0; fd <= kernel_highest(); fd++) {
		if (!kernel_is_open(fd) || !kernel_find(fd)->is_listening)
			continue;
		struct kernel_socket *socket = kernel_find(fd);
		size_t place = place_of(socket);
		rules_must(found.at[place] == NULL, NULL,
		    "two listeners have one address");
		rules_must(kernel_option(socket, SOL_SOCKET, SO_REUSEPORT) != 1,
		    NULL, "a listener lets others have its address");
		found.at[place] = socket;
	}
	return found;
}

void
places_begin(void)
{
	in_force = wanted = (struct list_of_places){.n = 0};
	known = (struct sockets){.at = {NULL}};
	is_proxied = draw_chance(500);
}

void
places_draw(void)
{
	if (wanted.n == 0 || draw_chance(300))
		wanted = draw_list(1, true);
}

int
places_bind(struct server *server)
{
	struct sockaddr_in addresses[LIST_MAX];
	struct listen_address list[LIST_MAX];
	size_t refused = SIZE_MAX;
	for (size_t i = 0; i < wanted.n; i++) {
		addresses[i] = address_of(wanted.at[i]);
		list[i] = (struct listen_address){
		    .transport = &transport_tcp,
		    .service = &service_text,
		    .address = (const struct sockaddr *)&addresses[i],
		    .length = sizeof addresses[i],
		    .is_proxied = has_proxies(wanted.at[i]),
		};
	}
	if (server_bind(server, list, wanted.n, &refused) == 0)
		return 0;
	rules_must(refused < wanted.n, NULL, "no address was refused");
	return -1;
}

/*
 * What is listed listens, by the socket that it had.  What is covered by it
 * does so as well, and until it is retired what has a part of it.
 */
static void
check_made(bool has_retired)
{
	struct sockets found = find_sockets();
	for (size_t i = 0; i < NPLACES; i++) {
		bool listed = is_listed(&in_force, i);
		bool stays = listed || is_covered(&in_force, i) ||
			     (has_retired && has_part(&in_force, i));
		rules_must(!listed || found.at[i] != NULL, NULL,
		    "an address of the list is not listened on");
		rules_must(stays || found.at[i] == NULL, NULL,
		    "what is not in the list is listened on");
		rules_must(
		    !stays || known.at[i] == NULL || found.at[i] == known.at[i],
		    NULL, "what stays has lost its socket");
		rules_must(listed || known.at[i] != NULL || found.at[i] == NULL,
		    NULL, "what is not in the list was bound");
	}
	known = found;
}

static void
check_unchanged(void)
{
	struct sockets found = find_sockets();
	for (size_t i = 0; i < NPLACES; i++)
		rules_must(found.at[i] == known.at[i], NULL,
		    "a change that was refused has changed what listens");
}

void
places_started(void)
{
	in_force = wanted;
	check_made(true);
}

int
places_change(struct server *server)
{
	wanted = draw_chance(200) ? in_force : draw_list(0, draw_chance(800));
	int result = places_bind(server);
	if (result == 0)
		result = server_change(server);
	if (result == 0) {
		places_started();
	} else {
		wanted = in_force;
		check_unchanged();
	}
	return result;
}

void
places_retired(void)
{
	check_made(false);
}

void
places_tuned(void)
{
	const struct settings *settings = rules.settings;
	unsigned give_up = settings->stall_ms == 0
			       ? 0
			       : settings->stall_ms + LISTENING_MARGIN_MS;
	for (size_t i = 0; i < NPLACES; i++) {
		const struct kernel_socket *socket = known.at[i];
		if (socket == NULL)
			continue;
		rules_must(
		    socket->user_timeout == give_up &&
			kernel_option(socket, SOL_SOCKET, SO_SNDBUF) ==
			    (int)settings->send_buffer &&
			(kernel_option(socket, SOL_SOCKET, SO_KEEPALIVE) ==
			    1) == (settings->idle_ms == 0),
		    NULL, "a listener has options of other settings");
	}
}

void
places_closed(const struct kernel_socket *listener)
{
	size_t place = place_of(listener);
	if (known.at[place] != listener)
		return;
	rules_must(rules.stops > 0 || listener->ignores_new, NULL,
	    "a listener was closed while clients could still come");
}

struct kernel_socket *
places_pick(void)
{
	struct kernel_socket *able[NPLACES];
	size_t n = 0;
	for (size_t i = 0; i < NPLACES; i++) {
		struct kernel_socket *socket = known.at[i];
		if (socket != NULL && !socket->closed && !socket->ignores_new)
			able[n++] = socket;
	}
	return n == 0 ? NULL : able[draw(n)];
}

bool
places_have_proxies(const struct kernel_socket *listener)
{
	return has_proxies(place_of(listener));
}
