/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/server/listener_fixture.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <string.h>

enum { ACCEPTED_MAX = 400 };

const struct settings settings = {.idle_ms = 1,
    .stall_ms = 12345,
    .send_buffer = 60000,
    .receive_buffer = 70000};

struct loop *loop;
struct listeners listeners;
struct counters counters;
int naccepted, nallowed;

static int accepted[ACCEPTED_MAX];
static struct kernel_socket *bound[64];
size_t nbound;

static bool
may_accept(void *owner)
{
	ck_assert_ptr_eq(owner, &listeners);
	return naccepted < nallowed;
}

static void
accept_socket(const struct handoff *handoff, void *owner)
{
	ck_assert_int_eq(handoff->service, SERVICE_TEXT);
	ck_assert_ptr_eq(owner, &listeners);
	accepted[naccepted++] = handoff->fd;
}

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	kernel_boot();
	memset(&counters, 0, sizeof counters);
	naccepted = 0;
	nbound = 0;
	nallowed = ACCEPTED_MAX;
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	listeners_init(&listeners, loop, &settings, &counters,
	    &(struct listeners_owner){.may_accept = may_accept,
		.accepted = accept_socket,
		.limit = "the limit of connections is reached, new clients "
			 "wait",
		.arg = &listeners});
}

static void
tear_down(void)
{
	listeners_close(&listeners);
	for (int i = 0; i < naccepted; i++)
		(void)sys_close(accepted[i]);
	loop_close(loop);
	ck_assert_uint_eq(kernel_halt(), 0);
}

TCase *
fixture_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

/*
 * Binds one more than there are; the last of the list is the one that was bound
 * last.
 */
static int
bind_to(const struct sockaddr *address, socklen_t length)
{
	static struct sockaddr_storage kept[LENGTH(bound)];
	static struct listen_address addresses[LENGTH(bound)];
	size_t refused;
	memcpy(&kept[nbound], address, length);
	addresses[nbound] = (struct listen_address){
	    .transport = &transport_tcp,
	    .service = &service_text,
	    .address = (const struct sockaddr *)&kept[nbound],
	    .length = length,
	};
	int result =
	    listening_prepare(&listeners, addresses, nbound + 1, &refused);
	if (result == 0)
		bound[nbound++] = kernel_find(
		    OWNER_OF(listeners.all.prev, struct listener, link)
			->watch.fd);
	return result;
}

int
bind_any(int family)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	if (family == AF_INET)
		return bind_to((struct sockaddr *)&in, sizeof in);
	return bind_to((struct sockaddr *)&in6, sizeof in6);
}

struct kernel_socket *
socket_of(size_t i)
{
	return bound[i];
}

void
listen_twice(void)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(bind_any(AF_INET6), 0);
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
}

void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
	listeners_accept(&listeners);
}
