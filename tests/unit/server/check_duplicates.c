/* SPDX-License-Identifier: ISC */
/*
 * Listeners of which somebody else holds a duplicate, as a service manager does
 * of those in its store: when they are closed here, their clients are none of
 * ours.  Over each back end, on real sockets.
 */
#include "config.h"

#include "base/log.h"
#include "base/owner.h"
#include "base/sys.h"
#include "server/listening.h"
#include "server/service.h"
#include "unit/backends.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <unistd.h>

static const struct settings settings = {
    .stall_ms = 1000, .send_buffer = 48 * 1024, .receive_buffer = 48 * 1024};

static struct loop *loop;
static struct listeners listeners;
static struct counters counters;
static unsigned naccepted;

static bool
may_accept(void *owner)
{
	(void)owner;
	return true;
}

static void
accept_socket(const struct handoff *handoff, void *owner)
{
	(void)owner;
	naccepted++;
	(void)sys_close(handoff->fd);
}

static void
bind_one(struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof *address;
	const struct listen_address wanted = {.transport = &transport_tcp,
	    .service = &service_text,
	    .address = (struct sockaddr *)address,
	    .length = length};
	size_t refused;
	ck_assert_int_eq(
	    listening_prepare(&listeners, &wanted, 1, &refused), 0);
	ck_assert_int_eq(
	    getsockname(
		OWNER_OF(listeners.all.prev, struct listener, link)->watch.fd,
		(struct sockaddr *)address, &length),
	    0);
}

static int
connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
	return fd;
}

START_TEST(clients_of_a_closed_listener_with_a_duplicate_reach_nobody)
{
	struct sockaddr_in first, second;
	log_open("test", LOG_LEVEL_ERROR);
	naccepted = 0;
	loop = loop_open(poller_backend((size_t)_i));
	ck_assert_ptr_nonnull(loop);
	listeners_init(&listeners, loop, &settings, &counters,
	    &(struct listeners_owner){
		.may_accept = may_accept, .accepted = accept_socket});
	bind_one(&first);
	bind_one(&second);
	ck_assert_int_eq(listening_change(&listeners, 128), 0);
	int copy =
	    dup(OWNER_OF(listeners.all.next, struct listener, link)->watch.fd);
	ck_assert_int_ne(copy, -1);
	int client = connect_to(&first);
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert(listeners_accept(&listeners));
	ck_assert_uint_eq(naccepted, 1);
	listeners_close(&listeners);
	/* The duplicate listens on. */
	int stranger = connect_to(&first);
	void *ready[1];
	ck_assert_int_eq(poller_wait(loop->poller, ready, 1, 50), 0);
	(void)close(stranger);
	(void)close(client);
	(void)close(copy);
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("duplicates");
	TCase *tcase = tcase_create("duplicates");
	suite_add_tcase(suite, tcase);
	int n = 0;
	while (poller_backend((size_t)n) != NULL)
		n++;
	tcase_add_loop_test(tcase,
	    clients_of_a_closed_listener_with_a_duplicate_reach_nobody, 0, n);
	return suite;
}
