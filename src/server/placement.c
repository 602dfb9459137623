/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/placement.h"

#include <string.h>

static bool
is_at(const struct listener *listener, const struct listen_address *address)
{
	return listener->transport == address->transport &&
	       listener->service == address->service &&
	       listener->length == address->length &&
	       memcmp(&listener->address, address->address, address->length) ==
		   0;
}

/*
 * Marks the listener that is at the address and not yet at another of the list.
 * Where several are, as with port 0, they keep their order.
 */
static void
keep(struct listeners *listeners, const struct listen_address *address,
    size_t number)
{
	struct listener *first = NULL;
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		if (listener->wanted == 0 && is_at(listener, address) &&
		    (first == NULL || listener->number < first->number))
			first = listener;
	}
	if (first == NULL)
		return;
	first->wanted = number;
	first->wants_proxied = address->is_proxied;
}

/* Whether a socket that was passed has the clients of the address. */
static bool
is_served_by(
    const struct listener *listener, const struct listen_address *address)
{
	return listener->is_passed &&
	       listener->transport == address->transport &&
	       listener->transport->serves(listener->watch.fd,
		   (const struct sockaddr *)&listener->address,
		   address->address);
}

/* A socket that was passed has the attribute of the address that it serves. */
static void
find_passed(struct listeners *listeners, const struct listen_address *addresses,
    size_t n)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		for (size_t i = 0; i < n; i++) {
			if (is_served_by(listener, &addresses[i]))
				listener->wants_proxied =
				    addresses[i].is_proxied;
		}
	}
}

bool
placement_has(const struct listeners *listeners,
    const struct listen_address *address, size_t number)
{
	const struct list *all = &listeners->all;
	struct list *link = all->next;
	while (link != all && listener_at(link)->wanted != number &&
	       !is_served_by(listener_at(link), address))
		link = link->next;
	return link != all;
}

/* Whether the listener has the address of one, and the same clients. */
static bool
is_part(const struct listener *listener, const struct transport *transport,
    const struct service *service, const struct sockaddr *address)
{
	return listener->transport == transport &&
	       listener->service == service &&
	       transport->covers(
		   address, (const struct sockaddr *)&listener->address);
}

/* Finds those that are no longer in the list, but covered by it. */
static void
find_covered(struct listeners *listeners,
    const struct listen_address *addresses, size_t n)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		listener->is_covered = false;
		for (size_t i = 0; i < n && listener->wanted == 0; i++) {
			if (!is_part(listener, addresses[i].transport,
				addresses[i].service, addresses[i].address))
				continue;
			listener->is_covered = true;
			listener->wants_proxied = addresses[i].is_proxied;
		}
	}
}

void
placement_match(struct listeners *listeners,
    const struct listen_address *addresses, size_t n)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		listener->wanted = 0;
		listener->wants_proxied =
		    listener->is_proxied && !listener->is_passed;
	}
	for (size_t i = 0; i < n; i++)
		keep(listeners, &addresses[i], i + 1);
	find_covered(listeners, addresses, n);
	find_passed(listeners, addresses, n);
}

bool
placement_leaves_part(
    struct listeners *listeners, const struct listener *listener)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		const struct listener *other = listener_at(link);
		if (other->wanted != 0 &&
		    is_part(other, listener->transport, listener->service,
			(const struct sockaddr *)&listener->address))
			return true;
	}
	return false;
}

bool
placement_is_left_over(
    struct listeners *listeners, const struct listener *listener)
{
	struct list *all = &listeners->all;
	bool left_over = listener->number == 0 && !listener->is_passed;
	for (struct list *link = all->next; link != all && left_over;
	     link = link->next) {
		const struct listener *other = listener_at(link);
		left_over = other->number == 0 ||
			    !is_part(listener, other->transport, other->service,
				(const struct sockaddr *)&other->address);
	}
	return left_over;
}
