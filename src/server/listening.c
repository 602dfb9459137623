/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/listening.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/address.h"
#include "net/inet.h"
#include "server/limits.h"
#include "server/placement.h"
#include "server/service.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Our own deadline is to come before this one, which the kernel keeps. */
static uint32_t
give_up_ms(const struct settings *settings)
{
	return settings->stall_ms == 0
		   ? 0
		   : settings->stall_ms + LISTENING_MARGIN_MS;
}

uint32_t
listening_held_ms(const struct listeners *listeners)
{
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		if (!listener_at(link)->transport->gives_up(listeners->refused))
			return 0;
	}
	return give_up_ms(listeners->settings);
}

static struct transport_options
options_of(const struct settings *settings)
{
	return (struct transport_options){
	    .backlog = LIMITS_BACKLOG_MIN,
	    .send_buffer = settings->send_buffer,
	    .give_up_ms = give_up_ms(settings),
	    /* Without an idle timeout only probes find a vanished peer. */
	    .probes = settings->idle_ms == 0,
	    .congestion = settings->congestion,
	};
}

void
listening_set(struct listeners *listeners, const struct settings *settings)
{
	const struct transport_options options = options_of(settings);
	listeners->settings = settings;
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		const struct listener *listener = listener_at(link);
		listener->transport->tune(
		    &options, listener->watch.fd, &listeners->refused);
	}
}

void
listening_give(struct listeners *listeners, uid_t account)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next)
		sys_give(listener_at(link)->watch.fd, account);
}

/*
 * Lets all that are to end share their addresses, if one of them overlaps this
 * one, as 127.0.0.1:5220 does :5220, and none does that is to stay.
 */
static bool
make_room(struct listeners *listeners, const struct listen_address *address)
{
	struct list *all = &listeners->all;
	bool may = false;
	for (struct list *link = all->next; link != all; link = link->next) {
		const struct listener *listener = listener_at(link);
		if (listener->transport != address->transport ||
		    !address->transport->overlap(address->address,
			(const struct sockaddr *)&listener->address))
			continue;
		if (listener->wanted != 0 || listener->is_passed)
			return false;
		address->transport->share(listener->watch.fd, true);
		/* Only sockets of one account share, and this may be root. */
		sys_give(listener->watch.fd, geteuid());
		listeners->shares = true;
		may = true;
	}
	return may;
}

static int
listen_on(struct listeners *listeners, const struct listen_address *address)
{
	struct transport_options options = options_of(listeners->settings);
	int fd = address->transport->listen(
	    &options, address->address, address->length, &listeners->refused);
	if (fd != -1 || errno != EADDRINUSE)
		return fd;
	options.shares = make_room(listeners, address);
	errno = EADDRINUSE;
	return options.shares
		   ? address->transport->listen(&options, address->address,
			 address->length, &listeners->refused)
		   : -1;
}

/* A listener that is to start with the next change; NULL with ENOMEM. */
static struct listener *
add(struct listeners *listeners, const struct listen_address *address, int fd)
{
	struct listener *listener = calloc(1, sizeof *listener);
	if (listener == NULL)
		return NULL;
	listener->transport = address->transport;
	listener->service = address->service;
	memcpy(&listener->address, address->address, address->length);
	listener->length = address->length;
	listener->is_fresh = true;
	listener_init(listener, listeners, fd);
	return listener;
}

static int
bind_one(struct listeners *listeners, const struct listen_address *address,
    size_t number)
{
	int fd = listen_on(listeners, address);
	if (fd == -1)
		return -1;
	struct listener *listener = add(listeners, address, fd);
	if (listener == NULL) {
		(void)sys_close(fd);
		errno = ENOMEM;
		return -1;
	}
	listener->wanted = number;
	return 0;
}

int
listening_adopt(struct listeners *listeners,
    const struct listen_address *address, size_t number, bool is_passed, int fd)
{
	const struct transport_options options =
	    options_of(listeners->settings);
	if (address->transport->adopt(&options, fd, &listeners->refused) == -1)
		return -1;
	struct listener *listener = add(listeners, address, fd);
	if (listener == NULL)
		return -1;
	listener->number = number;
	listener->is_passed = is_passed;
	listener->is_adopted = true;
	return 0;
}

int
listening_adopt_held(
    struct listeners *listeners, const struct listen_address *address, int fd)
{
	if (listening_adopt(listeners, address, 0, false, fd) == -1)
		return -1;
	listener_at(listeners->all.prev)->hold = LISTENER_HELD;
	return 0;
}

void
listening_each(const struct listeners *listeners,
    void (*see)(struct listener *, void *arg), void *arg)
{
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next)
		see(listener_at(link), arg);
}

