/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/store.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/values.h"
#include "daemon/activation.h"
#include "daemon/notify.h"
#include "net/address.h"
#include "net/inet.h"
#include "reactor/timer.h"

#include <netinet/in.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)STORE_NAME_SIZE == (int)ACTIVATION_NAME_SIZE,
    "a name comes back as it went");

/* The next process takes no more than ACTIVATION_MAX, passed ones included. */
enum { PLACES_MAX = ACTIVATION_MAX / 2 };

/* More names that could not be removed yet are left to the next start. */
enum { OWED_MAX = 64 };

static struct {
	struct server *server; /* NULL: before the start, or at the end */
	size_t nplaces;        /* of the store; 0: there is none */
	bool is_full;          /* which was logged */
	size_t nheld;          /* sockets there; counted when it matters */

	/* Names that are to be removed, and could not be told of so far. */
	char owed[OWED_MAX][STORE_NAME_SIZE];
	size_t nowed;
	struct timer_queue retries;
	struct timer retry;
} self;

void
store_name(const struct transport *transport, const struct sockaddr *address,
    char name[static STORE_NAME_SIZE])
{
	char text[ADDRESS_TEXT_MAX];
	(void)snprintf(name, STORE_NAME_SIZE, ACTIVATION_STORED "%s-%s",
	    transport->name, address_format(address, text));
	for (char *colon; (colon = strchr(name, ':')) != NULL;)
		*colon = '_';
}

/* Where it really listens. */
static bool
find_name(const struct transport *transport, int fd,
    struct sockaddr_storage *address, char name[static STORE_NAME_SIZE])
{
	if (sys_getsockname(fd, address) == -1)
		return false;
	store_name(transport, (const struct sockaddr *)address, name);
	return true;
}

long
store_parse(const char *text)
{
	uint64_t value = 0;
	if (text == NULL)
		return 0;
	if (value_parse(&value_number, text, &value) == -1)
		return -1;
	return value < LONG_MAX ? (long)value : LONG_MAX;
}

void
store_open(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads yet. */
	const char *text = getenv("FDSTORE");
	long n = store_parse(text);
	if (n == -1)
		log_warnx("FDSTORE: '%.40s' is not a number of descriptors; "
			  "the store of the service manager is not used",
		    text);
	if (n > 0 && notify_is_open())
		self.nplaces = n < PLACES_MAX ? (size_t)n : PLACES_MAX;
	(void)unsetenv("FDSTORE");
	/* NOLINTEND(concurrency-mt-unsafe) */
}

/* Tells the manager to close all that has the name. */
static int
tell_to_remove(const char *name)
{
	char text[STORE_NAME_SIZE + 40];
	(void)snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
	return notify_send(text, NULL, 0);
}

static void
retry_later(void)
{
	if (self.server != NULL)
		timer_arm(&self.retries, &self.retry, sys_now());
}

bool
store_remove(const char *name)
{
	if (tell_to_remove(name) == 0)
		return true;
	if (errno != EAGAIN || self.nowed == OWED_MAX)
		return false;
	(void)snprintf(self.owed[self.nowed++], STORE_NAME_SIZE, "%s", name);
	retry_later();
	return false;
}

/* False while names are still owed: one of them may be needed again. */
static bool
pay(void)
{
	while (self.nowed > 0 && tell_to_remove(self.owed[self.nowed - 1]) == 0)
		self.nowed--;
	if (self.nowed > 0 && errno != EAGAIN)
		self.nowed = 0;
	return self.nowed == 0;
}

int
store_put(const char *name, int fd)
{
	char text[STORE_NAME_SIZE + 40];
	if (!pay()) {
		errno = EAGAIN;
		return -1;
	}
	/* It is not to be removed when it has a hang-up. */
	(void)snprintf(
	    text, sizeof text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0\n", name);
	return notify_send(text, &fd, 1);
}

/*
 * True when the server has the socket from now on; what the last process handed
 * over is the same one as in the store.
 */
static bool
adopt(struct server *server, const char *name, int fd)
{
	const struct transport *transport = &transport_tcp;
	struct sockaddr_storage address;
	char own[STORE_NAME_SIZE];
	if (!find_name(transport, fd, &address, own) ||
	    strcmp(name, own) != 0 ||
	    sys_getsockopt(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return false;
	struct listener *same = server_find_listener(
	    server, transport, (const struct sockaddr *)&address);
	if (same != NULL && !same->is_passed) {
		same->hold = LISTENER_HELD;
		(void)sys_close(fd);
		return true;
	}
	const struct listen_address at = {
	    .transport = transport,
	    .service = &service_text,
	    .address = (const struct sockaddr *)&address,
	    .length = address.ss_family == AF_INET6
			  ? sizeof(struct sockaddr_in6)
			  : sizeof(struct sockaddr_in),
	};
	return same == NULL && server_adopt_held(server, &at, fd) == 0;
}

void
store_adopt(struct server *server)
{
	const char *name;
	int fd;
	while ((fd = activation_take(NULL, &name)) != -1) {
		if (adopt(server, name, fd))
			continue;
		log_warnx("%s, which comes from the store of the service "
			  "manager, is not understood; it is closed",
		    name);
		(void)sys_close(fd);
		(void)store_remove(name);
	}
}

static void
retry(struct timer *timer)
{
	(void)timer;
	store_keep();
}

void
store_start(struct server *server)
{
	struct timers *timers = loop_timers(server_loop(server));
	self.server = server;
	timer_queue_init(&self.retries, timers, STORE_RETRY_MS, retry);
	timer_init(&self.retry);
}

static void
release_one(struct listener *listener)
{
	char name[STORE_NAME_SIZE];
	struct sockaddr_storage address;
	if (!find_name(listener->transport, listener->watch.fd, &address, name))
		return;
	/* One that is only owed is ours again, if it is asked for again. */
	listener->hold = store_remove(name) ? LISTENER_RELEASED : LISTENER_OWN;
}

static void
release_ending(struct listener *listener, void *arg)
{
	(void)arg;
	if (listening_ends(listener) && listener->hold != LISTENER_RELEASED)
		release_one(listener);
}

void
store_release(void)
{
	if (self.nplaces > 0)
		server_each_listener(self.server, release_ending, NULL);
}

static void
count_held(struct listener *listener, void *arg)
{
	(void)arg;
	self.nheld += listener->hold == LISTENER_HELD;
}

/* True for one that the next process would look for. */
static bool
is_to_be_held(const struct listener *listener)
{
	return listener->hold != LISTENER_HELD && !listener->is_passed &&
	       !listener->is_retired &&
	       inet_port((const struct sockaddr *)&listener->address) != 0;
}

static void
keep_one(struct listener *listener, void *arg)
{
	char name[STORE_NAME_SIZE];
	struct sockaddr_storage address;
	int fd = listener->watch.fd;
	if (!is_to_be_held(listener) ||
	    !find_name(listener->transport, fd, &address, name))
		return;
	if (self.nheld >= self.nplaces) {
		if (!self.is_full)
			log_warnx("the store of the service manager has room "
				  "for %zu descriptors, and more addresses are "
				  "served; raise FileDescriptorStoreMax=",
			    self.nplaces);
		self.is_full = true;
		return;
	}
	if (store_put(name, fd) == 0) {
		listener->hold = LISTENER_HELD;
		self.nheld++;
	} else {
		*(bool *)arg = errno == EAGAIN;
	}
}

void
store_keep(void)
{
	bool again = false;
	if (self.nplaces == 0)
		return;
	self.nheld = 0;
	server_each_listener(self.server, count_held, NULL);
	if (pay())
		server_each_listener(self.server, keep_one, &again);
	else
		again = true;
	if (again)
		retry_later();
}

bool
store_has_room(size_t n)
{
	self.nheld = 0;
	if (self.nplaces > 0)
		server_each_listener(self.server, count_held, NULL);
	return self.nheld + n <= self.nplaces;
}

int
store_ask(void)
{
	int ends[2];
	if (sys_pipe(ends) == -1)
		return -1;
	int result = notify_send("BARRIER=1", &ends[1], 1);
	int saved = errno;
	(void)sys_close(ends[1]);
	if (result == 0)
		return ends[0];
	(void)sys_close(ends[0]);
	errno = saved;
	return -1;
}

static void
release_held(struct listener *listener, void *arg)
{
	(void)arg;
	if (listener->hold == LISTENER_HELD)
		release_one(listener);
}

void
store_release_all(void)
{
	timer_disarm(&self.retry);
	server_each_listener(self.server, release_held, NULL);
}

void
store_close(void)
{
	if (self.server != NULL)
		timer_disarm(&self.retry);
	self.server = NULL;
}