struct listener *
listening_find(const struct listeners *listeners,
    const struct transport *transport, const struct sockaddr *address)
{
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		struct sockaddr_storage own;
		if (listener->transport == transport &&
		    sys_getsockname(listener->watch.fd, &own) == 0 &&
		    inet_is_same((const struct sockaddr *)&own, address))
			return listener;
	}
	return NULL;
}

bool
listening_ends(const struct listener *listener)
{
	return listener->wanted == 0 && !listener->is_covered &&
	       !listener->is_passed;
}

bool
listening_has_passed(const struct listeners *listeners)
{
	const struct list *all = &listeners->all;
	struct list *link = all->next;
	while (link != all && !listener_at(link)->is_passed)
		link = link->next;
	return link != all;
}

/* Nobody has to share an address any longer. */
static void
end_sharing(struct listeners *listeners)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all && listeners->shares;
	     link = link->next)
		listener_at(link)->transport->share(
		    listener_at(link)->watch.fd, false);
	listeners->shares = false;
}

/*
 * Ends all that was bound for a change.  What was taken over stays, for another
 * list: whoever else holds it would not let us bind its address.
 */
static void
undo(struct listeners *listeners)
{
	struct list *all = &listeners->all, *next;
	for (struct list *link = all->next; link != all; link = next) {
		struct listener *listener = listener_at(link);
		next = link->next;
		if (listener->is_fresh && !listener->is_adopted)
			listener_close(listener);
	}
	end_sharing(listeners);
}

int
listening_prepare(struct listeners *listeners,
    const struct listen_address *addresses, size_t n, size_t *refused)
{
	placement_match(listeners, addresses, n);
	for (size_t i = 0; i < n; i++) {
		if (placement_has(listeners, &addresses[i], i + 1) ||
		    bind_one(listeners, &addresses[i], i + 1) == 0)
			continue;
		int saved = errno;
		undo(listeners);
		*refused = i;
		errno = saved;
		return -1;
	}
	return 0;
}

void
listening_go_on(struct listeners *listeners)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		listener->is_fresh = false;
		listener->is_retired =
		    placement_is_left_over(listeners, listener);
	}
	/* As if they had been out of the loop for a while. */
	listeners->paused = true;
	listeners_resume(listeners);
}

size_t
listening_count(const struct listeners *listeners)
{
	size_t n = 0;
	const struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next)
		n++;
	return n;
}

static void
log_address(const struct listener *listener, const char *what)
{
	struct sockaddr_storage address;
	char name[ADDRESS_TEXT_MAX] = "a socket";
	if (sys_getsockname(listener->watch.fd, &address) == 0)
		address_format((struct sockaddr *)&address, name);
	log_info("%s%s on %s", listener->service->mark, what, name);
}

static int
start_fresh(struct listeners *listeners, size_t backlog)
{
	struct list *all = &listeners->all;
	for (struct list *link = all->next; link != all; link = link->next) {
		struct listener *listener = listener_at(link);
		if (!listener->is_fresh)
			continue;
		/* If this fails, the queue keeps the length it had. */
		(void)sys_listen(listener->watch.fd, (int)backlog);
		if (listener_start(listener) == -1)
			return -1;
	}
	return 0;
}

/* Ends one that is in the list no longer, or lets it serve on for a moment. */
static void
end_one(struct listeners *listeners, struct listener *listener)
{
	if (!listener->is_retired)
		log_address(listener, "no longer listening");
	listener->is_retired = placement_leaves_part(listeners, listener);
	if (!listener->is_retired)
		listener_retire(listener);
}

int
listening_change(struct listeners *listeners, size_t backlog)
{
	if (start_fresh(listeners, backlog) == -1) {
		int saved = errno;
		undo(listeners);
		errno = saved;
		return -1;
	}
	struct list *all = &listeners->all, *next;
	for (struct list *link = all->next; link != all; link = next) {
		struct listener *listener = listener_at(link);
		next = link->next;
		bool is_new = listener->is_fresh || listener->is_retired ||
			      listener->number == 0;
		listener->number = listener->wanted;
		/* Also one that was taken over, and stays for a moment. */
		listener->is_fresh = false;
		if (listening_ends(listener)) {
			end_one(listeners, listener);
			continue;
		}
		if (is_new && (listener->wanted != 0 || listener->is_passed))
			log_address(listener, "listening");
		listener->is_retired = false;
	}
	end_sharing(listeners);
	return 0;
}

bool
listening_has_retired(const struct listeners *listeners)
{
	const struct list *all = &listeners->all;
	struct list *link = all->next;
	while (link != all && !listener_at(link)->is_retired)
		link = link->next;
	return link != all;
}

void
listening_retire(struct listeners *listeners)
{
	struct list *all = &listeners->all, *next;
	for (struct list *link = all->next; link != all; link = next) {
		struct listener *listener = listener_at(link);
		next = link->next;
		if (listener->is_retired)
			listener_retire(listener);
	}
}
